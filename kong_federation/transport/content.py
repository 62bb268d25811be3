"""
Content codings, undone piece by piece.

We ask for none, so this is for subgraphs that compress unasked. What is accepted is bounded after decompression: no
step makes more than the room that is left, plus one byte that tells that it was not enough.
"""

from __future__ import annotations

import zlib
from typing import Final

from kong_federation.transport.errors import TransportError, Trouble

_GZIP: Final = 16 + zlib.MAX_WBITS
_ZLIB: Final = zlib.MAX_WBITS
_RAW: Final = -zlib.MAX_WBITS
_CODINGS: Final = {b"gzip": _GZIP, b"x-gzip": _GZIP, b"deflate": _ZLIB}


class Decoder:
    """
    One body in gzip or deflate.

    Args:
        bits: zlib's name of the format.
    """

    __slots__ = ("_bits", "_held", "_stream")

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._held = b""
        self._stream: zlib._Decompress | None = None

    def feed(self, data: bytes, room: int) -> bytes:
        """
        Decompress one piece.

        Args:
            data: What came.
            room: Bytes that are accepted.

        Returns:
            What it holds; one byte more than there is room for tells that there is more.

        Raises:
            TransportError: ENCODING.
        """
        made: list[bytes] = []
        try:
            while data:
                stream = self._stream
                if stream is None or stream.eof:
                    data = self._open(data)
                    continue
                piece = stream.decompress(data, room + 1)
                room -= len(piece)
                made.append(piece)
                if room < 0:
                    break
                data = stream.unused_data
        except zlib.error:
            raise TransportError(Trouble.ENCODING) from None
        return made[0] if len(made) == 1 else b"".join(made)

    def end(self) -> None:
        """
        Note that nothing comes any more.

        Raises:
            TransportError: ENCODING: the stream is not complete.
        """
        if self._held or (self._stream is not None and not self._stream.eof):
            raise TransportError(Trouble.ENCODING)

    def _open(self, data: bytes) -> bytes:
        """Begin a stream; returns what it is to be fed, which is nothing while its format is not known."""
        # gzip allows several streams one after the other (RFC 1952, section 2.2).
        if self._stream is not None and self._bits != _GZIP:
            raise TransportError(Trouble.ENCODING)
        data = self._held + data
        # "deflate" is zlib's format (RFC 9110, section 8.4.1.2), but some send the bare one; two bytes tell.
        if self._bits == _ZLIB and len(data) < 2:
            self._held = data
            return b""
        self._held = b""
        self._stream = zlib.decompressobj(_RAW if self._bits == _ZLIB and not _is_zlib(data) else self._bits)
        return data


def decoder(coding: bytes) -> Decoder | None:
    """
    Make the decoder for a `Content-Encoding`; None: there is nothing to decode.

    Raises:
        TransportError: ENCODING: we do not know it, and never asked for it.
    """
    name = coding.strip().lower()
    if name in {b"", b"identity"}:
        return None
    bits = _CODINGS.get(name)
    if bits is None:
        raise TransportError(Trouble.ENCODING)
    return Decoder(bits)


def _is_zlib(data: bytes) -> bool:
    """Whether two bytes are zlib's header: method 8, and a check (RFC 1950, 2.2)."""
    return data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
