import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kong_federation.kong import (
    CloseInstance,
    Done,
    HandleEvent,
    InstanceStarted,
    OtherCall,
    ProtocolError,
    StartInstance,
    decode_answer,
    decode_call,
    encode_answer,
    encode_call,
)
from kong_federation.kong.protobuf import bytes_field, integer_field

from .recorded import FRAMES

CALLS = [frame.content for frame in FRAMES if frame.kind == "call"]
ANSWERS = [frame.content for frame in FRAMES if frame.kind == "answer"]


@pytest.mark.parametrize("content", CALLS)
def test_recorded_calls_decode_and_return(content):
    call = decode_call(content)
    assert call.sequence > 0
    assert decode_call(encode_call(call)) == call
    # Kong writes the fields in any order: equal length is as near to byte-exact as its side can be.
    assert len(encode_call(call)) == len(content)


def test_what_the_recorded_calls_say():
    calls = [decode_call(content) for content in CALLS]
    start, event = calls[:2]
    assert isinstance(start, StartInstance)
    assert start.plugin == "graphql-federation"
    assert "__key__" in json.loads(start.configuration)
    assert event == HandleEvent(3, 1, "access")


@pytest.mark.parametrize("content", ANSWERS)
def test_recorded_answers_are_ours_byte_for_byte(content):
    assert encode_answer(decode_answer(content)) == content


@pytest.mark.parametrize(
    "call",
    [
        StartInstance(7, "caf\xe9", b"{}"),
        CloseInstance(1 << 40, 2**31 - 1),
        HandleEvent(0, 0, ""),
        HandleEvent(-1, -5, "access"),
        OtherCall(3, 31),
        OtherCall(4, 34),
    ],
)
def test_calls_return(call):
    assert decode_call(encode_call(call)) == call


@pytest.mark.parametrize("answer", [Done(5), InstanceStarted(6, "graphql-federation", 2**31 - 1)])
def test_answers_return(answer):
    assert decode_answer(encode_answer(answer)) == answer


def test_unknown_fields_are_skipped():
    unknown = integer_field(90, 1) + bytes_field(91, b"later")
    assert decode_call(unknown + encode_call(HandleEvent(1, 2, "access")) + unknown) == HandleEvent(1, 2, "access")
    assert decode_answer(unknown + encode_answer(Done(1))) == Done(1)


@pytest.mark.parametrize("content", [b"", integer_field(1, 3), b"\xff", bytes_field(36, b"\x08")])
def test_what_is_no_call_raises(content):
    with pytest.raises(ProtocolError):
        decode_call(content)


@given(st.binary(max_size=80))
def test_any_bytes_are_a_call_or_the_one_error(data):
    try:
        decode_call(data)
    except ProtocolError:
        return
