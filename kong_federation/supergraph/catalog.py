"""
Lookups over the supergraph's types that every stage needs: possible types, supertypes, field types.

There are two catalogs of one supergraph: the public one, in which inaccessible types do not exist, for what clients
ask; and the whole one, for field sets, which may use what clients cannot see.
"""

from __future__ import annotations

from collections.abc import Container

from kong_federation.supergraph.model import FieldInfo, Kind, Supergraph, TypeInfo


class Catalog:
    """
    The lookups over one supergraph.

    Args:
        supergraph: Where the types come from.
        public: Whether inaccessible types are left out.
    """

    def __init__(self, supergraph: Supergraph, *, public: bool) -> None:
        self._types = supergraph.types
        self._public = public
        self._possible: dict[str, tuple[str, ...]] = {}
        self._supertypes: dict[str, set[str]] = {}
        shown = [info for info in supergraph.types.values() if not (public and info.inaccessible)]
        for info in shown:
            if info.kind is Kind.OBJECT:
                self._supertypes[info.name] = {info.name, *info.interfaces}
            elif info.kind is Kind.INTERFACE:
                # An interface stands for itself where an object's real type is not known (interface objects).
                self._supertypes.setdefault(info.name, {info.name, *info.interfaces})
        implementers = _implementers(shown)
        for info in shown:
            possible = _possible(info, implementers, self._supertypes)
            self._possible[info.name] = possible
            if info.kind is Kind.UNION:
                for name in possible:
                    self._supertypes[name].add(info.name)

    def possible(self, name: str) -> tuple[str, ...]:
        """The object types that an object, interface or union stands for, sorted."""
        return self._possible.get(name, ())

    def supertypes(self, name: str) -> set[str]:
        """An object type's (or interface's) own name, its interfaces and its unions."""
        return self._supertypes.get(name) or {name}

    def field(self, owner: str, name: str) -> FieldInfo | None:
        """A field of an object or interface type."""
        info = self._types.get(owner)
        return info.fields.get(name) if info else None

    def info(self, name: str) -> TypeInfo | None:
        """A type of the supergraph."""
        return self._types.get(name)

    def enum_values(self, name: str) -> tuple[str, ...]:
        """The values of an enum; in the public catalog only those clients can see."""
        info = self._types[name]
        hidden = info.hidden_values if self._public else frozenset()
        return tuple(sorted(info.members - hidden))

    def is_abstract(self, name: str) -> bool:
        """Whether a type is an interface or a union."""
        info = self._types.get(name)
        return info is not None and info.kind in {Kind.INTERFACE, Kind.UNION}


def _implementers(shown: list[TypeInfo]) -> dict[str, list[str]]:
    """By interface its object types: in one pass, because large supergraphs have many interfaces."""
    found: dict[str, list[str]] = {}
    for info in shown:
        if info.kind is Kind.OBJECT:
            for name in info.interfaces:
                found.setdefault(name, []).append(info.name)
    return found


def _possible(info: TypeInfo, implementers: dict[str, list[str]], shown: Container[str]) -> tuple[str, ...]:
    match info.kind:
        case Kind.OBJECT:
            return (info.name,)
        case Kind.INTERFACE:
            return tuple(sorted(implementers.get(info.name, ())))
        case Kind.UNION:
            return tuple(sorted(name for name in info.members if name in shown))
    return ()
