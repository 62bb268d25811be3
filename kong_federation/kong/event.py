"""
One event: PDK calls in, a decision out.

    Exit      the client gets this answer, and Kong's side of the event is over; before it, Kong is told of the request
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

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.errors.codes import INTERNAL_SERVER_ERROR, SERVICE_UNAVAILABLE
from kong_federation.gateway import HttpRequest, HttpResponse
from kong_federation.kong.body import read_body
from kong_federation.kong.failures import failed, failure
from kong_federation.kong.functions import decode_text, encode_text
from kong_federation.kong.guard import refusal
from kong_federation.kong.pdk import Calls, Channel, EventOver, Pdk
from kong_federation.kong.records import Exit
from kong_federation.kong.runtime import Runtime, Tenant

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Proceed:
    """Let the request pass."""


@dataclass(frozen=True)
class Restart:
    """Let Kong start the instance again."""


Decision = Exit | Proceed | Restart

_PROCEED = Proceed()
_RESTART = Restart()

_UNKNOWN = Calls(("kong.nginx.get_var", encode_text("kong_request_id")))


def opening(phase: str, tenant: Tenant | None) -> Calls | None:
    """
    Say what an event asks first; None: nothing, because it is not for us, and the request passes.

    Args:
        phase: Kong's phase; only `access` is ours.
        tenant: Who the event's instance belongs to; None: unknown to all workers.
    """
    if phase != "access":
        return None
    return _UNKNOWN if tenant is None else tenant.conversation.opening


async def decide(channel: Channel, tenant: Tenant | None, runtime: Runtime, replies: list[bytes]) -> Decision:
    """
    Handle one event.

    Args:
        channel: The way to Kong's PDK.
        tenant: Who the event's instance belongs to; None: unknown to all workers.
        runtime: Where instances live.
        replies: What Kong said to the opening.

    Raises:
        CancelledError: The event was given up, by us or by Kong.
        EventOver: Kong has gone; nobody waits for an answer.
    """
    try:
        if tenant is None:
            return _restart(replies, runtime)
        conversation, guard = tenant.conversation, runtime.guard
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
        if guard.quarantine.any[0]:
            guard.quarantine.answered(admitted.digest)
        if response is None:
            return _PROCEED
        status, body = response.status, response.body
        if type(body) is not bytes or not 200 <= status <= 599:
            return await _impossible(response)
        channel.told = conversation.closing(response.facts)
        return Exit(status, response.headers, body)
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


async def _impossible(response: HttpResponse) -> Exit:
    """What becomes of an answer that cannot be given."""
    if isinstance(response.body, bytes):
        # Kong raises on such statuses, and the client would get a page of Kong's.
        _log.error("a request was answered with the status %s", response.status)
    else:
        if isinstance(response.body, AsyncGenerator):
            await response.body.aclose()
        _log.error("a request was answered with a stream, which this server does not send")
    return failed(INTERNAL_SERVER_ERROR)


def _restart(replies: list[bytes], runtime: Runtime) -> Decision:
    if runtime.may_restart(decode_text(replies[0])):
        return _RESTART
    _log.error("an instance stays unknown after Kong has started it again; is the runtime directory shared?")
    return failed(SERVICE_UNAVAILABLE)
