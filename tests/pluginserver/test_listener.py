import os
import socket
import stat
import tempfile
from pathlib import Path

import pytest

from kong_federation.pluginserver.listener import ListenError, SocketOptions, identity, listen, remove


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="kf-") as name:
        yield Path(name)


def test_it_listens_with_its_mode_and_leaves_nothing_else(folder):
    with listen(SocketOptions(folder / "s", 0o606, f"{os.getuid()}:{os.getgid()}")):
        assert stat.S_IMODE((folder / "s").stat().st_mode) == 0o606
        assert [path.name for path in folder.iterdir()] == ["s"]


def test_a_socket_of_a_dead_server_is_replaced(folder):
    listen(SocketOptions(folder / "s")).close()
    with listen(SocketOptions(folder / "s")) as again:
        assert again.fileno() > 0


def test_a_live_server_is_left_alone_unless_it_is_to_be_replaced(folder):
    path = folder / "s"
    with listen(SocketOptions(path)):
        old = identity(path)
        with pytest.raises(ListenError, match="another server listens"):
            listen(SocketOptions(path))
        with listen(SocketOptions(path, replace=True)):
            assert identity(path) != old
            remove(path, old)
            assert path.exists(), "the old server must not take the new one's name away"
            remove(path, identity(path))
            assert not path.exists()


def test_a_socket_that_may_not_be_written_to_is_not_taken_for_a_dead_one(folder, monkeypatch):
    def refuse(*_):
        raise PermissionError

    with listen(SocketOptions(folder / "s")):
        monkeypatch.setattr(socket.socket, "connect", refuse)
        with pytest.raises(ListenError, match="another server listens"):
            listen(SocketOptions(folder / "s"))


@pytest.mark.parametrize(
    ("name", "text"),
    [("x" * 120, "too long"), ("missing/s", "directory does not exist"), ("file", "not a socket")],
)
def test_what_is_wrong_is_said(folder, name, text):
    (folder / "file").write_text("")
    with pytest.raises(ListenError, match=text):
        listen(SocketOptions(folder / name))


def test_an_owner_that_does_not_exist(folder):
    with pytest.raises(ListenError, match="nobody-of-this-name"):
        listen(SocketOptions(folder / "s", owner="nobody-of-this-name"))
    assert list(folder.iterdir()) == []
