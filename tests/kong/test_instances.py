import os
import stat
import time

import pytest

from kong_federation.kong.instances import InstanceFiles, read_configuration


@pytest.fixture
def files(tmp_path):
    return InstanceFiles(tmp_path / "run")


def test_kongs_keys_do_not_make_another_configuration():
    one = read_configuration(b'{"a":{"b":1},"c":null,"__seq__":21,"__plugin_id":"x","route_id":"r"}')
    two = read_configuration(b'{"c":null,"a":{"b":1},"__seq__":22,"service_id":"s","plugin_instance_name":"n"}')
    assert one == two
    assert one.values() == {"a": {"b": 1}, "c": None}
    assert read_configuration(b'{"a":2}').digest != one.digest


@pytest.mark.parametrize("sent", [b"", b"[]", b"null", b"{", b"\xff"])
def test_what_is_no_configuration_raises(sent):
    with pytest.raises(ValueError):  # noqa: PT011 - orjson's text
        read_configuration(sent)


def test_another_worker_finds_an_instance(files, tmp_path):
    configuration = read_configuration(b'{"a":1}')
    instance = files.start(configuration)
    other = InstanceFiles(tmp_path / "run")
    assert other.find(instance) == configuration
    assert other.find(instance + 1) is None
    other.close(instance)
    assert files.find(instance) is None
    files.close(instance)


def test_ids_never_collide(files, tmp_path):
    configuration = read_configuration(b"{}")
    other = InstanceFiles(tmp_path / "run")
    other._next = files._next
    ids = [worker.start(configuration) for _ in range(50) for worker in (files, other)]
    assert len(set(ids)) == 100
    assert all(0 < instance < 2**31 for instance in ids)


def test_ids_stay_below_two_to_the_31(files):
    files._next = 2**31 - 2
    assert files.start(read_configuration(b"{}")) == 2**31 - 1
    assert files.start(read_configuration(b"{}")) == 1


def test_only_the_owner_may_read(files, tmp_path):
    instance = files.start(read_configuration(b'{"secret":1}'))
    written = list((tmp_path / "run").rglob("*"))
    assert len(written) == 4
    for path in [tmp_path / "run", *written]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    assert files.find(instance)


def test_what_is_not_used_expires_and_what_is_used_stays(files, tmp_path):
    kept = files.start(read_configuration(b'{"a":1}'))
    left = files.start(read_configuration(b'{"a":2}'))
    long_ago = time.time() - 100
    for path in (tmp_path / "run").rglob("*"):
        if path.is_file():
            os.utime(path, (long_ago, long_ago))
    found = files.find(kept)
    files.renew(kept, found.digest)
    assert files.expire(50) == 2
    assert files.find(kept) == found
    assert files.find(left) is None


def test_a_damaged_file_is_not_used(files, tmp_path):
    configuration = read_configuration(b'{"a":1}')
    instance = files.start(configuration)
    (tmp_path / "run" / "configurations" / f"{configuration.digest}.json").write_bytes(b'{"a":')
    assert files.find(instance) is None
    again = files.start(configuration)
    assert files.find(again) == configuration, "a new start mends it"


def test_a_directory_that_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(PermissionError, match="cannot write"):
        InstanceFiles(tmp_path / "run")


def test_a_directory_of_another_user(tmp_path, monkeypatch):
    InstanceFiles(tmp_path / "run")
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(PermissionError, match=r"another user|our own"):
        InstanceFiles(tmp_path / "run")


def test_folders_that_others_prepared(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "instances").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PermissionError, match="our own"):
        InstanceFiles(tmp_path / "run")
    (tmp_path / "run" / "instances").unlink()
    (tmp_path / "run" / "instances").mkdir()
    (tmp_path / "run" / "instances").chmod(0o777)
    with pytest.raises(PermissionError, match="our own"):
        InstanceFiles(tmp_path / "run")


def test_a_directory_that_cannot_be_made(tmp_path):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(OSError, match="the runtime directory is no directory"):
        InstanceFiles(tmp_path / "run")
