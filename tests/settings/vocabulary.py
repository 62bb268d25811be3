"""A record of settings that uses every word of the vocabulary, and configurations on both sides of every rule."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import ClassVar

from hypothesis import strategies as st

from kong_federation.settings import AtLeastOneOf, Check, Conditional, MutuallyExclusive, OnlyOneOf, fields_of


@dataclass(frozen=True, slots=True)
class Part:
    CHECKS: ClassVar[tuple[Check, ...]] = (
        Conditional("op", ("insert", "rename"), "value"),
        AtLeastOneOf(("named", "matching")),
    )

    op: str = field(metadata={"about": "What is done.", "one_of": ("insert", "rename", "remove")})
    value: str | None = field(
        default=None, metadata={"about": "A secret word.", "referenceable": True, "encrypted": True}
    )
    named: str | None = field(
        default=None,
        metadata={"about": "One word.", "match": "^[a-z-]+$", "err": "must be a word", "not_one_of": ("te", "x-y")},
    )
    matching: str | None = field(default=None, metadata={"about": "Short words.", "len_min": 2, "len_max": 4})


@dataclass(frozen=True, slots=True)
class Whole:
    CHECKS: ClassVar[tuple[Check, ...]] = (OnlyOneOf(("here", "there")), MutuallyExclusive(("many", "few")))

    here: str | None = field(default=None, metadata={"about": "It is here.", "len_min": 0})
    there: str | None = field(
        default=None,
        metadata={"about": "It is there.", "match": "^https?://", "err": "must be a URL", "referenceable": True},
    )
    many: int | None = field(default=None, metadata={"about": "How many.", "unit": "things", "between": (10, 20)})
    few: float | None = field(default=None, metadata={"about": "How few.", "unit": "things", "between": (0, 1)})
    on: bool = field(default=True, metadata={"about": "Whether."})
    words: tuple[str, ...] = field(
        default=("a",),
        metadata={"about": "Some words.", "match": "^[a-z]+$", "err": "must be a word", "len_min": 1, "len_max": 2},
    )
    parts: tuple[Part, ...] = field(default=(), metadata={"about": "The parts.", "len_max": 2})


WORDS = (
    "a",
    "bc",
    "http://x",
    "https://",
    "word-s",
    "x-Y",
    "Te",
    "TE",
    "",
    "abcde",
    "A b",
    "a\n",
    "\u00e9\u00e9\u00e9",
)


def configurations(record: type) -> st.SearchStrategy[dict]:
    """Configurations near the rules: most values fit, some just do not, every field may be absent or null."""
    return st.fixed_dictionaries({}, optional={declared.name: _value(declared) for declared in fields_of(record)})


def _value(declared):
    fitting = _fitting(declared)
    wrong = st.sampled_from([True, "text", 1.5, 7])
    if declared.kind != "record":  # the plugin takes null for an absent record, Kong does not
        wrong |= st.none()
    return st.integers(0, 15).flatmap(lambda draw: wrong if draw == 0 else fitting)


def _fitting(declared):
    rules = declared.rules
    match declared.kind:
        case "record":
            return configurations(declared.record)
        case "records":
            return st.lists(configurations(declared.record), max_size=3)
        case "strings":
            return st.lists(_string(rules), max_size=3)
        case "string":
            return _string(rules)
        case "boolean":
            return st.booleans()
        case kind:
            low, high = rules["between"]
            inside = [low, high, float(low), low + 0.5 if kind == "number" else low + 1]
            return st.sampled_from([*inside, *inside, low - 1, high + 1])


def _string(rules):
    words = [*WORDS, *rules.get("one_of", ()), *(word.upper() for word in rules.get("not_one_of", ())[:2])]
    fitting = [word for word in words if _fits(word, rules)] or words
    return st.integers(0, 9).flatmap(lambda draw: st.sampled_from(words if draw == 0 else fitting))


def _fits(word, rules):
    if "one_of" in rules:
        return word in rules["one_of"]
    return re.search(rules.get("match", ""), word) is not None and rules.get("len_min", 1) <= len(word)
