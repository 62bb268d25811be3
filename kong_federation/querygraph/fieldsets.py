"""Field sets (`@key`, `@requires`) as wants: the search treats what the machinery needs like what clients ask."""

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
        self._wants: dict[tuple[tuple[Field, ...], tuple[str, ...]], tuple[Want, ...]] = {}
        self._shapes: dict[tuple[SelectionSet, str], Shape] = {}

    def wants(self, selections: SelectionSet, runtime_type: str) -> tuple[Want, ...]:
        """What a field set wants of an object of a type; types of which it wants the same share one tuple."""
        merged: dict[str, Field] = {}
        for field in fields_on(selections, self._catalog.supertypes(runtime_type)):
            before = merged.get(field.name)
            below = before.selections if before else ()
            merged[field.name] = Field(field.name, field.arguments, below + field.selections)
        fields = tuple(merged.values())
        types = tuple(self._type(runtime_type, field.name) for field in fields)
        key = (fields, types)
        if key not in self._wants:
            self._wants[key] = tuple(self._want(field, text) for field, text in zip(fields, types, strict=True))
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

    def _type(self, owner: str, name: str) -> str:
        info = self._catalog.field(owner, name)
        return info.type if info else "String!"  # __typename

    def _want(self, field: Field, type_text: str) -> Want:
        shape = self.shape(field.selections, named_type(type_text)) if field.selections else None
        return Want(field.name, field.name, field.arguments, frozenset(), type_text, shape)
