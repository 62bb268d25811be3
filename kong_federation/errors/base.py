"""
The exceptions of the project.

    FederationError      one finding: a code from the catalogue, a text, where it happened
    FederationErrors     several findings that are reported together (validation, settings)

They carry data; the text for people is built in `__str__`, the text for clients in `as_graphql`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kong_federation.errors.codes import ErrorCode, Fault

PathSegment = str | int


@dataclass(slots=True)
class FederationError(Exception):
    """
    One finding.

    Args:
        code: An entry of the catalogue; it says whose fault it is and which HTTP status fits.
        message: One sentence. For client faults it is shown as it is, otherwise only to operators.
        path: Response path in the client's own names, or None.
        locations: Places in the client's document, 1-based (line, column).
        extensions: Further members of the GraphQL error's `extensions`; never secrets, never variables' values.
    """

    code: ErrorCode
    message: str
    path: tuple[PathSegment, ...] | None = None
    locations: tuple[tuple[int, int], ...] = ()
    extensions: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Operators' form: code, text, place."""
        place = f" (at {'.'.join(map(str, self.path))})" if self.path else ""
        return f"{self.code.name}: {self.message}{place}"

    def as_graphql(self) -> dict[str, Any]:
        """
        The error as a member of a GraphQL response's `errors`.

        Findings whose fault lies with us or the operator show the catalogue's general sentence instead of their
        own text, so that nothing of the inside leaks.
        """
        shown = self.message if self.code.fault in {Fault.CLIENT, Fault.SUBGRAPH} else self.code.meaning
        error: dict[str, Any] = {"message": shown}
        if self.locations:
            error["locations"] = [{"line": line, "column": column} for line, column in self.locations]
        if self.path is not None:
            error["path"] = list(self.path)
        error["extensions"] = {"code": self.code.name, **self.extensions}
        return error


class FederationErrors(Exception):  # noqa: N818 - the plural of FederationError
    """
    Several findings, reported together.

    Args:
        errors: At least one; the first one's code decides the HTTP status.
    """

    def __init__(self, errors: Sequence[FederationError]) -> None:
        super().__init__(errors)
        self.errors = tuple(errors)

    def __str__(self) -> str:
        """One finding a line."""
        return "\n".join(map(str, self.errors))
