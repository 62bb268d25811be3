"""
The hand-written supergraph says of each subgraph exactly what that subgraph says of itself.

Both sides are brought to the same facts: per type, its kind, keys and interfaces; per field, its text (arguments, type)
and its federation directives; per enum, its values. The comparison is by equality, subgraph by subgraph.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import build_ast_schema, parse, print_ast, validate, value_from_ast_untyped
from graphql.language import ast

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("accounts", "products", "inventory", "reviews")
MACHINERY = {"_Any", "_Entity", "_Service"}
MACHINERY_FIELDS = {"_entities", "_service"}


def directives(node, name):
    return [
        {argument.name.value: value_from_ast_untyped(argument.value) for argument in directive.arguments or ()}
        for directive in node.directives or ()
        if directive.name.value == name
    ]


def words(text):
    return tuple(sorted(text.replace(",", " ").split())) if text else ()


def signature(field):
    """The field's arguments and type as text; the same for input fields."""
    arguments = sorted(
        f"{item.name.value}: {print_ast(item.type)} = {print_ast(item.default_value) if item.default_value else None}"
        for item in getattr(field, "arguments", None) or ()
    )
    return f"({', '.join(arguments)}) {print_ast(field.type)}"


def facts_of_subgraph(document):
    facts = {}
    for node in document.definitions:
        if not isinstance(node, ast.TypeDefinitionNode) or node.name.value in MACHINERY:
            continue
        about = facts[node.name.value] = {"kind": node.kind}
        about["keys"] = sorted(words(key["fields"]) for key in directives(node, "key"))
        about["interfaces"] = sorted(named.name.value for named in getattr(node, "interfaces", None) or ())
        about["values"] = sorted(value.name.value for value in getattr(node, "values", None) or ())
        about["fields"] = {
            field.name.value: (
                signature(field),
                bool(directives(field, "external")),
                *(
                    words(next((given["fields"] for given in directives(field, name)), ""))
                    for name in ("requires", "provides")
                ),
            )
            for field in getattr(node, "fields", None) or ()
            if field.name.value not in MACHINERY_FIELDS
        }
    return facts


def field_facts_in_graph(field, graph):
    """What the supergraph says of a field in a graph that has its type, or None if the graph lacks the field."""
    joins = directives(field, "join__field")
    if not joins:
        return signature(field), False, (), ()
    join = next((join for join in joins if join.get("graph") == graph), None)
    if join is None:
        return None
    return signature(field), join.get("external", False), words(join.get("requires")), words(join.get("provides"))


def facts_of_graph(supergraph, graph):
    facts = {}
    for node in supergraph.definitions:
        types = [join for join in directives(node, "join__type") if join["graph"] == graph]
        if not isinstance(node, ast.TypeDefinitionNode) or not types:
            continue
        about = facts[node.name.value] = {"kind": node.kind}
        about["keys"] = sorted(words(join["key"]) for join in types if "key" in join)
        about["interfaces"] = sorted(
            join["interface"] for join in directives(node, "join__implements") if join["graph"] == graph
        )
        about["values"] = sorted(
            value.name.value
            for value in getattr(node, "values", None) or ()
            if {"graph": graph} in directives(value, "join__enumValue")
        )
        fields = {field.name.value: field_facts_in_graph(field, graph) for field in getattr(node, "fields", None) or ()}
        about["fields"] = {name: found for name, found in fields.items() if found is not None}
    return facts


@pytest.fixture
def supergraph():
    return parse((EXAMPLES / "supergraph.graphql").read_text())


@pytest.mark.parametrize("name", NAMES)
def test_the_supergraph_says_what_the_subgraph_says(name, subgraphs, supergraph):
    printed = subgraphs[name].schema.as_str()
    assert facts_of_graph(supergraph, name.upper()) == facts_of_subgraph(parse(printed))


def test_every_graph_is_one_of_the_four(supergraph):
    (graphs,) = (
        node for node in supergraph.definitions if getattr(node, "name", None) and node.name.value == "join__Graph"
    )
    named = {value.name.value: directives(value, "join__graph")[0]["name"] for value in graphs.values}
    assert named == {name.upper(): name for name in NAMES}


def test_the_supergraph_is_a_schema_and_the_query_fits_it(supergraph):
    schema = build_ast_schema(supergraph)
    assert validate(schema, parse((EXAMPLES / "query.graphql").read_text())) == []
