"""
The PDK functions a plugin server may call: for each, how its argument and its result are written.

A result of zero length is "nothing" and "failed" alike; proto3's default values look the same. One table, because both
ends read it: the server encodes arguments and decodes results, the stand-in for Kong does the opposite.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from kong_federation.kong.protobuf import (
    BYTES,
    FIXED64,
    VARINT,
    bytes_field,
    double,
    double_field,
    fields,
    integer_field,
    key,
    signed,
    sole_bytes,
    text_field,
)
from kong_federation.kong.records import (
    CONSUMER,
    CREDENTIAL,
    ROUTE,
    SERVICE,
    Exit,
    decode_exit,
    decode_raw_body,
    decode_target,
    encode_exit,
    encode_raw_body,
    encode_target,
)
from kong_federation.kong.values import (
    decode_list,
    decode_pair,
    decode_struct,
    decode_value,
    encode_list,
    encode_pair,
    encode_struct,
    encode_value,
)

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Codec(Generic[Thing]):
    """Both directions of one message type."""

    encode: Callable[[Thing], bytes]
    decode: Callable[[bytes], Thing]


@dataclass(frozen=True, slots=True)
class Signature:
    """What a PDK function takes and gives."""

    argument: Codec[Any]
    result: Codec[Any]


_SHORT = key(1, BYTES)


def encode_text(value: str) -> bytes:
    """A String of latin-1 text."""
    return text_field(1, value) if value else b""


def decode_text(data: bytes) -> str:
    """A String as latin-1 text."""
    if len(data) > 1 and data[0] == _SHORT and data[1] == len(data) - 2 < 128:
        # Nearly all are short.
        return data[2:].decode("latin-1")
    return decode_byte_string(data).decode("latin-1")


def encode_byte_string(value: bytes) -> bytes:
    """A ByteString."""
    return bytes_field(1, value) if value else b""


def decode_byte_string(data: bytes) -> bytes:
    """A ByteString."""
    sole = sole_bytes(data)
    if sole is not None:
        return sole
    found = b""
    for tag, content in fields(data):
        if tag == key(1, BYTES):
            found = content
    return found


def encode_integer(value: int) -> bytes:
    """An Int."""
    return integer_field(1, value) if value else b""


def decode_integer(data: bytes) -> int:
    """An Int."""
    found = 0
    for tag, content in fields(data):
        if tag == key(1, VARINT):
            found = signed(content)
    return found


def encode_number(value: float) -> bytes:
    """A Number."""
    return double_field(1, value) if value else b""


def decode_number(data: bytes) -> float:
    """A Number."""
    found = 0.0
    for tag, content in fields(data):
        if tag == key(1, FIXED64):
            found = double(content)
    return found


def _nothing_out(_: None) -> bytes:
    return b""


def _nothing_in(data: bytes) -> None:
    fields(data)


def _exit_out(answer: Exit) -> bytes:
    return encode_exit(answer.status, answer.headers, answer.body)


EMPTY = Codec(_nothing_out, _nothing_in)
TEXT = Codec(encode_text, decode_text)
BYTE_STRING = Codec(encode_byte_string, decode_byte_string)
INTEGER = Codec(encode_integer, decode_integer)
FLAG: Codec[bool] = Codec(encode_integer, lambda data: bool(decode_integer(data)))
NUMBER = Codec(encode_number, decode_number)
VALUE: Codec[Any] = Codec(encode_value, decode_value)
STRUCT: Codec[Any] = Codec(encode_struct, decode_struct)
LIST: Codec[Any] = Codec(encode_list, decode_list)
PAIR: Codec[Any] = Codec(encode_pair, decode_pair)
RAW_BODY = Codec(encode_raw_body, decode_raw_body)
TARGET = Codec(encode_target, decode_target)
EXIT = Codec(_exit_out, decode_exit)

FUNCTIONS: dict[str, Signature] = {
    "kong.request.get_method": Signature(EMPTY, TEXT),
    "kong.request.get_path": Signature(EMPTY, TEXT),
    "kong.request.get_path_with_query": Signature(EMPTY, TEXT),
    "kong.request.get_raw_query": Signature(EMPTY, TEXT),
    "kong.request.get_scheme": Signature(EMPTY, TEXT),
    "kong.request.get_host": Signature(EMPTY, TEXT),
    "kong.request.get_port": Signature(EMPTY, INTEGER),
    "kong.request.get_forwarded_scheme": Signature(EMPTY, TEXT),
    "kong.request.get_forwarded_host": Signature(EMPTY, TEXT),
    "kong.request.get_forwarded_port": Signature(EMPTY, INTEGER),
    "kong.request.get_http_version": Signature(EMPTY, NUMBER),
    "kong.request.get_header": Signature(TEXT, TEXT),
    "kong.request.get_query_arg": Signature(TEXT, TEXT),
    "kong.request.get_headers": Signature(INTEGER, STRUCT),
    "kong.request.get_query": Signature(INTEGER, STRUCT),
    "kong.request.get_raw_body": Signature(EMPTY, RAW_BODY),
    "kong.client.get_ip": Signature(EMPTY, TEXT),
    "kong.client.get_forwarded_ip": Signature(EMPTY, TEXT),
    "kong.client.get_consumer": Signature(EMPTY, Codec(CONSUMER.encode, CONSUMER.decode)),
    "kong.client.get_credential": Signature(EMPTY, Codec(CREDENTIAL.encode, CREDENTIAL.decode)),
    "kong.router.get_route": Signature(EMPTY, Codec(ROUTE.encode, ROUTE.decode)),
    "kong.router.get_service": Signature(EMPTY, Codec(SERVICE.encode, SERVICE.decode)),
    "kong.ctx.shared.get": Signature(TEXT, VALUE),
    "kong.ctx.shared.set": Signature(PAIR, EMPTY),
    "kong.nginx.get_var": Signature(TEXT, TEXT),
    "kong.nginx.get_ctx": Signature(TEXT, VALUE),
    "kong.nginx.set_ctx": Signature(PAIR, EMPTY),
    "kong.nginx.req_start_time": Signature(EMPTY, NUMBER),
    "kong.node.get_id": Signature(EMPTY, TEXT),
    "kong.log.alert": Signature(LIST, EMPTY),
    "kong.log.crit": Signature(LIST, EMPTY),
    "kong.log.err": Signature(LIST, EMPTY),
    "kong.log.warn": Signature(LIST, EMPTY),
    "kong.log.notice": Signature(LIST, EMPTY),
    "kong.log.info": Signature(LIST, EMPTY),
    "kong.log.debug": Signature(LIST, EMPTY),
    "kong.log.set_serialize_value": Signature(PAIR, EMPTY),
    "kong.response.set_header": Signature(PAIR, EMPTY),
    "kong.response.add_header": Signature(PAIR, EMPTY),
    "kong.response.exit": Signature(EXIT, EMPTY),
    "kong.service.set_target": Signature(TARGET, EMPTY),
    "kong.service.set_upstream": Signature(TEXT, FLAG),
    "kong.service.request.set_scheme": Signature(TEXT, EMPTY),
    "kong.service.request.set_path": Signature(TEXT, EMPTY),
    "kong.service.request.set_method": Signature(TEXT, EMPTY),
    "kong.service.request.set_raw_query": Signature(TEXT, EMPTY),
    "kong.service.request.set_header": Signature(PAIR, EMPTY),
    "kong.service.request.add_header": Signature(PAIR, EMPTY),
    "kong.service.request.set_headers": Signature(STRUCT, EMPTY),
    "kong.service.request.clear_header": Signature(TEXT, EMPTY),
    "kong.service.request.set_raw_body": Signature(BYTE_STRING, EMPTY),
}
