"""Following a supergraph's file."""

import asyncio
import os

import pytest

from kong_federation.gateway import source
from kong_federation.settings import parse_settings


def settings(**supergraph):
    return parse_settings({"supergraph": supergraph}).supergraph


async def take(following, count):
    return [(await anext(following)).sdl for _ in range(count)]


async def test_an_inline_supergraph_never_changes():
    assert [text.sdl async for text in source.follow(settings(sdl="x"))] == ["x"]


async def test_without_polling_a_file_is_read_once(tmp_path):
    file = tmp_path / "s"
    file.write_bytes(b"\xef\xbb\xbfx")
    assert [text.sdl async for text in source.follow(settings(path=str(file), poll_interval=0))] == ["x"]


async def test_a_file_is_read_again_when_it_is_written(tmp_path):
    file = tmp_path / "s"
    file.write_text("one", encoding="utf-8")
    following = source.follow(settings(path=str(file), poll_interval=5))
    assert await take(following, 1) == ["one"]
    # Same size, and perhaps the same time by the file system's clock.
    file.write_text("two", encoding="utf-8")
    assert await take(following, 1) == ["two"]
    await following.aclose()


@pytest.mark.parametrize("interval", [0, 3_600_000])
async def test_a_file_is_looked_at_when_somebody_asks(tmp_path, interval):
    file = tmp_path / "s"
    file.write_text("one", encoding="utf-8")
    os.utime(file, (1, 1))
    look = asyncio.Event()
    following = source.follow(settings(path=str(file), poll_interval=interval), look)
    assert await take(following, 1) == ["one"]
    file.write_text("two", encoding="utf-8")
    os.utime(file, (1, 1))
    taking = asyncio.ensure_future(take(following, 1))
    await asyncio.sleep(0.05)
    assert not taking.done()
    look.set()
    assert await asyncio.wait_for(taking, 10) == ["two"], "though neither size nor time has changed"
    await following.aclose()


async def test_a_config_map_turns_a_link(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "s").write_text(name, encoding="utf-8")
        os.utime(tmp_path / name / "s", (1, 1))
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "s").symlink_to("..data/s")
    following = source.follow(settings(path=str(tmp_path / "s"), poll_interval=5))
    assert await take(following, 1) == ["one"]
    (tmp_path / "..new").symlink_to("two")
    (tmp_path / "..new").rename(tmp_path / "..data")
    assert await take(following, 1) == ["two"]
    await following.aclose()


async def test_a_file_that_is_not_touched_is_not_read(tmp_path, monkeypatch):
    file = tmp_path / "s"
    file.write_text("one", encoding="utf-8")
    os.utime(file, (1, 1))
    read, text = source._read_if_changed(file, None)
    assert text.sdl == "one"
    assert source._read_if_changed(file, read) is None
    os.utime(file)
    again, text = source._read_if_changed(file, read)
    assert (again, text.sdl) == (None, "one")


async def test_a_file_that_is_not_utf_8_is_no_supergraph(tmp_path, caplog):
    file = tmp_path / "s"
    file.write_bytes(b"\xff")
    following = source.follow(settings(path=str(file), poll_interval=5))
    assert await anext(following) is None
    assert "cannot be read" in caplog.text
    file.write_text("x", encoding="utf-8")
    assert await take(following, 1) == ["x"]
    await following.aclose()


@pytest.mark.parametrize("path", ["/", "/dev/null/x"])
async def test_what_is_no_file_is_no_supergraph(path, caplog):
    following = source.follow(settings(path=path))
    assert await anext(following) is None
    assert "cannot be read" in caplog.text
    await following.aclose()
