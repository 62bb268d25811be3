"""A second, independent reading of what an answer to an output may look like."""

from collections.abc import Mapping
from typing import Any

from kong_federation.executor import Number
from kong_federation.plan.nodes import Composite, Leaf, LeafKind, ListOf, NonNull, OutputType

_KINDS = {
    LeafKind.INT: lambda value, _: type(value) is int and abs(value) <= 2**31,
    LeafKind.FLOAT: lambda value, _: type(value) in {int, float, Number},
    LeafKind.STRING: lambda value, _: type(value) is str,
    LeafKind.BOOLEAN: lambda value, _: type(value) is bool,
    LeafKind.ID: lambda value, _: type(value) is str,
    LeafKind.ENUM: lambda value, leaf: value in leaf.values,
    LeafKind.CUSTOM: lambda value, _: True,
    LeafKind.TYPENAME: lambda value, _: type(value) is str,
}


def conforms(output: OutputType, value: Any, variables: Mapping[str, Any]) -> bool:
    """Tell whether a value is a lawful answer."""
    match output:
        case NonNull(of):
            return value is not None and conforms(of, value, variables)
        case _ if value is None:
            return True
        case ListOf(of):
            return type(value) is list and all(conforms(of, item, variables) for item in value)
        case Leaf(kind=kind):
            return _KINDS[kind](value, output)
        case Composite(variants=variants):
            return type(value) is dict and any(
                list(value) == [one.key for one in fields]
                and all(conforms(one.type, value[one.key], variables) for one in fields)
                for fields in (
                    [
                        one
                        for one in variant.fields
                        if not one.when
                        or any(
                            all(variables.get(given.variable) is given.expected for given in tests)
                            for tests in one.when
                        )
                    ]
                    for variant in variants
                )
            )


def nulls(value: Any, path: tuple = ()) -> list[tuple]:
    """Every path in an answer that ends in null."""
    match value:
        case None:
            return [path]
        case dict():
            return [found for key, inner in value.items() for found in nulls(inner, (*path, key))]
        case list():
            return [found for index, inner in enumerate(value) for found in nulls(inner, (*path, index))]
        case _:
            return []
