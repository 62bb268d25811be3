import os
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from kong_federation.pluginserver.listener import Door, ListenError, SocketOptions


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="kf-") as name:
        yield Path(name)


@pytest.fixture
def listen():
    doors = []

    def listen(*arguments, **options):
        doors.append(Door(SocketOptions(*arguments, **options)))
        return doors[-1]

    yield listen
    for door in doors:
        door.close()


def test_it_listens_with_its_mode_and_leaves_nothing_else(folder, listen):
    listen(folder / "s", 0o606, f"{os.getuid()}:{os.getgid()}")
    assert stat.S_IMODE((folder / "s").stat().st_mode) == 0o606
    assert [path.name for path in folder.iterdir()] == ["s"]


def test_a_socket_of_a_dead_server_is_replaced(folder, listen):
    listen(folder / "s").close()
    assert listen(folder / "s").predecessor is None


def test_a_live_server_is_left_alone_unless_it_is_to_be_replaced(folder, listen):
    path = folder / "s"
    old = listen(path)
    with pytest.raises(ListenError, match="another server listens"):
        listen(path)
    new = listen(path, replace=True)
    assert (old.ours, old.gone, new.ours) == (False, False, True)
    old.hide()
    assert path.exists(), "the old server must not take the new one's name away"
    new.hide()
    assert not path.exists()
    assert (old.gone, new.gone, new.ours) == (True, True, False)


def test_a_door_that_lost_its_name_is_opened_again_unless_somebody_else_did(folder, listen):
    path = folder / "s"
    door = listen(path, 0o606, replace=True)
    path.unlink()
    again = door.reopen()
    assert (door.ours, again.ours) == (False, True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o606
    with pytest.raises(ListenError, match="another server listens"):
        door.reopen()
    again.close()


@pytest.mark.skipif(sys.platform != "linux", reason="tells who listens on Linux only")
def test_what_a_killed_server_left_its_children_is_no_server(folder, listen):
    """A child of it holds the socket open, as a worker does."""
    code = """if True:
        import os, sys, time
        from pathlib import Path
        from kong_federation.pluginserver.listener import Door, SocketOptions
        door = Door(SocketOptions(Path(sys.argv[1])))
        if not os.fork():
            sys.stdin.read()
            os._exit(0)
        print("listens", flush=True)
        time.sleep(60)
    """
    path = folder / "s"
    server = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout.readline() == "listens\n"
        with pytest.raises(ListenError, match="another server listens"):
            listen(path)
        server.kill()
        server.wait()
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
        assert listen(path).predecessor == server.pid
    finally:
        server.kill()
        server.communicate()


def test_a_socket_that_may_not_be_written_to_is_not_taken_for_a_dead_one(folder, listen, monkeypatch):
    def refuse(*_):
        raise PermissionError

    listen(folder / "s")
    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(ListenError, match="another server listens"):
        listen(folder / "s")


@pytest.mark.parametrize(
    ("name", "text"),
    [("x" * 120, "too long"), ("missing/s", "directory does not exist"), ("file", "not a socket")],
)
def test_what_is_wrong_is_said(folder, listen, name, text):
    (folder / "file").write_text("")
    with pytest.raises(ListenError, match=text):
        listen(folder / name)


def test_an_owner_that_does_not_exist(folder, listen):
    with pytest.raises(ListenError, match="nobody-of-this-name"):
        listen(folder / "s", owner="nobody-of-this-name")
    assert list(folder.iterdir()) == []
