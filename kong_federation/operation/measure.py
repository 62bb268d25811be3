"""
The size and shape of a document, before anything else is done with it.

Two passes. The first reads tokens and counts brackets, so that neither a long document nor a deeply nested one reaches
the recursive parser. The second walks the parsed document once. A fragment is measured once and its figures are added
wherever it is spread: the cost is that of the document, however often its fragments multiply it, and the figures are
those of the expanded operation. A fragment that spreads itself adds nothing for the inner spread; validation will
refuse it.

What is not GraphQL at all is let pass: the parser's own words are better.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphql import GraphQLSyntaxError
from graphql.language import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    Lexer,
    OperationDefinitionNode,
    SelectionSetNode,
    Source,
    TokenKind,
    parse,
)

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.errors.codes import DOCUMENT_LIMIT_EXCEEDED
from kong_federation.limits import Limits

_OPENING = frozenset({TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L})
_CLOSING = frozenset({TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R})


@dataclass(frozen=True, slots=True)
class Measure:
    """
    What one selection set, fragment or operation amounts to with its fragments expanded.

    Args:
        depth: Levels of fields.
        fields: Fields of the topmost level.
        aliases: Aliased fields of all levels.
        directives: Directives of all levels.
    """

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0

    def beside(self, other: Measure) -> Measure:
        """Both on one level."""
        return Measure(
            max(self.depth, other.depth),
            self.fields + other.fields,
            self.aliases + other.aliases,
            self.directives + other.directives,
        )


def measure_document(text: str, limits: Limits) -> None:
    """
    Refuse a document that is larger or deeper than allowed.

    Raises:
        FederationError: DOCUMENT_LIMIT_EXCEEDED, too long or too deep to be parsed.
        FederationErrors: DOCUMENT_LIMIT_EXCEEDED for every limit an operation of the document is over.
    """
    try:
        _check_tokens(text, limits)
        document = parse(text, no_location=True)
    except GraphQLSyntaxError:
        return
    walk = _Walk(document)
    try:
        findings = [
            finding
            for definition in document.definitions
            if isinstance(definition, OperationDefinitionNode)
            for finding in _over(walk.operation(definition), limits)
        ]
    except RecursionError:
        # Brackets are bounded, but fragments that spread each other can form a chain of any length.
        raise _finding("The document's fragments are nested too deeply.") from None
    if findings:
        raise FederationErrors(findings)


def _check_tokens(text: str, limits: Limits) -> None:
    lexer = Lexer(Source(text))
    tokens = nesting = 0
    while (kind := lexer.advance().kind) is not TokenKind.EOF:
        tokens += 1
        if tokens > limits.max_tokens:
            raise _finding(f"The document has more than {limits.max_tokens} tokens.")
        if kind in _OPENING:
            nesting += 1
            if nesting > limits.max_recursion:
                raise _finding(f"The document's brackets are nested deeper than {limits.max_recursion} levels.")
        elif kind in _CLOSING:
            nesting -= 1


def _over(shape: Measure, limits: Limits) -> Iterator[FederationError]:
    if limits.max_depth is not None and shape.depth > limits.max_depth:
        yield _finding(f"The operation is {_count(shape.depth)} fields deep; at most {limits.max_depth} are allowed.")
    for what, count, most in (
        ("aliases", shape.aliases, limits.max_aliases),
        ("root fields", shape.fields, limits.max_root_fields),
        ("directives", shape.directives, limits.max_directives),
    ):
        if count > most:
            yield _finding(f"The operation has {_count(count)} {what}; at most {most} are allowed.")


def _count(count: int) -> str:
    # Fragments that double each other make numbers of thousands of digits.
    return str(count) if count < 10**9 else "more than a billion"


def _finding(message: str) -> FederationError:
    return FederationError(DOCUMENT_LIMIT_EXCEEDED, message)


class _Walk:
    """One walk over a document; remembers the fragments it has measured."""

    def __init__(self, document: DocumentNode) -> None:
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._measured: dict[str, Measure] = {}

    def operation(self, node: OperationDefinitionNode) -> Measure:
        return self._selections(node.selection_set).beside(Measure(directives=len(node.directives or ())))

    def _fragment(self, name: str) -> Measure:
        measured = self._measured.get(name)
        if measured is None:
            node = self._fragments.get(name)
            self._measured[name] = Measure()
            measured = Measure()
            if node is not None:
                measured = self._selections(node.selection_set).beside(Measure(directives=len(node.directives or ())))
            self._measured[name] = measured
        return measured

    def _selections(self, node: SelectionSetNode) -> Measure:
        whole = Measure()
        for selection in node.selections:
            own = Measure(directives=len(selection.directives or ()))
            if isinstance(selection, FieldNode):
                inner = self._selections(selection.selection_set) if selection.selection_set else Measure()
                below = Measure(inner.depth + 1, 1, inner.aliases + (selection.alias is not None), inner.directives)
            elif isinstance(selection, FragmentSpreadNode):
                below = self._fragment(selection.name.value)
            else:
                below = self._selections(selection.selection_set)  # type: ignore[attr-defined]  # an inline fragment
            whole = whole.beside(own).beside(below)
        return whole
