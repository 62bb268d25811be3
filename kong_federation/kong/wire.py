"""
Frames: a 4-byte little-endian length, then that many bytes.

A stream may be cut and joined at any byte, so the reader keeps what is incomplete. Bytes in, frames out; no socket.
"""

from __future__ import annotations

import struct

# Kong sends nothing larger than a configuration (4 to 16 MiB in hybrid mode) or a request body that nginx kept in
# memory (client_body_buffer_size, 8 KiB unless raised). The bound only keeps a confused peer from filling memory.
MAXIMUM_FRAME = 64 * 1024 * 1024  # bytes

_LENGTH = struct.Struct("<I")
_HEAD = _LENGTH.size
_read_length = _LENGTH.unpack_from


class ProtocolError(ValueError):
    """The peer sent bytes that the protocol does not allow."""


def frame(content: bytes) -> bytes:
    """The bytes of one frame."""
    return _LENGTH.pack(len(content)) + content


def cut(data: bytes, maximum: int = MAXIMUM_FRAME) -> tuple[list[bytes], int]:
    """
    Cut whole frames out of a piece of the stream.

    Returns:
        Their contents in order, and how many bytes they took; what is left is the beginning of another one.

    Raises:
        ProtocolError: A frame is larger than the maximum.
    """
    frames = []
    at = 0
    size = len(data)
    while (start := at + _HEAD) <= size:
        (length,) = _read_length(data, at)
        if length > maximum:
            raise _too_long(length, maximum)
        end = start + length
        if end > size:
            break
        frames.append(data[start:end])
        at = end
    return frames, at


class FrameReader:
    """
    Cuts a stream into frames.

    Args:
        maximum: Bytes of the largest frame that is accepted.
    """

    __slots__ = ("_maximum", "_rest")

    def __init__(self, maximum: int = MAXIMUM_FRAME) -> None:
        self._maximum = maximum
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """
        Take the next bytes of the stream.

        Returns:
            The contents of the frames that are complete, in order.

        Raises:
            ProtocolError: A frame is larger than the maximum. The reader cannot go on from there.
        """
        rest = self._rest
        if not rest:
            # Nearly always: whole frames in one piece. They are cut straight out of it, without a second buffer.
            frames, consumed = cut(data, self._maximum)
            if consumed < len(data):
                rest += data[consumed:]
            return frames
        rest += data
        if len(rest) >= _HEAD and len(rest) - _HEAD < self._length(rest, 0):
            return []
        frames, consumed = cut(bytes(rest), self._maximum)
        del rest[:consumed]
        return frames

    def _length(self, data: bytes | bytearray, at: int) -> int:
        length: int = _LENGTH.unpack_from(data, at)[0]
        if length > self._maximum:
            raise _too_long(length, self._maximum)
        return length


def _too_long(length: int, maximum: int) -> ProtocolError:
    return ProtocolError(f"a frame of {length} bytes, at most {maximum} are accepted")
