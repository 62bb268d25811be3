"""
Values of no fixed type, as Kong's contexts, headers and log calls carry them.

    Value   1: null, 2: double, 3: string, 4: bool, 5: Struct, 6: List
    Struct  1: repeated {1: key, 2: Value}
    List    1: repeated Value
    KV      1: key, 2: Value

Through Kong and back `false` becomes null, null the string "NULL_VALUE", and an empty list an empty Struct: what is
meant to be read again is sent as a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kong_federation.kong.protobuf import (
    BYTES,
    FIXED64,
    VARINT,
    bytes_field,
    double,
    double_field,
    field,
    fields,
    integer_field,
    key,
    text_field,
)
from kong_federation.kong.wire import ProtocolError

Value = None | bool | int | float | str | Sequence["Value"] | Mapping[str, "Value"]

_NUMBER = key(2, FIXED64)
_TEXT = key(3, BYTES)
_FLAG = key(4, VARINT)
_STRUCT = key(5, BYTES)
_LIST = key(6, BYTES)
_FIRST = key(1, BYTES)
_SECOND = key(2, BYTES)

_DEPTH = 64  # levels; Kong's own values have two or three


def encode_value(value: Value) -> bytes:
    """A Value."""
    match value:
        case str():
            return text_field(3, value)
        case None:
            return integer_field(1, 0)
        case bool():
            return integer_field(4, value)
        case int() | float():
            return double_field(2, value)
        case Mapping():
            return bytes_field(5, encode_struct(value))
        case _:
            return bytes_field(6, encode_list(value))


def decode_value(data: bytes, depth: int = _DEPTH) -> Any:
    """
    A Value; the last member counts, none is None.

    Args:
        data: The message.
        depth: Levels that may still be opened.

    Raises:
        ProtocolError: The bytes are not a Value, or are nested too deeply.
    """
    if not depth:
        raise ProtocolError(f"a value of more than {_DEPTH} levels")
    value: Any = None
    for tag, content in fields(data):
        if tag == _TEXT:
            value = content.decode("latin-1")
        elif tag == _LIST:
            value = decode_list(content, depth - 1)
        elif tag == _STRUCT:
            value = decode_struct(content, depth - 1)
        elif tag == _NUMBER:
            value = double(content)
        elif tag == _FLAG:
            value = bool(content)
    return value


def encode_struct(struct: Mapping[str, Value]) -> bytes:
    """A Struct, in the mapping's order."""
    return b"".join([bytes_field(1, encode_pair((name, value))) for name, value in struct.items()])


def decode_struct(data: bytes, depth: int = _DEPTH) -> dict[str, Any]:
    """A Struct; the last of equal keys counts."""
    return dict(decode_pair(content, depth) for tag, content in fields(data) if tag == _FIRST)


def encode_list(values: Sequence[Value]) -> bytes:
    """A List."""
    return b"".join([bytes_field(1, encode_value(value)) for value in values])


def decode_list(data: bytes, depth: int = _DEPTH) -> list[Any]:
    """A List."""
    return [decode_value(content, depth) for tag, content in fields(data) if tag == _FIRST]


def encode_pair(pair: tuple[str, Value]) -> bytes:
    """A KV."""
    name, value = pair
    return text_field(1, name) + bytes_field(2, encode_value(value))


def decode_pair(data: bytes, depth: int = _DEPTH) -> tuple[str, Any]:
    """A KV, also the entry of a Struct."""
    name = ""
    value: Any = None
    for tag, content in fields(data):
        if tag == _FIRST:
            name = content.decode("latin-1")
        elif tag == _SECOND:
            value = decode_value(content, depth)
    return name, value


def encode_headers(headers: Iterable[tuple[str, str]]) -> bytes:
    """
    Headers as a Struct: a string, or a List of strings when a name comes more than once.

    Args:
        headers: Name and value in order, latin-1 text.
    """
    written: dict[str, bytes] = {}
    lists: dict[str, bytes] = {}
    for name, text in headers:
        value = text_field(3, text)
        before = written.get(name)
        if before is None:
            written[name] = value
        else:
            lists[name] = lists.get(name, bytes_field(1, before)) + bytes_field(1, value)
    for name, values in lists.items():
        written[name] = bytes_field(6, values)
    return b"".join([bytes_field(1, text_field(1, name) + bytes_field(2, value)) for name, value in written.items()])


def encode_replacing(removed: Iterable[str], headers: Iterable[tuple[str, str]]) -> bytes:
    """
    Headers as a Struct that also takes some away: to nginx, a header with no value at all is one that is not there.

    Args:
        removed: Names of headers to take away.
        headers: Name and value in order, latin-1 text.
    """
    gone = b"".join([bytes_field(1, text_field(1, name) + bytes_field(2, bytes_field(6, b""))) for name in removed])
    return gone + encode_headers(headers)


def decode_headers(data: bytes) -> dict[str, list[str]]:
    """
    A Struct of headers.

    Raises:
        ProtocolError: The bytes are not a Struct, or a value is neither a string nor a list of strings.
    """
    # Every request has a dozen headers, and nearly all are one string with lengths below 128, which is
    #   0a entry 0a name ... 12 value 1a text ...
    # with one byte for each length. Those are cut out of the text directly; walking their fields would take four times
    # as long. A length of 128 or more has its high bit set, fails the comparison of ends and goes the general way.
    found: dict[str, list[str]] = {}
    text = data.decode("latin-1")
    at = 0
    end = len(data)
    while at < end:
        name_at = at + 4
        colon = name_at + data[at + 3] if at + 3 < end else end
        value_at = colon + 4
        entry_end = at + 2 + data[at + 1] if at + 1 < end else end
        if (
            value_at <= entry_end <= end
            and data[at] == data[at + 2] == _FIRST
            and data[colon] == _SECOND
            and data[colon + 2] == _TEXT
            and data[at + 1] < 128
            and value_at + data[colon + 3] == colon + 2 + data[colon + 1] == entry_end
        ):
            found[text[name_at:colon]] = [text[value_at:entry_end]]
            at = entry_end
        else:
            at = _decode_header(data, at, found)
    return found


def _decode_header(data: bytes, at: int, found: dict[str, list[str]]) -> int:
    """Read one field of a Struct in the general way; returns the place after it."""
    tag, content, after = field(data, at)
    if tag == _FIRST:
        name, value = decode_pair(content)
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str) for one in values):
            raise ProtocolError(f"the value of the header {name} is not text")
        found[name] = values
    return after
