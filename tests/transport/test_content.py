import contextlib
import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kong_federation.transport.content import decoder
from kong_federation.transport.errors import TransportError, Trouble

TEXT = b'{"data":{"me":"Ada"}}' * 20


def bare(text: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(text) + packer.flush()


PACKED = {
    "gzip": (b"gzip", gzip.compress(TEXT)),
    "two gzips": (b" X-GZIP", gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:])),
    "deflate": (b"deflate", zlib.compress(TEXT)),
    "bare deflate": (b"deflate", bare(TEXT)),
}


def decode(coding: bytes, pieces, room: int = 10_000) -> bytes:
    decoding = decoder(coding)
    made = b""
    for piece in pieces:
        made += decoding.feed(piece, room - len(made))
    decoding.end()
    return made


@pytest.mark.parametrize("form", PACKED)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
def test_in_pieces(form, size):
    coding, packed = PACKED[form]
    assert decode(coding, [packed[at : at + size] for at in range(0, len(packed), size)]) == TEXT


@pytest.mark.parametrize("form", PACKED)
def test_what_is_cut_off_is_refused(form):
    coding, packed = PACKED[form]
    with pytest.raises(TransportError) as raised:
        decode(coding, [packed[:-1]])
    assert raised.value.trouble is Trouble.ENCODING


@pytest.mark.parametrize(
    ("coding", "packed"), [(b"gzip", gzip.compress(b"") + b"\0"), (b"deflate", zlib.compress(b"") + b"x")]
)
def test_what_follows_is_refused(coding, packed):
    with pytest.raises(TransportError):
        decode(coding, [packed[:-1], packed[-1:]])


def test_one_byte_more_than_there_is_room_for():
    assert len(decoder(b"gzip").feed(gzip.compress(b" " * 1_000_000), 10)) == 11
    assert len(decoder(b"gzip").feed(gzip.compress(b" " * 1_000_000), 0)) == 1


def test_nothing_is_nothing():
    assert decode(b"gzip", []) == b""


@pytest.mark.parametrize("coding", [b"identity", b" Identity ", b""])
def test_nothing_to_decode(coding):
    assert decoder(coding) is None


@pytest.mark.parametrize("coding", [b"br", b"zstd", b"gzip, gzip", b"compress", b"\xe9"])
def test_codings_nobody_asked_for(coding):
    with pytest.raises(TransportError) as raised:
        decoder(coding)
    assert raised.value.trouble is Trouble.ENCODING


@given(st.binary(max_size=200))
def test_garbage_ends_in_an_error_or_in_bytes(garbage):
    for coding in (b"gzip", b"deflate"):
        with contextlib.suppress(TransportError):
            assert len(decode(coding, [garbage], 1000)) <= 1001
