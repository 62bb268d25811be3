"""
A plan as text for people: snapshots, the command line, explain.

    QueryPlan {
      Sequence {
        Fetch(service: "products") {
          { topProducts { __typename upc } }
        }
        Flatten(path: "topProducts.@") {
          Fetch(service: "inventory") {
            { ... on Product { __typename upc } } =>
            { ... on Product { inStock } }
          }
        }
      }
    }

The words are the field's. A fetch with several entity inputs is a `BatchFetch`, which lists them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from kong_federation.plan.nodes import (
    Condition,
    Defer,
    Deferred,
    Each,
    Fetch,
    Flatten,
    Introspect,
    Key,
    Node,
    OperationKind,
    Parallel,
    Path,
    QueryPlan,
    Representation,
    RepresentationField,
    Sequence,
    Subscription,
)

_INDENT = "  "


def show_plan(plan: QueryPlan) -> str:
    """The plan's text."""
    lines = ["QueryPlan {"]
    if plan.node is not None:
        lines += _indented(_node(plan.node))
    return "\n".join([*lines, "}"])


def show_path(path: Path) -> str:
    """`users.@.reviews.@|[Book].title`: `@` goes through a list, `|[A,B]` keeps to objects of these types."""
    text = ""
    for step in path:
        match step:
            case Key(name):
                text += f".{name}" if text else name
            case Each():
                text += ".@" if text else "@"
            case _:
                text += f"|[{','.join(step.names)}]"
    return text


def count_fetches(node: Node | None) -> int:
    """Fetch nodes in a plan, both branches of conditions included; a batch is one."""
    match node:
        case None | Introspect():
            return 0
        case Fetch():
            return 1
        case Sequence(nodes) | Parallel(nodes):
            return sum(map(count_fetches, nodes))
        case Condition(_, when_true, when_false):
            return count_fetches(when_true) + count_fetches(when_false)
        case Subscription(_, rest):
            return 1 + count_fetches(rest)
        case Defer(primary, deferred, otherwise):
            return sum(map(count_fetches, (primary, otherwise, *(part.node for part in deferred))))


def count_waves(node: Node | None) -> int:
    """Waves on the longest path: a sequence adds, a parallel and a condition take the largest."""
    match node:
        case None | Introspect():
            return 0
        case Fetch():
            return 1
        case Sequence(nodes):
            return sum(map(count_waves, nodes))
        case Parallel(nodes):
            return max(map(count_waves, nodes), default=0)
        case Condition(_, when_true, when_false):
            return max(count_waves(when_true), count_waves(when_false))
        case Subscription(_, rest):
            return 1 + count_waves(rest)
        case Defer(primary, deferred, otherwise):
            return max(count_waves(primary) + _deferred_waves(deferred), count_waves(otherwise))


def _deferred_waves(deferred: tuple[Deferred, ...]) -> int:
    """Waves on the longest path through the deferred parts."""
    waves: list[int] = []
    for part in deferred:
        before = max((waves[number] for number in part.after), default=0)
        waves.append(before + count_waves(part.node))
    return max(waves, default=0)


def _node(node: Node) -> Iterator[str]:
    match node:
        case Fetch():
            yield from _fetch(node)
        case Introspect(document):
            yield f"Introspect {{ {document} }}"
        case Sequence(nodes):
            yield from _block("Sequence", nodes)
        case Parallel(nodes):
            yield from _block("Parallel", nodes)
        case Condition(variable, when_true, when_false):
            if when_true is not None:
                yield from _block(f"Include(if: ${variable})", (when_true,))
            if when_false is not None:
                yield from _block(f"Skip(if: ${variable})", (when_false,))
        case Subscription(primary, rest):
            yield from _block("Subscription", (primary,) if rest is None else (primary, rest))
        case Defer():
            yield from _defer(node)


