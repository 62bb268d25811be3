"""
Whether the one answer a plan needs is already the answer the client gets.

Such an operation can be left to nginx: the subgraph is asked with the fetch's document, and its answer goes to the
client byte for byte. That is right only if nothing would be done to the data on the way:

- one request, unconditional, to the root of one subgraph, and nothing of it answered by the gateway itself;
- the document asks for what the client asked for: the same response keys, in the same order, nothing besides;
- every object can be of one type only, and it is the one the client knows, so none is hidden or told apart;
- no enum has values that clients must not see;
- it is a query: what nginx does when a subgraph fails is not ours to decide, and may be to ask again.

It compares the trees the document was printed from with the tree the answer is read off. `__typename` is in no such
tree under a place of its own, so an operation that asks for it is never whole.
"""

from __future__ import annotations

from kong_federation.plan import Composite, Leaf, LeafKind, ListOf, NonNull, OperationKind, OutputType
from kong_federation.planner.schedule import Request
from kong_federation.planner.steps import Tree
from kong_federation.supergraph import Catalog


def is_whole(kind: OperationKind, requests: list[list[Request]], output: Composite, catalog: Catalog) -> bool:
    """
    Whether a subgraph's answer to the only request can be the client's.

    Args:
        kind: Of the operation.
        requests: Those of each part that is planned together.
        output: The root of the answer.
        catalog: All types, also those that clients cannot see.
    """
    if kind is not OperationKind.QUERY or len(requests) != 1 or len(requests[0]) != 1:
        return False
    (request,) = requests[0]
    if request.when or request.part is not None or len(request.steps) != 1:
        return False
    step = request.steps[0]
    return not step.inputs and not step.contexts and not step.site.path and _same(step.tree, output, catalog)


def _same(tree: Tree, output: Composite, catalog: Catalog) -> bool:
    """Whether a selection asks for exactly what is answered, in its order."""
    # An empty selection is printed as `__typename`.
    if tree.typename or not tree.fields or output.abstract or len(output.variants) != 1:
        return False
    (variant,) = output.variants
    if variant.types != (tree.static_type,) or len(variant.fields) != len(tree.fields):
        return False
    for asked, answered in zip(tree.fields.values(), variant.fields, strict=True):
        if not asked.data.key == answered.key == answered.source:
            return False
        if asked.when or answered.when or asked.contextual:
            return False
        below = _named(answered.type)
        if isinstance(below, Leaf):
            if asked.tree is not None or not _is_shown(below, catalog):
                return False
        elif asked.tree is None or not _same(asked.tree, below, catalog):
            return False
    return True


def _named(type_: OutputType) -> Leaf | Composite:
    while isinstance(type_, ListOf | NonNull):
        type_ = type_.of
    return type_


def _is_shown(leaf: Leaf, catalog: Catalog) -> bool:
    """Whether clients may see every value of a leaf."""
    return leaf.kind is not LeafKind.ENUM or catalog.enum_values(leaf.name) == leaf.values
