"""
Field sets (`@key`, `@requires`) as wants, so that the search treats what the machinery needs like what the client asks.
"""

from __future__ import annotations

from kong_federation.operation import Shape, Want
from kong_federation.selection import Field, SelectionSet, fields_on
from kong_federation.supergraph import Catalog, named_type


class FieldSets:
    """
    Turns field sets into wants and remembers them, because wants are compared by identity.

    Args:
        catalog: All types, inaccessible ones too.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._wants: dict[tuple[SelectionSet, str], tuple[Want, ...]] = {}
        self._shapes: dict[tuple[SelectionSet, str], Shape] = {}

    def wants(self, selections: SelectionSet, runtime_type: str) -> tuple[Want, ...]:
        """What a field set wants of an object of a type."""
        key = (selections, runtime_type)
        if key not in self._wants:
            merged: dict[str, Field] = {}
            for field in fields_on(selections, self._catalog.supertypes(runtime_type)):
                before = merged.get(field.name)
                below = before.selections if before else ()
                merged[field.name] = Field(field.name, field.arguments, below + field.selections)
            self._wants[key] = tuple(self._want(field, runtime_type) for field in merged.values())
        return self._wants[key]

    def shape(self, selections: SelectionSet, type_name: str) -> Shape:
        """What a selection wants of objects at a position of a type."""
        key = (selections, type_name)
        if key not in self._shapes:
            shape = self._shapes[key] = Shape(type_name)
            # The interface itself is among the types: below an interface object nothing else is known.
            for runtime_type in dict.fromkeys((*self._catalog.possible(type_name), type_name)):
                shape.by_type[runtime_type] = self.wants(selections, runtime_type)
        return self._shapes[key]

    def _want(self, field: Field, owner: str) -> Want:
        info = self._catalog.field(owner, field.name)
        type_text = info.type if info else "String"
        shape = self.shape(field.selections, named_type(type_text)) if field.selections else None
        return Want(field.name, field.name, field.arguments, frozenset(), type_text, shape)
