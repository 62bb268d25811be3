"""
What Kong asks of a plugin server, and the answers.

    RpcCall    1: sequence, and one of
               33: start instance {1: plugin name, 2: configuration, JSON}
               35: close instance {1: instance id}
               36: handle event {1: instance id, 2: phase}
               31, 32, 34: plugin names, plugin info, instance status; in Kong's schema but never sent
    RpcReturn  1: sequence, and after a start 33: {1: plugin name, 2: instance id}
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from kong_federation.kong.protobuf import (
    BYTES,
    VARINT,
    bytes_field,
    fields,
    integer_field,
    key,
    read_varint,
    signed,
    text_field,
    varint,
)
from kong_federation.kong.wire import ProtocolError


@dataclass(frozen=True)
class StartInstance:
    """
    Kong has a configuration that it wants to use.

    Args:
        sequence: Repeated in the answer.
        plugin: The plugin's name.
        configuration: JSON, with Kong's own keys beside the plugin's.
    """

    sequence: int
    plugin: str
    configuration: bytes


@dataclass(frozen=True)
class CloseInstance:
    """Kong no longer uses a configuration."""

    sequence: int
    instance: int


class HandleEvent(NamedTuple):
    """A request has reached the plugin; from here the server leads the connection."""

    sequence: int
    instance: int
    phase: str


@dataclass(frozen=True)
class OtherCall:
    """
    A call that Kong's schema knows and Kong does not make.

    Args:
        sequence: Repeated in the answer.
        number: The field that named the call; 0: none.
    """

    sequence: int
    number: int


Call = StartInstance | CloseInstance | HandleEvent | OtherCall


@dataclass(frozen=True)
class InstanceStarted:
    """The answer to a start."""

    sequence: int
    plugin: str
    instance: int


@dataclass(frozen=True)
class Done:
    """The answer to everything else; after an event it follows an empty frame."""

    sequence: int


Answer = InstanceStarted | Done

_SEQUENCE = key(1, VARINT)
_ID = key(1, VARINT)
_NAME = key(1, BYTES)
_SECOND_BYTES = key(2, BYTES)
_SECOND_VARINT = key(2, VARINT)
_START = key(33, BYTES)
_CLOSE = key(35, BYTES)
_EVENT = key(36, BYTES)
_STARTED = key(33, BYTES)
_OTHERS = frozenset({key(31, BYTES), key(32, BYTES), key(34, BYTES)})
_SEQUENCE_BYTE = varint(_SEQUENCE)
_EVENT_BYTES = varint(_EVENT)


def decode_call(data: bytes) -> Call:
    """
    An RpcCall.

    Raises:
        ProtocolError: The bytes are not one, or it names no call.
    """
    sequence = chosen = 0
    inside = b""
    for tag, content in fields(data):
        if tag == _SEQUENCE:
            sequence = signed(content)
        elif tag in {_EVENT, _START, _CLOSE} or tag in _OTHERS:
            chosen, inside = tag, content
    if chosen == _EVENT:
        return HandleEvent(sequence, *_read_event(inside))
    if chosen == _START:
        return _start_instance(sequence, inside)
    if chosen == _CLOSE:
        return CloseInstance(sequence, _instance(inside))
    if not chosen:
        raise ProtocolError("a call that names nothing to do")
    return OtherCall(sequence, chosen >> 3)


def read_event(data: bytes) -> tuple[int, int, str] | None:
    """
    The sequence number, the instance and the phase of an event; None: it is another call, or none at all.

    Nearly all calls are events: a sequence number and then the event, which is the same for every event of an instance.
    """
    if data[:1] == _SEQUENCE_BYTE:
        sequence = shift = 0
        at = 1
        for byte in data[1:10]:  # so many bytes are never negative
            at += 1
            sequence |= (byte & 127) << shift
            if byte < 128:
                # Other calls may be large; they must not be remembered.
                event = _whole_event(data[at:]) if data[at : at + 2] == _EVENT_BYTES else None
                if event is not None:
                    return (sequence, *event)
                break
            shift += 7
    call = decode_call(data)
    return (call.sequence, call.instance, call.phase) if isinstance(call, HandleEvent) else None


def encode_call(call: Call) -> bytes:
    """An RpcCall; fields in the order of their numbers (Kong's own order varies)."""
    head = integer_field(1, call.sequence)
    match call:
        case HandleEvent():
            return head + bytes_field(36, integer_field(1, call.instance) + text_field(2, call.phase))
        case StartInstance():
            return head + bytes_field(33, text_field(1, call.plugin) + bytes_field(2, call.configuration))
        case CloseInstance():
            return head + bytes_field(35, integer_field(1, call.instance))
        case OtherCall():
            return head + bytes_field(call.number, b"")


def encode_answer(answer: Answer) -> bytes:
    """An RpcReturn."""
    head = integer_field(1, answer.sequence)
    if isinstance(answer, Done):
        return head
    return head + bytes_field(33, text_field(1, answer.plugin) + integer_field(2, answer.instance))


def decode_answer(data: bytes) -> Answer:
    """
    An RpcReturn.

    Raises:
        ProtocolError: The bytes are not one.
    """
    sequence = 0
    started: bytes | None = None
    for tag, content in fields(data):
        if tag == _SEQUENCE:
            sequence = signed(content)
        elif tag == _STARTED:
            started = content
    if started is None:
        return Done(sequence)
    plugin = ""
    instance = 0
    for tag, content in fields(started):
        if tag == _NAME:
            plugin = content.decode("latin-1")
        elif tag == _SECOND_VARINT:
            instance = signed(content)
    return InstanceStarted(sequence, plugin, instance)


@lru_cache(1024)
def _whole_event(rest: bytes) -> tuple[int, str] | None:
    """The instance and phase of an event that is all that is left of a call; None: more follows."""
    length, start = read_varint(rest, 2)
    return _read_event(rest[start:]) if start + length == len(rest) else None


def _read_event(inside: bytes) -> tuple[int, str]:
    instance = 0
    phase = ""
    for tag, content in fields(inside):
        if tag == _ID:
            instance = signed(content)
        elif tag == _SECOND_BYTES:
            phase = content.decode("latin-1")
    return instance, phase


def _start_instance(sequence: int, inside: bytes) -> StartInstance:
    plugin = ""
    configuration = b""
    for tag, content in fields(inside):
        if tag == _NAME:
            plugin = content.decode("latin-1")
        elif tag == _SECOND_BYTES:
            configuration = content
    return StartInstance(sequence, plugin, configuration)


def _instance(inside: bytes) -> int:
    return next((signed(content) for tag, content in fields(inside) if tag == _ID), 0)
