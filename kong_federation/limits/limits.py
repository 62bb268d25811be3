"""
What one request may spend.

Every field's metadata says what the configuration, Kong's schema and the documentation say of it: `about` (with the
attack it answers), `unit`, and the `between` of values that make sense.
"""

from __future__ import annotations

from dataclasses import dataclass, field

_MOST = 2**31 - 2
"""Kong's own schemas stop here: it is the largest timeout nginx takes."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may spend; a request over a limit is refused before it costs more than reading it."""

    max_body_size: int = field(
        default=2_000_000,
        metadata={
            "about": "Largest body (or query string) of a client's request. Answers floods of memory.",
            "unit": "bytes",
            "between": (1, _MOST),
        },
    )
    max_tokens: int = field(
        default=15_000,
        metadata={
            "about": "Most lexical tokens of a document. Answers documents that are long to parse and to validate.",
            "unit": "tokens",
            "between": (1, 1_000_000),
        },
    )
    max_recursion: int = field(
        default=500,
        metadata={
            "about": "Deepest nesting of brackets of any kind in a document, counted before it is parsed. Answers "
            "documents that exhaust a recursive parser's stack.",
            "unit": "levels",
            "between": (1, 1_000),
        },
    )
    max_depth: int | None = field(
        default=None,
        metadata={
            "about": "Deepest nesting of fields in an operation, fragments included. Answers queries that follow "
            "cyclic relations; not limited if absent.",
            "unit": "fields",
            "between": (1, 1_000),
        },
    )
    max_aliases: int = field(
        default=50,
        metadata={
            "about": "Most aliased fields in an operation, fragments counted as often as they are spread. Answers "
            "one field asked for thousands of times under other names.",
            "unit": "fields",
            "between": (0, _MOST),
        },
    )
    max_root_fields: int = field(
        default=20,
        metadata={
            "about": "Most fields at the root of an operation, fragments counted as often as they are spread. "
            "Answers batches of attempts, such as guesses of a password, in one request.",
            "unit": "fields",
            "between": (1, _MOST),
        },
    )
    max_directives: int = field(
        default=50,
        metadata={
            "about": "Most directives in an operation, fragments counted as often as they are spread. Answers "
            "directives repeated to make validation and planning slow.",
            "unit": "directives",
            "between": (0, _MOST),
        },
    )
    max_response_size: int = field(
        default=33_554_432,
        metadata={
            "about": "Largest answer of one subgraph request, decompressed. Answers a subgraph that floods the "
            "gateway's memory.",
            "unit": "bytes",
            "between": (1, _MOST),
        },
    )
    deadline: int = field(
        default=30_000,
        metadata={
            "about": "Time in which every request is answered, if need be with an error. Kong itself gives up after "
            "60 seconds.",
            "unit": "milliseconds",
            "between": (1, 55_000),
        },
    )
