import pytest
from hypothesis import given
from hypothesis import strategies as st

from kong_federation.kong.protobuf import bytes_field
from kong_federation.kong.values import (
    decode_headers,
    decode_pair,
    decode_struct,
    decode_value,
    encode_headers,
    encode_pair,
    encode_struct,
    encode_value,
)
from kong_federation.kong.wire import ProtocolError

LATIN = st.text(st.characters(max_codepoint=255), max_size=12)
VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | LATIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(LATIN, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_values_return(value):
    assert decode_value(encode_value(value)) == value


@given(st.dictionaries(LATIN, VALUES, max_size=4))
def test_structs_and_pairs_return(struct):
    assert decode_struct(encode_struct(struct)) == struct
    assert decode_pair(encode_pair(("k", struct))) == ("k", struct)


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (True, "2001"),
        (False, "2000"),
        (None, "0800"),
        ([], "3200"),
        (["a"], "32050a031a0161"),
        ("query", "1a057175657279"),
    ],
)
def test_values_as_they_were_recorded(value, data):
    assert encode_value(value).hex() == data
    assert decode_value(bytes.fromhex(data)) == value


def test_kongs_null_is_null():
    assert decode_value(bytes.fromhex("0801")) is None
    assert decode_value(b"") is None


def test_a_repeated_header_is_a_list_and_keeps_any_byte():
    headers = [("set-cookie", "a=1"), ("x", "caf\xe9\xff\x00"), ("set-cookie", "b=2")]
    assert decode_headers(encode_headers(headers)) == {"set-cookie": ["a=1", "b=2"], "x": ["caf\xe9\xff\x00"]}
    assert encode_headers([]) == b""


@given(st.dictionaries(LATIN, st.text(st.characters(max_codepoint=255), max_size=200) | st.lists(LATIN, min_size=2)))
def test_headers_are_read_as_the_struct_says(headers):
    expected = {name: value if isinstance(value, list) else [value] for name, value in headers.items()}
    assert decode_headers(encode_struct(headers)) == expected


def test_a_header_that_is_no_text_raises():
    with pytest.raises(ProtocolError, match="flag"):
        decode_headers(encode_struct({"flag": True}))


def test_depth_is_bounded():
    data = b""
    for _ in range(5000):
        data = bytes_field(6, bytes_field(1, data))
    with pytest.raises(ProtocolError, match="levels"):
        decode_value(data)


@given(st.binary(max_size=80))
def test_any_bytes_are_headers_or_the_one_error(data):
    try:
        decode_headers(data)
    except ProtocolError:
        return
