"""
Why is it null? Every null that no subgraph gave has an error, and none has two.

Errors come from three sides, and are told in this order:

1. *Outcomes*: a fetch failed, or its subgraph reported errors. These are always told.
2. *Faults*: places where the projection met a value it cannot answer. A fault is told as RESPONSE_VALIDATION_FAILED,
   unless something explains it already.

What explains a fault:

- an error told at the same path, above it, or below it;
- a fetch that asked for this place and failed as a whole (no answer, no data, or an error without a path);
- where nothing was sent: such a fetch before the one that asked for this place, which then lacked its objects or keys;
- for an absent value of a nullable field: a subgraph that answered null for the entity, or gave null for its key, or an
  entity that lacks a key because an earlier fetch has already been told about.

Everything here is slow and rare. It runs after the projection, when the data tree is complete, so that paths are exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Final

from kong_federation.executor.complaints import COMPLAINTS
from kong_federation.executor.context import JsonObject
from kong_federation.executor.failures import of_failure, of_fault, of_subgraph
from kong_federation.executor.origins import Origins
from kong_federation.executor.paths import Segments, locate
from kong_federation.executor.places import chain_of, find, static_path, to_client
from kong_federation.executor.projection import Fault, FaultKind, Position
from kong_federation.executor.run import Outcome, Run
from kong_federation.plan.nodes import Composite, Fetch

_NOBODY: Final[frozenset[int]] = frozenset()


def explain(output: Composite, origins: Origins, run: Run, faults: list[Fault]) -> tuple[JsonObject, ...]:
    """
    Tell what went wrong in one execution.

    Args:
        output: The output of the plan.
        origins: The plan's fetches.
        run: The execution, when all is over.
        faults: What the projection met.
    """
    report = _Report(output, origins, run)
    for outcome in sorted(run.outcomes, key=lambda one: one.source):
        report.tell_outcome(outcome)
    report.tell_faults(faults)
    return tuple(report.errors)


class _Report:
    """The errors told so far, and what they explain."""

    def __init__(self, output: Composite, origins: Origins, run: Run) -> None:
        self.output = output
        self.origins = origins
        self.run = run
        self.errors: list[JsonObject] = []
        self.told: set[Segments] = set()
        self.above: set[Segments] = set()
        self.failed: set[int] = set()
        self.located: dict[int, _Located] = {}

    def tell_outcome(self, outcome: Outcome) -> None:
        """Tell the failure and the errors of one fetch."""
        source = self.origins.sources[outcome.source]
        service = source.subgraph if isinstance(source, Fetch) else None
        mask = self.run.context.mask_errors
        if outcome.blank:
            self.failed.add(outcome.source)
        if outcome.failure is not None:
            self.failed.add(outcome.source)
            self._add(of_failure(outcome.failure, service, self._target(outcome), mask=mask))
            if service is not None:
                COMPLAINTS.tell(service, outcome.failure, self.run.context.request_id)
        if not outcome.errors or not isinstance(source, Fetch):
            return
        located = self.located.setdefault(outcome.source, _Located(source, self.run.data))
        for raw in outcome.errors:
            placed = False
            if self._is_full():
                return  # to find out where the others belong may take long, and nobody is told
            for path in self._paths(located.of(raw, outcome)):
                placed = True
                self._explain(path)
                self._add(of_subgraph(raw, source.subgraph, path, mask=mask))
            if not placed:
                self.failed.add(outcome.source)
                self._add(of_subgraph(raw, source.subgraph, self._target(outcome), mask=mask))

    def _paths(self, places: Iterator[Segments]) -> Iterator[Segments]:
        """Places of the data tree as the client knows them."""
        for place in places:
            yield from filter(None, to_client(self.output, self.run.data, place, self.run.variables))

    def tell_faults(self, faults: list[Fault]) -> None:
        """Tell the faults that nothing explains."""
        lost = self.origins.lost(self.failed) if self.failed else set()
        containers: dict[int, dict[int, tuple[Segments, Segments]]] = {}
        for fault in faults:
            if self._is_full():
                return
            key = id(fault.position)
            if key not in containers:
                containers[key] = find(fault.position, self.run.data)
            path, lineage = containers[key][id(fault.holder)]
            path = (*path, _segment(fault))
            fillers = self.origins.of(chain_of(fault.position))
            if self._is_told(path) or not self.failed.isdisjoint(fillers):
                continue
            if _is_missing(fault) and not lost.isdisjoint(fillers):
                continue
            if fault.kind is FaultKind.ABSENT and self._is_unanswered(fillers, lineage):
                continue
            self._add(of_fault(fault, self._service(fillers), path))

    def _add(self, error: JsonObject) -> None:
        if not self._is_full():
            self.errors.append(error)

    def _is_full(self) -> bool:
        return len(self.errors) >= self.run.context.max_errors

    def _explain(self, path: Segments) -> None:
        self.told.add(path)
        self.above.update(path[:length] for length in range(1, len(path) + 1))

    def _is_told(self, path: Segments) -> bool:
        return path in self.above or any(path[:length] in self.told for length in range(1, len(path)))

    def _is_unanswered(self, fillers: list[int], lineage: Segments) -> bool:
        around = set(lineage)
        for filler in fillers:
            if not self.unanswered.get(filler, _NOBODY).isdisjoint(around):
                return True
            if not self.bereft.get(filler, _NOBODY).isdisjoint(around) and (
                self.origins.dependencies[filler] & self.excused
            ):
                return True
        return False

    @cached_property
    def unanswered(self) -> dict[int, set[int]]:
        """By fetch, all objects without an answer."""
        return self._gathered(lambda outcome: outcome.unanswered)

    @cached_property
    def bereft(self) -> dict[int, set[int]]:
        """The same for objects that could not be asked for."""
        return self._gathered(lambda outcome: outcome.bereft)

    def _gathered(self, objects: Callable[[Outcome], set[int]]) -> dict[int, set[int]]:
        """Objects by fetch; one that has asked in pieces has an outcome for each."""
        found: dict[int, set[int]] = {}
        for outcome in self.run.outcomes:
            found.setdefault(outcome.source, set()).update(objects(outcome))
        return found

    @cached_property
    def excused(self) -> set[int]:
        """The fetches whose missing keys have a reason: told errors, nulls of a subgraph, or an earlier such fetch."""
        excused: set[int] = set()
        for one in sorted(self.run.outcomes, key=lambda one: one.source):
            told = one.errors or one.failure is not None or one.unanswered
            if told or self.origins.dependencies[one.source] & excused:
                excused.add(one.source)
        return excused

    def _service(self, fillers: list[int]) -> str | None:
        sources = [self.origins.sources[number] for number in fillers]
        names = {source.subgraph for source in sources if isinstance(source, Fetch)}
        return names.pop() if len(names) == 1 else None

    def _target(self, outcome: Outcome) -> Segments:
        return static_path(self.output, self.origins.target(outcome.source))


class _Located:
    """Where the objects of one fetch stand in the data tree; found at the first error that needs it."""

    def __init__(self, fetch: Fetch, data: JsonObject) -> None:
        self.fetch = fetch
        self.data = data
        self.roots: list[Segments] | None = None
        self.found: dict[str, dict[int, list[Segments]]] = {}

    def of(self, raw: Any, outcome: Outcome) -> Iterator[Segments]:
        """Every place in the data tree that an error of the subgraph is about; none if it has no usable path."""
        path = raw.get("path") if type(raw) is dict else None
        if type(path) is not list or not path or any(type(segment) not in {str, int} for segment in path):
            return
        if not self.fetch.flattens:
            for root in self._roots():
                yield (*root, *path)
            return
        for batch in outcome.batches:
            if path[0] != batch.flatten.key or len(path) < 2:
                continue
            index = path[1]
            if type(index) is int and 0 <= index < len(batch.places):
                for node in batch.places[index]:
                    for place in self._entities(batch.flatten.key).get(id(node), ()):
                        yield (*place, *path[2:])

    def _roots(self) -> list[Segments]:
        if self.roots is None:
            self.roots = [place for place, _ in locate(self.fetch.path, self.data)]
        return self.roots

    def _entities(self, key: str) -> dict[int, list[Segments]]:
        if key not in self.found:
            found: dict[int, list[Segments]] = {}
            for flatten in self.fetch.flattens:
                for path in flatten.paths if flatten.key == key else ():
                    for place, node in locate(path, self.data):
                        places = found.setdefault(id(node), [])
                        if place not in places:
                            places.append(place)
            self.found[key] = found
        return self.found[key]


def _is_missing(fault: Fault) -> bool:
    """Tell whether nobody sent a value, not even null."""
    return fault.position.field is not None and fault.position.field.source not in fault.holder


def _segment(fault: Fault) -> str | int:
    position: Position = fault.position
    if position.field is not None:
        return position.field.key
    assert fault.index is not None
    return fault.index
