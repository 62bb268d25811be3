"""
One event: PDK calls in, a decision out.

    Exit      the client gets this answer, and Kong's side of the event is over
    Proceed   the request is not for us; Kong goes on to the next plugin and the upstream
    Restart   nobody knows the instance: close the connection, so that Kong starts it again and replays the event

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


Decision = Exit | Proceed | Restart

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
        pdk = Pdk(channel)
        if tenant is None:
            return await _restart(pdk, runtime)
        request = await _read_request(pdk, tenant.limits.max_body_size)
        response = await tenant.gateway.handle(request)
        return await _exit(response)
    except FederationError as error:
        return failure([error])
    except FederationErrors as errors:
        return failure(errors.errors)
    except (asyncio.CancelledError, GeneratorExit, EventOver):
        raise
    except BaseException:  # noqa: BLE001 - a SystemExit, too, would leave Kong without an answer, and it would replay
        _log.exception("a request failed")
        return failed(INTERNAL_SERVER_ERROR)


async def _read_request(pdk: Pdk, most: int) -> HttpRequest:
    head = await pdk.request_head()
    body = await read_body(head.body, most)
    # The parameters of a POST are in its body, so it does not pay for the 12 us of one more call on each side.
    query = "" if head.method == "POST" else await pdk.get_raw_query()
    return HttpRequest(head.method, query, head.headers, body, head.request_id)


async def _exit(response: HttpResponse) -> Exit:
    body = response.body
    if not isinstance(body, bytes):
        if isinstance(body, AsyncGenerator):
            await body.aclose()
        _log.error("a request was answered with a stream, which this server does not send")
        return failed(INTERNAL_SERVER_ERROR)
    if not 200 <= response.status <= 599:
        # Kong raises on other statuses, and the client would get a page of Kong's.
        _log.error("a request was answered with the status %s", response.status)
        return failed(INTERNAL_SERVER_ERROR)
    return Exit(response.status, response.headers, body)


async def _restart(pdk: Pdk, runtime: Runtime) -> Decision:
    request_id = await pdk.get_var("kong_request_id") or ""
    if runtime.may_restart(request_id):
        return _RESTART
    _log.error("an instance stays unknown after Kong has started it again; is the runtime directory shared?")
    return failed(SERVICE_UNAVAILABLE)