def _defer(node: Defer) -> Iterator[str]:
    yield "Defer {"
    yield from _indented(_block("Primary", () if node.primary is None else (node.primary,)))
    for number, part in enumerate(node.deferred):
        facts = [f"part: {number}"]
        facts += [f"label: {json.dumps(part.label)}"] if part.label is not None else []
        facts += [f'path: "{show_path(part.path)}"']
        facts += [f"if: ${part.variable}"] if part.variable is not None else []
        facts += [f"after: [{', '.join(map(str, part.after))}]"] if part.after else []
        yield from _indented(_block(f"Deferred({', '.join(facts)})", () if part.node is None else (part.node,)))
    if node.otherwise is not None:
        yield from _indented(_block("Otherwise", (node.otherwise,)))
    yield "}"


def _block(head: str, nodes: tuple[Node, ...]) -> Iterator[str]:
    yield f"{head} {{"
    for node in nodes:
        yield from _indented(_node(node))
    yield "}"


def _fetch(fetch: Fetch) -> Iterator[str]:
    if not fetch.flattens:
        if fetch.path:
            yield f'Flatten(path: "{show_path(fetch.path)}") {{'
            yield from _indented(_plain_fetch(fetch))
            yield "}"
        else:
            yield from _plain_fetch(fetch)
    elif len(fetch.flattens) == 1:
        flatten = fetch.flattens[0]
        yield f"Flatten(path: {_paths(flatten)}) {{"
        yield f'{_INDENT}Fetch(service: "{fetch.subgraph}") {{'
        yield from _indented(_indented(_input(flatten)))
        yield f"{_INDENT * 2}{_spaced(fetch.document)}"
        yield f"{_INDENT}}}"
        yield "}"
    else:
        yield f'BatchFetch(service: "{fetch.subgraph}") {{'
        for flatten in fetch.flattens:
            yield f"{_INDENT}{flatten.key}: Flatten(path: {_paths(flatten)}) {{"
            yield from _indented(_indented(_input(flatten)))
            yield f"{_INDENT}}}"
        yield f"{_INDENT}{_spaced(fetch.document)}"
        yield "}"


def _plain_fetch(fetch: Fetch) -> Iterator[str]:
    kind = "" if fetch.kind is OperationKind.QUERY else f", kind: {fetch.kind.value}"
    yield f'Fetch(service: "{fetch.subgraph}"{kind}) {{'
    yield f"{_INDENT}{_spaced(fetch.document)}"
    yield "}"


def _paths(flatten: Flatten) -> str:
    return ", ".join(f'"{show_path(path)}"' for path in flatten.paths)


def _input(flatten: Flatten) -> Iterator[str]:
    for value in flatten.contexts:
        fields = " ".join(map(_representation_field, value.fields))
        yield f'${value.variable} = "{show_path(flatten.paths[0][: value.depth])}" {{ {fields} }}'
    for representation in flatten.representations:
        yield f"{{ {_representation(representation)} }} =>"


def _representation(representation: Representation) -> str:
    on = "|".join(representation.types) or representation.typename
    own = representation.types in {(), (representation.typename,)}
    sent = "__typename" if own else f'__typename: "{representation.typename}"'
    fields = " ".join(map(_representation_field, representation.fields))
    return f"... on {on} {{ {sent} {fields} }}"


def _representation_field(field: RepresentationField) -> str:
    source = f"{field.name}: {field.source}" if field.source != field.name else field.name
    inner = f" {{ {' '.join(map(_representation_field, field.inner))} }}" if field.inner else ""
    text = f"{source}{inner}"
    return f"... on {'|'.join(field.types)} {{ {text} }}" if field.types else text


def _spaced(document: str) -> str:
    """Minified GraphQL with room to breathe around braces; strings are left as they are."""
    parts = document.split('"')
    for index in range(0, len(parts), 2):
        parts[index] = parts[index].replace("{", " { ").replace("}", " } ").replace("...on", "... on")
    text = '"'.join(parts)
    return " ".join(text.split()) if '"' not in text else text.strip()


def _indented(lines: Iterator[str]) -> Iterator[str]:
    for line in lines:
        yield _INDENT + line
