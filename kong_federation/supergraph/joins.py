"""The join specification's directives, one reader per directive: AST in, model out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import DirectiveNode, value_from_ast_untyped

from kong_federation.selection import parse_field_set
from kong_federation.supergraph.links import spec_name
from kong_federation.supergraph.model import Applied, ContextArgument, JoinField, Key, Link, Membership

# GraphQL's own directives, which clients see in the API schema, and what `read` has already taken out.
_PLAIN = frozenset({"deprecated", "specifiedBy", "oneOf", "inaccessible"})


@dataclass(frozen=True, slots=True)
class Applications:
    """
    The directives on one element, sorted.

    Args:
        join: `field`, `type`, ... -> arguments of each application, in order.
        others: Applications of other specifications.
        inaccessible: Whether `@inaccessible` is among them.
    """

    join: Mapping[str, list[dict[str, Any]]]
    others: tuple[Applied, ...]
    inaccessible: bool


def read(directives: Iterable[DirectiveNode] | None, links: Mapping[str, Link]) -> Applications:
    """Sort the directives of one element."""
    join: dict[str, list[dict[str, Any]]] = {}
    others: list[Applied] = []
    inaccessible = False
    for directive in directives or ():
        name = spec_name(links, directive.name.value)
        arguments = {item.name.value: value_from_ast_untyped(item.value) for item in directive.arguments or ()}
        if name.startswith("join__"):
            join.setdefault(name.removeprefix("join__"), []).append(arguments)
        elif name == "inaccessible":
            inaccessible = True
        elif name not in _PLAIN:
            others.append(Applied(name, arguments))
    return Applications(join, tuple(others), inaccessible)


def memberships(applied: Applications) -> dict[str, Membership]:
    """What a type is in each subgraph: `join__type`, `join__implements`, `join__unionMember`."""
    keys: dict[str, list[Key]] = {}
    interface_objects: set[str] = set()
    for arguments in applied.join.get("type", ()):
        graph = str(arguments["graph"])
        found = keys.setdefault(graph, [])
        if arguments.get("key"):
            found.append(Key(parse_field_set(str(arguments["key"])), arguments.get("resolvable") is not False))
        if arguments.get("isInterfaceObject"):
            interface_objects.add(graph)
    return {
        graph: Membership(
            keys=tuple(found),
            interface_object=graph in interface_objects,
            implements=_values(applied.join.get("implements", ()), graph, "interface"),
            members=_values(applied.join.get("unionMember", ()), graph, "member"),
        )
        for graph, found in keys.items()
    }


def join_fields(applied: Applications, type_text: str) -> dict[str, JoinField] | None:
    """
    What a field is in each subgraph that has it.

    Returns:
        None if nothing is said, which means: in every subgraph that has the parent type.
    """
    applications = applied.join.get("field")
    if applications is None:
        return None
    return {
        str(arguments["graph"]): JoinField(
            type=str(arguments.get("type") or type_text),
            external=bool(arguments.get("external")),
            requires=parse_field_set(str(arguments["requires"])) if arguments.get("requires") else (),
            provides=parse_field_set(str(arguments["provides"])) if arguments.get("provides") else (),
            override=arguments.get("override"),
            override_label=arguments.get("overrideLabel"),
            used_overridden=bool(arguments.get("usedOverridden")),
            context_arguments=tuple(_context_argument(item) for item in arguments.get("contextArguments") or ()),
        )
        for arguments in applications
        if arguments.get("graph") is not None
    }


def _values(applications: Iterable[Mapping[str, Any]], graph: str, argument: str) -> frozenset[str]:
    return frozenset(str(arguments[argument]) for arguments in applications if arguments["graph"] == graph)


def _context_argument(item: Mapping[str, Any]) -> ContextArgument:
    selection = parse_field_set(str(item["selection"]))
    return ContextArgument(str(item["name"]), str(item["type"]), str(item["context"]), selection)
