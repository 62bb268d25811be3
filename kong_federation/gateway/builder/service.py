"""
What the builder can do with a supergraph: one call per kind of job.

A planner is named as text, `module:function`, because it is loaded in another process than the one that chooses it.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import orjson

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.errors.codes import DOCUMENT_LIMIT_EXCEEDED
from kong_federation.gateway.messages import IntrospectionJob, PlanJob, pack_findings, pack_result, unpack_job
from kong_federation.operation import measure_document
from kong_federation.plan import QueryPlan, encode_plan

_LOG = logging.getLogger("kong_federation.gateway.builder")


class PlannerLike(Protocol):
    """What is asked of a planner."""

    def subgraphs(self) -> Mapping[str, str]:
        """Names and addresses of the subgraphs."""
        ...

    def override_labels(self) -> frozenset[str]:
        """The labels on which plans depend."""
        ...

    def plan(self, document: str, operation_name: str | None, labels: frozenset[str]) -> QueryPlan:
        """Parse, validate and plan an operation."""
        ...

    def introspect(self, document: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Answer an introspection query with its `data`."""
        ...


def load_planner(name: str, sdl: str) -> PlannerLike:
    """
    Make a planner of a supergraph and use it once, so that what it makes on first use is shared by all processes.

    Args:
        name: `module:function`; the function takes SDL.
        sdl: The supergraph.

    Raises:
        FederationError: SUPERGRAPH_INVALID.
        FederationErrors: As above.
    """
    module, _, function = name.partition(":")
    make: Callable[[str], PlannerLike] = getattr(importlib.import_module(module), function)
    planner = make(sdl)
    try:
        planner.plan("{ __typename }", None, frozenset())
    except Exception:  # noqa: BLE001 - whoever asks for an operation that cannot be planned is told
        _LOG.exception("the first operation could not be planned")
    return planner


def run_job(planner: PlannerLike, message: Any) -> bytes:
    """
    Do one job.

    Returns:
        What the builder is told: a plan, JSON, or findings.

    Raises:
        Exception: A mistake of ours; the caller reports it.
    """
    try:
        job = unpack_job(message)
        if isinstance(job, IntrospectionJob):
            return pack_result(orjson.dumps(planner.introspect(job.document, job.variables)), done=True)
        if not isinstance(job, PlanJob):
            raise TypeError("a job that needs no planner")
        measure_document(job.document, job.limits)
        plan = planner.plan(job.document, job.operation_name, job.labels)
        return pack_result(_encoded(plan), done=True)
    except FederationErrors as errors:
        return pack_result(pack_findings(errors.errors), done=False)
    except FederationError as error:
        return pack_result(pack_findings([error]), done=False)
    except RecursionError:
        return pack_result(pack_findings([_too_deep()]), done=False)


def _encoded(plan: QueryPlan) -> bytes:
    try:
        return encode_plan(plan)
    except ValueError as error:
        # msgpack nests 511 levels, and a field takes several.
        if "recursion" not in str(error):
            raise
        raise _too_deep() from None


def _too_deep() -> FederationError:
    return FederationError(DOCUMENT_LIMIT_EXCEEDED, "The operation is nested too deeply to be planned.")
