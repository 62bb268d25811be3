import pytest
from hypothesis import given
from hypothesis import strategies as st

from kong_federation.kong.protobuf import (
    bytes_field,
    double,
    double_field,
    fields,
    integer_field,
    key,
    read_varint,
    signed,
    varint,
)
from kong_federation.kong.wire import ProtocolError


@given(st.integers(-(2**63), 2**63 - 1))
def test_signed_integers_return(value):
    data = varint(value)
    unsigned, end = read_varint(data, 0)
    assert (signed(unsigned), end) == (value, len(data))


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (0, "00"),
        (127, "7f"),
        (128, "8001"),
        (300, "ac02"),
        (2**31 - 1, "ffffffff07"),
        (2**64 - 1, "ffffffffffffffffff01"),
        (-1, "ffffffffffffffffff01"),
        (-2, "feffffffffffffffff01"),
    ],
)
def test_known_varints(value, data):
    assert varint(value).hex() == data


@pytest.mark.parametrize(
    "data",
    ["80", "08", "0880", "0a", "0a02ff", "09000000", "0d0000", "0b", "0c", "0f", "0001", "0a808080808080808080808001"],
)
def test_malformed_messages_raise_the_one_error(data):
    with pytest.raises(ProtocolError):
        fields(bytes.fromhex(data))


def test_every_wire_type_is_walked_over():
    data = integer_field(1, 5) + double_field(2, 1.5) + bytes_field(3, b"x") + bytes.fromhex("25aabbccdd")
    (one, five), (two, half), (three, text), (four, fixed) = fields(data)
    assert (one, five) == (key(1, 0), 5)
    assert (two, double(half)) == (key(2, 1), 1.5)
    assert (three, text) == (key(3, 2), b"x")
    assert (four, fixed) == (key(4, 5), bytes.fromhex("aabbccdd"))


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_the_one_error(data):
    try:
        fields(data)
    except ProtocolError:
        return
