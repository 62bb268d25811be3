"""The run: worlds and operations by number, so that any of them can be made again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from random import Random

from kong_federation.planner import Planner
from kong_federation.supergraph import load_supergraph, request_schema
from spec.fuzz.case import Case
from spec.fuzz.graphs import GraphMaker
from spec.fuzz.operations import operation

# Operations on each supergraph.
_OPERATIONS = 8


def attempts(first: int, seconds: float) -> Iterator[tuple[Case, list[str]]]:
    """
    Make cases and judge them, until the time is up.

    Args:
        first: Number of the first supergraph.
        seconds: For all; what has begun is ended.

    Returns:
        Each case with its problems.
    """
    end = time.monotonic() + seconds
    number = first
    while time.monotonic() < end:
        for case, planner in cases(number):
            yield case, case.problems(planner)
        number += 1


def cases(number: int) -> Iterator[tuple[Case, Planner]]:
    """The cases on the supergraph with some number."""
    random = Random(number)
    draft = GraphMaker(random).make()
    text = draft.sdl()
    planner = Planner(load_supergraph(text))
    schema = request_schema(planner.api_schema)
    for index in range(_OPERATIONS):
        labels = frozenset(label for label in sorted(draft.labels) if random.random() < 0.5)
        try:
            asked = operation(schema, random)
        except LookupError:
            continue
        yield Case(f"{number}-{index}", text, asked, index, labels), planner
