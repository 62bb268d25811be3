import os

import pytest

from kong_federation.errors import FederationError
from kong_federation.kong import RawBody
from kong_federation.kong.body import read_body


@pytest.mark.parametrize("size", [0, 1, 9_000, 300_000, 1_000_000])
async def test_a_file_is_read(tmp_path, size):
    path = tmp_path / "caf\xe9"
    path.write_bytes(b"x" * size)
    sent = os.fsencode(path).decode("latin-1")
    assert await read_body(RawBody(path=sent), 1_000_000) == b"x" * size


@pytest.mark.parametrize("size", [11, 300_000])
async def test_a_file_above_the_limit(tmp_path, size):
    path = tmp_path / "body"
    path.write_bytes(b"x" * size)
    with pytest.raises(FederationError, match=f"more than the {size - 1} bytes") as refused:
        await read_body(RawBody(path=str(path)), size - 1)
    assert refused.value.code.status == 413


async def test_memory_and_its_limit():
    assert await read_body(RawBody(content=b"12"), 2) == b"12"
    with pytest.raises(FederationError, match="more than the 1 bytes"):
        await read_body(RawBody(content=b"12"), 1)


async def test_a_file_that_cannot_be_read_says_what_to_do_to_the_operator(tmp_path, caplog):
    os.mkfifo(tmp_path / "pipe")
    for body in (
        RawBody(path=str(tmp_path / "missing")),
        RawBody(path=str(tmp_path)),
        RawBody(path=str(tmp_path / "pipe")),
        RawBody(error="Can't read request body"),
    ):
        caplog.clear()
        with pytest.raises(FederationError, match="temporary file") as refused:
            await read_body(body, 10)
        assert "client_body_buffer_size" in caplog.text
        assert str(tmp_path) not in refused.value.message
