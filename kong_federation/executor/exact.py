"""
JSON whose numbers stay as they are written.

A custom scalar may be money or an identifier of forty digits, and a client must get `1.10` as `1.10`. The fast parser
makes doubles of everything with a fraction or an exponent, and of integers beyond 64 bits. So where such numbers may
come (`Fetch.exact`), the standard library's parser is used: it hands over the text of each number. Whole numbers of up
to 19 characters become `int`, which writes them as they were; all others become a `Number`, a float that remembers its
text. What the text says is compared and checked as a float, and written as text.

`-0` is the one short whole number that `int` does not write as it was.

That parser takes three to five times as long as the fast one, so the fast one is tried first: if what it has read is
written as the very bytes that came, nothing was lost. Most servers write JSON without white space and doubles in their
shortest form, so it nearly always is; writing costs a quarter of reading.

Source: RFC 8259, section 6, leaves range and precision of numbers to the implementation.
"""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

import msgspec
import orjson
from msgspec import Raw

# How some writers begin, and bytes within which it shows.
_SPACED: Final = b'": '
_BEGINNING: Final = 64

# Characters, sign included, that 64 bits hold whatever the digits are.
_INTEGER_CHARACTERS: Final = 19


class Number(float):
    """
    A number and how it was written; its float is the nearest double, or infinite.

    It is no frozen dataclass because it must be made in a quarter of a microsecond.
    """

    __slots__ = ("text",)

    text: str

    @property
    def is_whole(self) -> bool:
        """Whether it was written as an integer, without fraction and exponent."""
        return self.text.lstrip("-").isdigit()


def read_json(data: bytes) -> Any:
    """
    Read JSON in UTF-8.

    Returns:
        Floats are `Number`s, and so are integers that 64 bits may not hold.

    Raises:
        ValueError: It is not JSON, is nested deeper than the parser goes, or has text that is not Unicode.
    """
    # A writer that puts spaces behind colons does so from the first one on; then there is no point in trying.
    if _SPACED not in data[:_BEGINNING]:
        try:
            value = orjson.loads(data)
            if orjson.dumps(value) == data:
                return value
        except (orjson.JSONDecodeError, orjson.JSONEncodeError):
            pass
    return _read_slowly(data.decode())


def _read_slowly(text: str) -> Any:
    try:
        value = _DECODER.decode(text)
        # An escaped half of a surrogate pair is a string for this parser, but no text: it could never be written.
        # One character is found 50 times as fast as two, and most bodies have no escape at all.
        if "\\" in text and ("\\ud" in text or "\\uD" in text):
            write_json(value)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except orjson.JSONEncodeError as error:
        raise ValueError(str(error)) from None
    return value


def write_json(value: Any) -> bytes:
    """
    Write what any of the parsers read.

    Raises:
        orjson.JSONEncodeError: It is nested too deeply.
    """
    try:
        return orjson.dumps(value, write_number)
    except orjson.JSONEncodeError as error:
        # Integers of more than 64 bits, which come from the parser of programs.
        if "64-bit" not in str(error):
            raise
    return _LONG_WRITER.encode(value)


def write_number(value: Any) -> orjson.Fragment:
    """What the writer asks for values that are not its own."""
    if type(value) is Number:
        return orjson.Fragment(value.text)
    if type(value) is Raw:
        return orjson.Fragment(bytes(value))
    raise TypeError(type(value).__name__)


def _raw_number(value: Any) -> Raw:
    if type(value) is not Number:
        raise TypeError(type(value).__name__)
    return Raw(value.text)


_LONG_WRITER: Final = msgspec.json.Encoder(enc_hook=_raw_number)


def to_number(text: str) -> Number:
    """What a float, or a large integer, becomes that must stay as it is written."""
    # Faster than a `__new__` of its own.
    number = Number(text)
    number.text = text
    return number


def _integer(text: str) -> int | Number:
    return int(text) if len(text) <= _INTEGER_CHARACTERS and text != "-0" else to_number(text)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_float=to_number, parse_int=_integer, parse_constant=_no_number)
