"""
Requests to plan nodes.

The tree of Sequences and Parallels is read off the graph of requests: parts that do not depend on each other run side
by side for their whole length; within one part, the requests that need nothing run first, then the rest, which may fall
into parts again. So a slow request delays only what needs it, except where a batch joins two parts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from kong_federation.operation import Conjunction, Want
from kong_federation.plan import (
    Condition,
    ContextValue,
    Fetch,
    Flatten,
    Node,
    OperationKind,
    Parallel,
    Path,
    Representation,
    RepresentationField,
    Sequence,
)
from kong_federation.planner.data import DataField, DataNode
from kong_federation.planner.documents import Printed, Printer, variables_used
from kong_federation.planner.schedule import Request
from kong_federation.planner.steps import Input, Step

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_]")


class Emitter:
    """
    Emits the plan nodes of one operation.

    Args:
        printer: Prints documents.
        bound: Where each want's data lies.
        names: `join__Graph` value -> the subgraph's name.
        operation_name: The client's name for the operation, or empty.
        ours: Gives a name for a variable that the client has not taken.
    """

    def __init__(
        self,
        printer: Printer,
        bound: Mapping[tuple[DataNode, str, Want], DataField],
        names: Mapping[str, str],
        operation_name: str,
        ours: Callable[[str], str],
    ) -> None:
        self._printer = printer
        self._bound = bound
        self._names = names
        self._operation_name = operation_name
        self._ours = ours
        self._types: dict[DataNode, set[str]] = {}
        self._fetches = 0

    def emit(self, requests: list[Request]) -> Node | None:
        """The node that runs all requests in order of need."""
        parts = [self._part(part) for part in _parts(requests)]
        if not parts:
            return None
        return parts[0] if len(parts) == 1 else Parallel(tuple(parts))

    def _part(self, requests: list[Request]) -> Node:
        here = set(requests)
        first = [request for request in requests if not (request.needs & here)]
        rest = [request for request in requests if request.needs & here]
        nodes = [self._request(request) for request in first]
        head = nodes[0] if len(nodes) == 1 else Parallel(tuple(nodes))
        tail = self.emit(rest)
        if tail is None:
            return head
        return Sequence((head, *tail.nodes)) if isinstance(tail, Sequence) else Sequence((head, tail))

    def _request(self, request: Request) -> Node:
        number = self._fetches
        self._fetches += 1
        fetch = self._entities(request, number) if request.steps[0].inputs else self._root(request.steps[0], number)
        return under(request.when, fetch)

    def _root(self, step: Step, number: int) -> Fetch:
        used = variables_used(step.tree)
        name = self._name(step.graph, number)
        text = self._printer.document(step.kind.value, name, [], used, self._printer.selection(step))
        exact = self._printer.is_exact(step.tree)
        return Fetch(number, self._names[step.graph], step.kind, text, tuple(sorted(used)), (), step.site.path, exact)

    def _entities(self, request: Request, number: int) -> Fetch:
        found: dict[tuple[Printed, tuple[Representation, ...]], list[Path]] = {}
        used: frozenset[str] = frozenset()
        for step in request.steps:
            selection, represented = self._printer.selection(step), self._representations(step)
            found.setdefault((selection, represented), []).append(step.site.path)
            used |= variables_used(step.tree)
        flattens, head, bodies = [], [], []
        for index, ((selection, represented), paths) in enumerate(found.items()):
            several = len(found) > 1
            variable = self._ours(f"representations{index}" if several else "representations")
            key = f"_e{index}" if several else "_entities"
            alias = f"{key}:" if several else ""
            head.append(f"${variable}:[_Any!]!")
            head += [f"${one.variable}:{one.argument.type}" for one in request.steps[0].contexts]
            bodies.append(f"{alias}_entities(representations:${variable}){selection.text}")
            contexts = self._contexts(request.steps[0]) if request.steps[0].contexts else ()
            flattens.append(Flatten(tuple(dict.fromkeys(paths)), variable, key, represented, contexts))
        name = self._name(request.graph, number)
        fragments = frozenset(label for selection, _ in found for label in selection.fragments)
        body = Printed("{" + " ".join(bodies) + "}", fragments)
        text = self._printer.document("query", name, head, used, body)
        exact = any(self._printer.is_exact(step.tree) for step in request.steps)
        subgraph = self._names[request.graph]
        return Fetch(number, subgraph, OperationKind.QUERY, text, tuple(sorted(used)), tuple(flattens), exact=exact)

    def _name(self, graph: str, number: int) -> str:
        """A name by which a subgraph's operators find the client's operation in their traces."""
        if not self._operation_name:
            return ""
        return f"{self._operation_name}__{_NOT_IN_NAMES.sub('_', self._names[graph])}__{number}"

    def _contexts(self, step: Step) -> tuple[ContextValue, ...]:
        values = []
        for context in step.contexts:
            several = len(context.inputs) > 1
            fields: list[RepresentationField] = []
            for runtime_type, wants in context.inputs.items():
                for want in wants:
                    field = self._input_field(context.site.node, runtime_type, want, key=False)
                    fields.append(replace(field, types=(runtime_type,)) if several else field)
            values.append(ContextValue(context.variable, len(context.site.path), tuple(dict.fromkeys(fields))))
        return tuple(values)

    # --- representations ------------------------------------------------------------------------------------------

    def _representations(self, step: Step) -> tuple[Representation, ...]:
        grouped: dict[tuple[str, tuple[RepresentationField, ...]], list[str]] = {}
        for runtime_type, known in step.inputs.items():
            fields = self._input_fields(step.site.node, runtime_type, known)
            grouped.setdefault((known.typename, fields), []).append(runtime_type)
        return tuple(
            Representation(tuple(types) if step.typed else (), typename, fields)
            for (typename, fields), types in grouped.items()
        )

    def _input_fields(self, node: DataNode, runtime_type: str, known: Input) -> tuple[RepresentationField, ...]:
        fields: dict[tuple[str, str], RepresentationField] = {}
        for want, is_key in [*((want, True) for want in known.keys), *((want, False) for want in known.requires)]:
            field = self._input_field(node, runtime_type, want, key=is_key)
            before = fields.get((field.name, field.source))
            if before is not None:
                field = replace(before, inner=_merged(before.inner, field.inner), key=before.key or is_key)
            fields[field.name, field.source] = field
        return tuple(fields.values())

    def _input_field(self, node: DataNode, runtime_type: str, want: Want, *, key: bool) -> RepresentationField:
        if want.name == "__typename":
            return RepresentationField("__typename", "__typename", (), (), key)
        data = self._bound[node, runtime_type, want]
        inner: list[RepresentationField] = []
        if want.shape is not None and data.node is not None:
            variants = want.shape.variants()
            bound_types = self._types_at(data.node)
            for types, wants in variants:
                present = tuple(name for name in types if name in bound_types)
                if present:
                    apart = present if len(variants) > 1 and data.node.typed else ()
                    fields = (self._input_field(data.node, present[0], below, key=key) for below in wants)
                    inner += [replace(field, types=field.types or apart) for field in fields]
        return RepresentationField(want.name, data.key, (), tuple(dict.fromkeys(inner)), key)

    def _types_at(self, node: DataNode) -> set[str]:
        """The runtime types for which anything is asked for at a node."""
        if not self._types:
            for where, runtime_type, _ in self._bound:
                self._types.setdefault(where, set()).add(runtime_type)
        return self._types.get(node, set())


def under(condition: Conjunction, node: Node) -> Node:
    """A node under a condition; no node is added where there is none."""
    for variable, wanted in sorted(condition, reverse=True):
        node = Condition(variable, node, None) if wanted else Condition(variable, None, node)
    return node


def _parts(requests: list[Request]) -> list[list[Request]]:
    """Requests in groups that do not depend on each other, in order of their first member."""
    here = set(requests)
    group: dict[Request, list[Request]] = {}
    for request in requests:
        mine = [request]
        for need in request.needs & here:
            if group[need] is not mine:
                mine += [member for member in group[need] if member not in mine]
        for member in mine:
            group[member] = mine
    order = {request: index for index, request in enumerate(requests)}
    parts = {id(part): part for part in group.values()}
    return sorted((sorted(part, key=order.__getitem__) for part in parts.values()), key=lambda part: order[part[0]])


def _merged(
    first: Iterable[RepresentationField], second: Iterable[RepresentationField]
) -> tuple[RepresentationField, ...]:
    return tuple(dict.fromkeys((*first, *second)))
