"""
One event: PDK calls in, a decision out.

    Exit      the client gets this answer, and Kong's side of the event is over
    Tell      the same, and before it Kong is told something that nobody waits for
    Proceed   the request is not for us, or Kong has been steered to the subgraph that answers it; Kong goes on to the
              next plugin and the upstream
    Restart   nobody knows the instance: close the connection, so that Kong starts it again and replays the event

An event whose worker died comes again, by itself and without end; `guard` says what becomes of it.

Whatever goes wrong becomes an Exit with a GraphQL error. The only exceptions that leave are cancellation and Kong's
having gone; the session answers the former.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import NamedTuple

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.errors.codes import INTERNAL_SERVER_ERROR, SERVICE_UNAVAILABLE
from kong_federation.gateway import HttpRequest, HttpResponse
from kong_federation.kong.body import read_body
from kong_federation.kong.failures import failed, failure
from kong_federation.kong.guard import refusal
from kong_federation.kong.pdk import Channel, EventOver, Pdk
from kong_federation.kong.records import Exit
from kong_federation.kong.runtime import Runtime, Tenant

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Proceed:
    """Let the request pass."""


@dataclass(frozen=True, slots=True)
class Restart:
    """Let Kong start the instance again."""


class Tell(NamedTuple):
    """Make calls, of which these are the frames, wait for no reply, and answer the client; all in one write."""

    told: bytes
    answer: Exit


Decision = Exit | Tell | Proceed | Restart

_PROCEED = Proceed()
_RESTART = Restart()


async def decide(channel: Channel, phase: str, tenant: Tenant | None, runtime: Runtime) -> Decision:
    """
    Handle one event.

    Args:
        channel: The way to Kong's PDK.
        phase: Kong's phase; only `access` is ours.
        tenant: Who the event's instance belongs to; None: unknown to all workers.
        runtime: Where instances live.

    Raises:
        CancelledError: The event was given up, by us or by Kong.
        EventOver: Kong has gone; nobody waits for an answer.
    """
    if phase != "access":
        return _PROCEED
    try:
        if tenant is None:
            return await _restart(Pdk(channel), runtime)
        conversation, guard = tenant.conversation, runtime.guard
        replies = await channel.call(conversation.opening)
        request = conversation.request(replies, tenant.limits.max_body_size)
        if request is None:
            request = await _read_rest(Pdk(channel), replies, tenant)
        admitted = guard.admit(request, tenant.key)
        channel.enter(admitted)
        if guard.doubts(admitted) and (refused := await refusal(admitted, request, guard, channel)):
            return refused
        if request.way is None:
            response: HttpResponse | None = await tenant.gateway.handle(request)
        else:
            response = await _pass_or_answer(Pdk(channel), request, tenant)
        if guard.quarantine.holds_any:
            guard.quarantine.answered(admitted.digest)
        if response is None:
            return _PROCEED
        return _tell(response, tenant) if type(response.body) is bytes else await _without_stream(response)
    except FederationError as error:
        return failure([error])
    except FederationErrors as errors:
        return failure(errors.errors)
    except (asyncio.CancelledError, GeneratorExit, EventOver):
        raise
    except BaseException:  # noqa: BLE001 - a SystemExit, too, would leave Kong without an answer, and it would replay
        _log.exception("a request failed")
        return failed(INTERNAL_SERVER_ERROR)


async def _read_rest(pdk: Pdk, replies: list[bytes], tenant: Tenant) -> HttpRequest:
    """Read what did not come with the opening: a query string, or a body that is in a file."""
    head = tenant.conversation.head(replies)
    # The parameters of a POST are in its body, so it does not pay for the 12 us of one more call on each side; and what
    # else may have a body, however large, is none of ours.
    if head.method == "POST":
        body = await read_body(head.body, tenant.limits.max_body_size)
        return HttpRequest("POST", "", head.headers, body, head.request_id, head.identity, head.way)
    query = await pdk.get_raw_query()
    return HttpRequest(head.method, query, head.headers, b"", head.request_id, head.identity, head.way)


async def _pass_or_answer(pdk: Pdk, request: HttpRequest, tenant: Tenant) -> HttpResponse | None:
    """The answer; None: Kong has been steered to a subgraph that answers."""
    outcome = await tenant.gateway.pass_or_handle(request)
    if isinstance(outcome, HttpResponse):
        return outcome
    steered, *_ = await pdk.ask(tenant.conversation.steering(request, outcome))
    if steered or not outcome.destination.upstream:
        return None
    # What has been set does no harm: an answer of ours asks nobody.
    _log.error("Kong has no upstream %s; its subgraph is asked from here", outcome.destination.upstream)
    return await tenant.gateway.handle(request)


def _tell(response: HttpResponse, tenant: Tenant) -> Exit | Tell:
    status, headers, body, facts = response
    assert isinstance(body, bytes)
    if not 200 <= status <= 599:
        # Kong raises on other statuses, and the client would get a page of Kong's.
        _log.error("a request was answered with the status %s", status)
        return failed(INTERNAL_SERVER_ERROR)
    told = tenant.conversation.closing(facts)
    answer = Exit(status, headers, body)
    return Tell(told, answer) if told else answer


async def _without_stream(response: HttpResponse) -> Exit:
    if isinstance(response.body, AsyncGenerator):
        await response.body.aclose()
    _log.error("a request was answered with a stream, which this server does not send")
    return failed(INTERNAL_SERVER_ERROR)


async def _restart(pdk: Pdk, runtime: Runtime) -> Decision:
    request_id = await pdk.get_var("kong_request_id") or ""
    if runtime.may_restart(request_id):
        return _RESTART
    _log.error("an instance stays unknown after Kong has started it again; is the runtime directory shared?")
    return failed(SERVICE_UNAVAILABLE)
