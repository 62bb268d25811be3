"""
Random operations: aliases, fragments, conditions, arguments, and fields asked for twice in ways that must be merged.

What is made need not be valid (two fields may clash under one alias); the caller asks for another one then. All
variables have defaults, so that an operation is a text and nothing else.
"""

from __future__ import annotations

from random import Random

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_composite_type,
    is_required_argument,
    parse,
    validate,
)

# Tries for a valid operation.
_TRIES = 50
_DEPTH = 5
_FIELDS = 60


def operation(schema: GraphQLSchema, random: Random) -> str:
    """
    A valid operation.

    Raises:
        LookupError: None was found.
    """
    for _ in range(_TRIES):
        text = _Maker(schema, random).operation()
        if not validate(schema, parse(text)):
            return text
    raise LookupError("no valid operation was found")


class _Maker:
    def __init__(self, schema: GraphQLSchema, random: Random) -> None:
        self._schema = schema
        self._random = random
        self._variables: dict[str, str] = {}
        self._fragments: dict[str, str] = {}
        self._by_type: dict[str, list[str]] = {}
        self._left = random.choice((6, 15, _FIELDS))
        self._conditions = random.random() < 0.4
        self._defers = random.random() < 0.15
        self._labels = 0

    def operation(self) -> str:
        root, kind = self._schema.query_type, "query"
        if self._schema.mutation_type is not None and self._random.random() < 0.25:
            root, kind = self._schema.mutation_type, "mutation"
        assert root is not None
        body = self._selection(root, _DEPTH)
        name = self._random.choice(("", " Named"))
        defined = ", ".join(f"${name}: {text}" for name, text in self._variables.items())
        head = f"{kind}{name}{f'({defined})' if defined else ''}"
        return "\n".join([f"{head} {body}", *self._fragments.values()])

    def _selection(self, kind: GraphQLNamedType, depth: int) -> str:
        items = [self._item(kind, depth) for _ in range(self._random.choice((1, 2, 2, 3, 4)))]
        return "{ " + " ".join(items) + " }"

    def _item(self, kind: GraphQLNamedType, depth: int) -> str:
        chance = self._random.random()
        if isinstance(kind, GraphQLUnionType) or chance < 0.25:
            if chance < 0.06:
                return self._alias() + "__typename" + self._condition()
            return self._fragment(kind, depth)
        assert isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
        fields = [
            (name, field)
            for name, field in kind.fields.items()
            if (depth > 0 and self._left > 0) or not is_composite_type(get_named_type(field.type))
        ]
        if not fields:
            return "__typename"
        return self._field(*self._random.choice(fields), depth)

    def _field(self, name: str, field: GraphQLField, depth: int) -> str:
        self._left -= 1
        inner = get_named_type(field.type)
        below = f" {self._selection(inner, depth - 1)}" if is_composite_type(inner) else ""
        return f"{self._alias()}{name}{self._arguments(field)}{self._condition()}{below}"

    def _fragment(self, kind: GraphQLNamedType, depth: int) -> str:
        on = self._random.choice(self._overlapping(kind))
        known = self._by_type.get(on.name, [])
        if known and self._random.random() < 0.3:
            return f"...{self._random.choice(known)}{self._condition()}{self._defer()}"
        body = self._selection(on, depth)
        if self._random.random() < 0.25:
            name = f"F{len(self._fragments)}"
            self._fragments[name] = f"fragment {name} on {on.name} {body}"
            self._by_type.setdefault(on.name, []).append(name)
            return f"...{name}{self._condition()}{self._defer()}"
        if on is kind and self._random.random() < 0.5:
            return f"...{self._condition()}{self._defer()} {body}"
        return f"... on {on.name}{self._condition()}{self._defer()} {body}"

    def _overlapping(self, kind: GraphQLNamedType) -> list[GraphQLNamedType]:
        possible = self._possible(kind)
        return [
            other
            for other in self._schema.type_map.values()
            if is_composite_type(other) and not other.name.startswith("__") and possible & self._possible(other)
        ]

    def _possible(self, kind: GraphQLNamedType) -> set[str]:
        if isinstance(kind, GraphQLUnionType | GraphQLInterfaceType):
            return {item.name for item in self._schema.get_possible_types(kind)}
        return {kind.name}

    def _alias(self) -> str:
        return f"{self._random.choice('abc')}: " if self._random.random() < 0.15 else ""

    def _condition(self) -> str:
        if not self._conditions or self._random.random() > 0.2:
            return ""
        value = self._random.choice(("true", "false", "$if0", "$if0", "$if1", "$if1", "$if2"))
        if value.startswith("$"):
            self._variables.setdefault(value[1:], f"Boolean! = {self._random.choice(('true', 'false'))}")
        return f" @{self._random.choice(('skip', 'include'))}(if: {value})"

    def _defer(self) -> str:
        if not self._defers or self._random.random() > 0.5:
            return ""
        self._labels += 1
        given = self._random.choice(("", f'label: "d{self._labels}"', "if: false", "if: $defer0", "if: $defer1"))
        if "$" in given:
            self._variables.setdefault(given[-6:], f"Boolean! = {self._random.choice(('true', 'false'))}")
        return f" @defer({given})" if given else " @defer"

    def _arguments(self, field: GraphQLField) -> str:
        given = [
            f"{name}: {self._value(argument.type, variable=True)}"
            for name, argument in field.args.items()
            if is_required_argument(argument) or self._random.random() < 0.5
        ]
        return f"({', '.join(given)})" if given else ""

    def _value(self, kind: GraphQLInputType, *, variable: bool) -> str:
        if variable and self._random.random() < 0.3:
            name = f"v{len(self._variables)}"
            self._variables[name] = f"{kind} = {self._value(kind, variable=False)}"
            return f"${name}"
        if isinstance(kind, GraphQLNonNull):
            return self._value(kind.of_type, variable=False)
        if self._random.random() < 0.1:
            return "null"
        if isinstance(kind, GraphQLList):
            return (
                f"[{', '.join(self._value(kind.of_type, variable=False) for _ in range(self._random.randint(0, 2)))}]"
            )
        return self._leaf(kind, variable=variable)

    def _leaf(self, kind: GraphQLInputType, *, variable: bool) -> str:
        if isinstance(kind, GraphQLEnumType):
            return str(self._random.choice(list(kind.values)))
        if isinstance(kind, GraphQLInputObjectType):
            given = [
                f"{name}: {self._value(field.type, variable=variable)}"
                for name, field in kind.fields.items()
                if self._random.random() < 0.4
            ]
            return f"{{{', '.join(given)}}}"
        number = self._random.randint(0, 3)
        match str(kind):
            case "Boolean":
                return "true" if number % 2 else "false"
            case "Int":
                return str(number)
            case "Float":
                return f"{number}.5"
        return self._random.choice((f'"t{number}"', '"a \\"quoted\\" {word}"', '"""block"""'))
