"""
The part of the protobuf encoding that Kong's protocol uses.

Written by hand for two reasons: a stock library refuses strings that are not UTF-8, and Kong copies header bytes
unchecked; and this is the hot path, where an object per message and field would cost more than the work.

    text      is `str` holding latin-1, one character per byte, so that any byte survives
    bytes     are `bytes`
    fields    are `(key, value)`: the key is `number << 3 | wire type` as on the wire, so one comparison checks both;
              a known number with another wire type is an unknown field and skipped, as in the stock libraries
"""

from __future__ import annotations

import struct
from typing import Any

from kong_federation.kong.wire import ProtocolError

VARINT = 0
FIXED64 = 1
BYTES = 2
FIXED32 = 5

_SOLE = 1 << 3 | BYTES

_DOUBLE = struct.Struct("<d")
_BIT_64 = 1 << 64
_BIT_63 = 1 << 63
_ONE_BYTE = tuple(bytes((value,)) for value in range(128))
_VARINT_LIMIT = 70  # bits that ten bytes carry, the longest varint


def key(number: int, wire_type: int) -> int:
    """The key under which `fields` reports a field."""
    return number << 3 | wire_type


def varint(value: int) -> bytes:
    """An integer as a varint; negative ones as 64-bit two's complement, ten bytes."""
    if 0 <= value < 128:
        return _ONE_BYTE[value]
    if value < 0:
        value += _BIT_64
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """
    Read an unsigned varint.

    Returns:
        The value, below 2^64, and the place after it.

    Raises:
        ProtocolError: The varint is cut off or longer than ten bytes.
    """
    value = shift = 0
    try:
        while True:
            byte = data[at]
            at += 1
            if byte < 128:
                return (value | byte << shift) & (_BIT_64 - 1), at
            value |= (byte & 127) << shift
            shift += 7
            if shift >= _VARINT_LIMIT:
                raise ProtocolError("a varint of more than ten bytes")
    except IndexError:
        raise ProtocolError("a varint is cut off") from None


def signed(value: int) -> int:
    """An int32 or int64 from the unsigned varint that carries it."""
    return value - _BIT_64 if value >= _BIT_63 else value


def field(data: bytes, at: int) -> tuple[int, Any, int]:
    """
    One field of a message.

    Returns:
        Its key; its value, an unsigned int for varints and `bytes` for everything else; the place after it.

    Raises:
        ProtocolError: There is no field at this place.
    """
    tag, at = read_varint(data, at)
    value: int | bytes
    match tag & 7:
        case 2:  # BYTES
            length, start = read_varint(data, at)
            at = start + length
            value = data[start:at]
        case 0:  # VARINT
            value, at = read_varint(data, at)
        case 1:  # FIXED64
            value = data[at : at + 8]
            at += 8
        case 5:  # FIXED32
            value = data[at : at + 4]
            at += 4
        case unused:
            raise ProtocolError(f"wire type {unused} is not in use")
    if at > len(data):
        raise ProtocolError("a field is cut off")
    if tag < 8:
        raise ProtocolError("a field with the number 0")
    return tag, value, at


def fields(data: bytes) -> list[tuple[int, Any]]:
    """
    The fields of a message in the order sent, unknown ones included, as pairs of key and value.

    Raises:
        ProtocolError: The bytes are not a message.
    """
    found: list[tuple[int, Any]] = []
    at = 0
    end = len(data)
    while at < end:
        # Small numbers, small values and short texts have one byte for each varint: no call for those.
        tag = data[at]
        second = data[at + 1] if at + 1 < end else 128
        if tag < 128 and second < 128 and tag > 7:
            if tag & 7 == VARINT:
                found.append((tag, second))
                at += 2
                continue
            after = at + 2 + second
            if tag & 7 == BYTES and after <= end:
                found.append((tag, data[at + 2 : after]))
                at = after
                continue
        tag, value, at = field(data, at)
        found.append((tag, value))
    return found


def sole_bytes(data: bytes) -> bytes | None:
    """The content of a message that is just `1: bytes`, as most results are; None if it is anything else."""
    if len(data) < 2 or data[0] != _SOLE:
        return None
    length = data[1]
    at = 2
    if length > 127:
        if len(data) > 3 and data[2] < 128:
            # Bodies of requests: up to 16 KB.
            length += (data[2] << 7) - 128
            at = 3
        else:
            length, at = read_varint(data, 1)
    return data[at:] if at + length == len(data) else None


def bytes_field(number: int, value: bytes) -> bytes:
    """A length-delimited field, written also when it is empty."""
    return varint(number << 3 | BYTES) + varint(len(value)) + value


def text_field(number: int, value: str) -> bytes:
    """A string field of latin-1 text, written also when it is empty."""
    return bytes_field(number, value.encode("latin-1"))


def integer_field(number: int, value: int) -> bytes:
    """An integer field, written also when it is zero."""
    return varint(number << 3) + varint(value)


def double_field(number: int, value: float) -> bytes:
    """A double field, written also when it is zero."""
    return varint(number << 3 | FIXED64) + _DOUBLE.pack(value)


def double(data: bytes) -> float:
    """The double in a fixed64 field's eight bytes."""
    value: float = _DOUBLE.unpack(data)[0]
    return value
