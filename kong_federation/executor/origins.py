"""
Which fetch fills which place of the data tree.

A plan does not say this by itself, but the fetches' documents do. They are read at most once per plan, and only when an
error has to be explained. A place is written as its *chain*: the data keys from the root, without list indices and
without types, which is exact enough because two fields that differ by type have different data keys if they clash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import TypeAlias

from graphql import DocumentNode, FieldNode, FragmentDefinitionNode, FragmentSpreadNode, OperationDefinitionNode, parse
from graphql.language import SelectionSetNode

from kong_federation.plan.nodes import Fetch, Introspect, Key, Path, RepresentationField

Chain: TypeAlias = tuple[str, ...]
Source: TypeAlias = Fetch | Introspect

# Characters that are read in about a millisecond.
_SHORT = 4_000


class Origins:
    """
    The fetches and introspections of a plan, and what is known about them only when something went wrong.

    Args:
        sources: In the order of the plan's text; their index is their number.
    """

    def __init__(self, sources: tuple[Source, ...]) -> None:
        self.sources = sources

    @cached_property
    def fills(self) -> tuple[frozenset[Chain], ...]:
        """For each source, the chains it asks for."""
        return tuple(frozenset(_filled(source)) for source in self.sources)

    @cached_property
    def dependencies(self) -> tuple[frozenset[int], ...]:
        """For each source, the earlier ones that fill what it is built from."""
        needs = [frozenset(_needed(source)) for source in self.sources]
        return tuple(
            frozenset(other for other in range(number) if needs[number] & self.fills[other])
            for number in range(len(self.sources))
        )

    @property
    def is_long_reading(self) -> bool:
        """Whether reading the documents would hold an event loop for long; once they are read it is not."""
        length = sum(len(source.document) for source in self.sources)
        return length > _SHORT and "dependencies" not in self.__dict__

    def read(self) -> None:
        """Read all documents; may be called in a thread."""
        _ = self.dependencies

    def of(self, chain: Chain) -> list[int]:
        """Number the sources that fill a chain."""
        return [number for number, filled in enumerate(self.fills) if chain in filled]

    def lost(self, failed: Iterable[int]) -> set[int]:
        """Number the failed sources and all that depend on them."""
        lost = set(failed)
        for number, dependencies in enumerate(self.dependencies):
            if dependencies & lost:
                lost.add(number)
        return lost

    def target(self, number: int) -> Chain:
        """Name the deepest chain that encloses all that a source asks for."""
        filled = list(self.fills[number])
        if not filled:
            return ()
        first, last = min(filled), max(filled)
        length = next((at for at, (one, two) in enumerate(zip(first, last, strict=False)) if one != two), None)
        return first[: min(len(first), len(last)) if length is None else length]


def _filled(source: Source) -> Iterator[Chain]:
    document = parse(source.document, no_location=True)
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    selections = _operation(document).selection_set
    if isinstance(source, Introspect):
        yield from _chains((), (selections,), fragments)
    elif not source.flattens:
        yield from _chains(_keys(source.path), (selections,), fragments)
    else:
        for flatten in source.flattens:
            for field in _fields(selections, fragments):
                if _key(field) == flatten.key and field.selection_set:
                    for path in flatten.paths:
                        yield from _chains(_keys(path), (field.selection_set,), fragments)


def _needed(source: Source) -> Iterator[Chain]:
    if isinstance(source, Introspect):
        return
    if not source.flattens:
        yield _keys(source.path)
    for flatten in source.flattens:
        for path in flatten.paths:
            yield _keys(path)
            for representation in flatten.representations:
                yield from _read(_keys(path), representation.fields)


def _read(prefix: Chain, fields: tuple[RepresentationField, ...]) -> Iterator[Chain]:
    for field in fields:
        yield (*prefix, field.source)
        yield from _read((*prefix, field.source), field.inner)


def _operation(document: DocumentNode) -> OperationDefinitionNode:
    return next(one for one in document.definitions if isinstance(one, OperationDefinitionNode))


def _keys(path: Path) -> Chain:
    return tuple(step.name for step in path if isinstance(step, Key))


def _key(field: FieldNode) -> str:
    return field.alias.value if field.alias else field.name.value


def _fields(selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]) -> Iterator[FieldNode]:
    for selection in selections.selections:
        if isinstance(selection, FieldNode):
            yield selection
        elif isinstance(selection, FragmentSpreadNode):
            yield from _fields(fragments[selection.name.value].selection_set, fragments)
        else:
            yield from _fields(selection.selection_set, fragments)  # type: ignore[attr-defined]


def _chains(
    prefix: Chain, selections: Iterable[SelectionSetNode], fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[Chain]:
    """All chains of some selections on one object; a field that is selected several times is gone into once."""
    below: dict[str, dict[int, SelectionSetNode]] = {}
    for one in selections:
        for field in _fields(one, fragments):
            inner = below.setdefault(_key(field), {})
            if field.selection_set:
                inner[id(field.selection_set)] = field.selection_set
    for key, inner in below.items():
        yield (*prefix, key)
        yield from _chains((*prefix, key), inner.values(), fragments)
