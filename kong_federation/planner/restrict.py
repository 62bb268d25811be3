"""
Shapes cut down to some of their wants.

    wanted {currency}:   { price { amount currency } name }   ->   { price { currency } }
"""

from __future__ import annotations

from kong_federation.operation import Shape, Want


class Restrictor:
    """Cuts shapes and remembers them: wants and shapes are compared by identity."""

    def __init__(self) -> None:
        self._shapes: dict[tuple[Shape, frozenset[Want]], Shape] = {}
        self._below: dict[Shape, frozenset[Want]] = {}

    def restrict(self, shape: Shape, wanted: frozenset[Want]) -> Shape:
        """The shape with only the wanted fields and the way to them."""
        key = (shape, wanted)
        if key not in self._shapes:
            restricted = self._shapes[key] = Shape(shape.type_name)
            cut: dict[int, tuple[Want, ...]] = {}
            for runtime_type, wants in shape.by_type.items():
                if id(wants) not in cut:
                    cut[id(wants)] = self._cut(wants, wanted)
                restricted.by_type[runtime_type] = cut[id(wants)]
        return self._shapes[key]

    def _cut(self, wants: tuple[Want, ...], wanted: frozenset[Want]) -> tuple[Want, ...]:
        kept = []
        for want in wants:
            if want in wanted:
                kept.append(want)
            elif want.shape is not None and not wanted.isdisjoint(self._inside(want.shape)):
                shape = self.restrict(want.shape, wanted)
                kept.append(
                    Want(want.key, want.name, want.arguments, want.variables, want.type, shape, want.when, want.nodes)
                )
        return tuple(kept)

    def _inside(self, shape: Shape) -> frozenset[Want]:
        """All wants of a shape at any depth."""
        if shape not in self._below:
            inside: set[Want] = set()
            for _, wants in shape.variants():
                for want in wants:
                    inside.add(want)
                    if want.shape is not None:
                        inside |= self._inside(want.shape)
            self._below[shape] = frozenset(inside)
        return self._below[shape]
