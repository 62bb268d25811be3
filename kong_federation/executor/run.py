"""The state of one execution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kong_federation.errors import FederationError
from kong_federation.executor.context import ExecutionContext, JsonObject
from kong_federation.executor.entities import Batch
from kong_federation.executor.request import Sent


@dataclass(slots=True)
class Outcome:
    """
    What is worth telling about one fetch (or introspection) of one execution; one that went well has none.

    Args:
        source: Number of the fetch among the plan's fetches and introspections.
        batches: What was asked, for entity fetches.
        failure: Why nothing, or not everything, came back.
        errors: The subgraph's own errors as it sent them.
        blank: Whether no data came back at all.
        unanswered: Identities of the objects that have no answer by a null of a subgraph: their key, or the entity.
        bereft: Identities of the objects that could not be asked for because a field they are known by is absent.
    """

    source: int
    batches: Sequence[Batch] = ()
    failure: FederationError | None = None
    errors: Sequence[Any] = ()
    blank: bool = False
    unanswered: set[int] = field(default_factory=set)
    bereft: set[int] = field(default_factory=set)


@dataclass(slots=True)
class Run:
    """
    One execution.

    Args:
        variables: The client's, coerced.
        context: The surroundings.
        data: Root of the data tree.
        outcomes: In the order in which the fetches ended.
        sent: The requests that a program has sent for the same client before it gave up.
    """

    variables: JsonObject
    context: ExecutionContext
    data: JsonObject = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
