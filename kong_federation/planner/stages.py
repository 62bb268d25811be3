"""
What planning an operation goes through, kept for people: `kong-federation plan --stage`.

    normalized  what is wanted of each position, per runtime type
    paths       which subgraph resolves each field, and how it is entered
    fetches     requests with their waves and what each needs
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kong_federation.operation import ALWAYS, Deferral, Operation, Shape, Want, When
from kong_federation.plan import QueryPlan, show_path
from kong_federation.planner.decisions import Decision, Way
from kong_federation.planner.documents import Printer
from kong_federation.planner.schedule import Request
from kong_federation.querygraph import KeyMove
from kong_federation.selection import show

_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Run:
    """A part of an operation that is planned together: all of a query, neighbours of a mutation."""

    wants: tuple[Want, ...]
    decision: Decision
    requests: list[Request]


@dataclass(frozen=True, slots=True)
class Stages:
    """All stages of one planning, and the subgraphs' names by their `join__Graph` value."""

    operation: Operation
    runs: tuple[Run, ...]
    printer: Printer
    plan: QueryPlan
    names: Mapping[str, str]


def show_normalized(stages: Stages) -> str:
    """The normalised operation."""
    operation = stages.operation
    return "\n".join([f"{operation.kind} {operation.name}".rstrip(), *_shape(operation.shape, _INDENT)])


def show_paths(stages: Stages) -> str:
    """Decisions of the search, field by field."""
    lines: list[str] = []
    for run in stages.runs:
        lines += _decision(stages, stages.operation.root, run.wants, run.decision, "")
    return "\n".join(lines)


def show_fetches(stages: Stages) -> str:
    """Requests in the order of their waves."""
    lines: list[str] = []
    for run in stages.runs:
        numbers = {request: index for index, request in enumerate(run.requests)}
        for request, number in numbers.items():
            needs = ", ".join(f"#{numbers[need]}" for need in sorted(request.needs, key=numbers.__getitem__))
            condition = " and ".join(f"{'' if wanted else 'not '}${name}" for name, wanted in sorted(request.when))
            part = f" part {request.part.number}" if request.part is not None else ""
            lines.append(
                f"#{number}{part} wave {request.wave} {stages.names[request.graph]}"
                f"{f' needs {needs}' if needs else ''}{f' if {condition}' if condition else ''}"
            )
            for step in request.steps:
                where = show_path(step.site.path) or "(root)"
                lines.append(f"{_INDENT}{where}: {stages.printer.selection(step).text}")
    return "\n".join(lines)


def _shape(shape: Shape, indent: str) -> Iterator[str]:
    for types, wants in shape.variants():
        yield f"{indent}{' | '.join(types)} {{"
        for want in wants:
            alias = f"{want.key}: " if want.key != want.name else ""
            head = f"{indent}{_INDENT}{alias}{want.name}{want.arguments}{_condition(want.when)}"
            head += "".join(map(_deferral, want.deferrals))
            yield f"{head}: {want.type}"
            if want.shape is not None:
                yield from _shape(want.shape, indent + _INDENT * 2)
        yield f"{indent}}}"


def _decision(stages: Stages, owner: str, wants: tuple[Want, ...], decision: Decision, indent: str) -> Iterator[str]:
    for want, source in zip(wants, decision.sources, strict=True):
        if source is None:
            if want.name != "__typename":
                yield f"{indent}{owner}.{want.name} from nobody"
            continue
        ways = " and ".join(f"{stages.names[way.move.graph]}{_way(way, decision)}" for way in source.ways)
        yield f"{indent}{owner}.{want.name} from {ways}"
        if source.below is not None and want.shape is not None:
            for runtime_type, decided in source.below.by_type.items():
                inner = want.shape.by_type.get(runtime_type) or next(iter(want.shape.by_type.values()), ())
                yield from _decision(stages, runtime_type, inner, decided, indent + _INDENT)


def _way(way: Way, decision: Decision) -> str:
    entry = way.entry or decision.entries.get(way.move.graph)
    if entry is None:
        return ""
    how = f"by key {{ {show(entry.move.key)} }}" if isinstance(entry.move, KeyMove) else "at the root"
    required = f", requires {{ {show(way.move.requires)} }}" if way.demand is not None else ""
    return f" ({how}, wave +{entry.wave}{required})"


def _deferral(around: tuple[Deferral, int]) -> str:
    """The directive, and how far up it stands: `@defer(label: "x")^1`."""
    deferral, depth = around
    label = f"label: {json.dumps(deferral.label)}" if deferral.label is not None else ""
    condition = f"if: ${deferral.variable}" if deferral.variable is not None else ""
    given = ", ".join(filter(None, (label, condition)))
    return f" @defer{f'({given})' if given else ''}{f'^{depth}' if depth else ''}"


def _condition(when: When) -> str:
    if when == ALWAYS:
        return ""
    alternatives = (
        " and ".join(f"{'' if wanted else 'not '}${variable}" for variable, wanted in sorted(conjunction))
        for conjunction in when
    )
    return f" if {' or '.join(alternatives)}"
