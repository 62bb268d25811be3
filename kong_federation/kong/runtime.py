"""
What one worker process keeps between events: instances and the gateways behind them.

Nothing of value hangs on an instance, because Kong throws all of a plugin's instances away at every change of any
plugin's configuration, and whenever it loses one. A gateway (supergraph, plans, connections) belongs to the digest of
its configuration and outlives them.

Gateways are not counted by their users. One that has not been used for long, or is the least recently used of too many,
is taken off the shelf at once and closed when the longest request that may still run in it has met its deadline.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Protocol

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.errors.codes import CONFIGURATION_INVALID
from kong_federation.gateway import HttpRequest, HttpResponse, Passage
from kong_federation.kong.conversation import Conversation
from kong_federation.kong.failures import failure
from kong_federation.kong.guard import Guard
from kong_federation.kong.instances import RENEWAL, Configuration, InstanceFiles, read_configuration
from kong_federation.limits import Limits
from kong_federation.settings import Settings, parse_settings

_log = logging.getLogger(__name__)

_MOST_GATEWAYS = 64  # configurations; each may hold a supergraph and the plans of `planning.cache_max_bytes`
_MOST_INSTANCES = 16_384  # remembered ids, about 100 bytes each; the files know the others
_MOST_RESTARTS = 4096  # remembered request ids; they matter for the milliseconds until Kong's replay
_IDLE = 3600.0  # seconds without a request after which a gateway is closed
_TIDYING = 300.0  # seconds between two rounds of tidying
# A gateway keeps the deadline of its configuration itself and can then answer with what it has. This is the time it
# gets for that; then its host answers for it.
_GRACE = 1.0  # seconds
_LONGEST_REQUEST = 60.0  # seconds; Kong gives up on an event then, and `limits.deadline` is below it


class Serves(Protocol):
    """A gateway, as far as the host is concerned."""

    def start(self) -> None:
        """Load the supergraph in the background."""
        ...

    def refresh(self) -> None:
        """Look for another supergraph without delay."""
        ...

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        ...

    async def pass_or_handle(self, request: HttpRequest) -> HttpResponse | Passage:
        """Answer one request, or say how the host can have it answered."""
        ...

    async def close(self) -> None:
        """Let go of everything; no request runs any more."""
        ...


class Refusing:
    """
    Stands in for a gateway whose configuration is wrong: every request gets the same error.

    Kong would otherwise start the instance again for each request.

    Args:
        findings: What is wrong.
    """

    def __init__(self, findings: FederationErrors) -> None:
        answer = failure(findings.errors)
        self._answer = HttpResponse(answer.status, answer.headers, answer.body)

    def start(self) -> None:
        """Nothing to load."""

    def refresh(self) -> None:
        """Nothing to look for."""

    async def handle(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - every request is answered alike
        """The same error for everybody."""
        return self._answer

    async def pass_or_handle(self, request: HttpRequest) -> HttpResponse | Passage:  # noqa: ARG002 - as above
        """The same error for everybody."""
        return self._answer

    async def close(self) -> None:
        """Nothing to let go of."""


@dataclass
class Tenant:
    """
    One configuration at work in this process.

    Args:
        digest: The configuration's.
        gateway: What answers its requests.
        limits: What one of its requests may spend.
        used: When it last had a request, monotonic seconds.
        conversation: What its events ask and tell Kong.
        key: The digest as bytes.
        patience: Seconds until the host answers in the gateway's place; Kong gives up after 60.
    """

    digest: str
    gateway: Serves
    limits: Limits
    used: float
    conversation: Conversation = field(default_factory=Conversation)
    key: bytes = field(init=False)
    patience: float = field(init=False)

    def __post_init__(self) -> None:
        self.key = self.digest.encode()
        self.patience = self.limits.deadline / 1000 + _GRACE


@dataclass
class Handle:
    """
    An instance that this process has seen.

    Args:
        digest: Of its configuration.
        renewed: When its files were last renewed from here, monotonic seconds.
    """

    digest: str
    renewed: float


class Runtime:
    """
    The instances and gateways of one process; to be used from one event loop.

    Args:
        files: The instances that all workers share.
        make_gateway: Makes a gateway; must be cheap, the gateway loads its supergraph in the background.
        guard: What the workers share about the requests under way.
    """

    def __init__(self, files: InstanceFiles, make_gateway: Callable[[Settings], Serves], guard: Guard) -> None:
        self.guard = guard
        self._files = files
        self._make_gateway = make_gateway
        self._instances: OrderedDict[int, Handle] = OrderedDict()
        self._tenants: OrderedDict[str, Tenant] = OrderedDict()
        self._restarted: OrderedDict[str, None] = OrderedDict()
        self._background: set[asyncio.Task[Any]] = set()
        self._retired: dict[asyncio.TimerHandle, Tenant] = {}
        self._tidied = monotonic()

    def start_instance(self, sent: bytes) -> int:
        """
        Accept a configuration, right or wrong.

        Args:
            sent: JSON with Kong's own keys.

        Returns:
            The id under which Kong will send its events, to any worker.

        Raises:
            OSError: The instance cannot be shared with the other workers.
        """
        try:
            configuration = read_configuration(sent)
        except ValueError as error:
            _log.error("a configuration is not what Kong sends: %s", error)
            configuration = read_configuration(b"{}")
        instance = self._files.start(configuration)
        self._remember(instance, configuration.digest)
        self._tenant(configuration).gateway.start()
        return instance

    def close_instance(self, instance: int) -> None:
        """Forget an instance."""
        self._instances.pop(instance, None)
        self._files.close(instance)

    def find(self, instance: int) -> Tenant | None:
        """
        Who answers the events of an instance.

        Returns:
            None if no worker knows it, or its configuration is gone: Kong has to start it again.
        """
        now = monotonic()
        handle = self._instances.get(instance)
        tenant = self._tenants.get(handle.digest) if handle is not None else None
        if handle is None or tenant is None:
            configuration = self._files.find(instance)
            if configuration is None:
                self._instances.pop(instance, None)
                return None
            handle = self._remember(instance, configuration.digest)
            tenant = self._tenant(configuration)
            # Not by its first request: what a request starts is taken for a part of it for as long as it runs.
            tenant.gateway.start()
        tenant.used = now
        self._tenants.move_to_end(tenant.digest)
        if now - handle.renewed > RENEWAL:
            handle.renewed = now
            self._files.renew(instance, handle.digest)
        if now - self._tidied > _TIDYING:
            self._tidied = now
            self._tidy(now)
        return tenant

    def may_restart(self, request_id: str) -> bool:
        """
        Whether Kong may be made to start the instance again for this request, which replays the event.

        At most once: Kong replays without a limit, so an instance that stays unknown would be asked for ever.
        """
        if not request_id or request_id in self._restarted:
            return False
        self._restarted[request_id] = None
        if len(self._restarted) > _MOST_RESTARTS:
            self._restarted.popitem(last=False)
        return True

    def refresh(self) -> None:
        """Have all gateways look for another supergraph."""
        for tenant in self._tenants.values():
            tenant.gateway.refresh()

    async def close(self) -> None:
        """Close all gateways; no request runs any more."""
        leaving = [*self._tenants.values(), *self._retired.values()]
        for timer in self._retired:
            timer.cancel()
        self._tenants.clear()
        self._retired.clear()
        await asyncio.gather(*map(_close, leaving), *self._background)

    def _remember(self, instance: int, digest: str) -> Handle:
        handle = self._instances[instance] = Handle(digest, monotonic())
        if len(self._instances) > _MOST_INSTANCES:
            self._instances.popitem(last=False)
        return handle

    def _tenant(self, configuration: Configuration) -> Tenant:
        tenant = self._tenants.get(configuration.digest)
        if tenant is None:
            tenant = self._open(configuration.digest, configuration.values())
            self._tenants[configuration.digest] = tenant
            if len(self._tenants) > _MOST_GATEWAYS:
                self._retire(self._tenants.popitem(last=False)[1])
        return tenant

    def _open(self, digest: str, values: Mapping[str, Any]) -> Tenant:
        try:
            settings = parse_settings(values)
            gateway = self._make_gateway(settings)
            return Tenant(digest, gateway, settings.limits, monotonic(), Conversation(settings))
        except FederationErrors as findings:
            for finding in findings.errors:
                _log.error("configuration %s: %s", digest[:12], finding.message)
            return Tenant(digest, Refusing(findings), Limits(), monotonic())
        except Exception:  # noqa: BLE001 - a fault of ours must not make Kong start the instance for every request
            _log.exception("configuration %s: no gateway could be made of it", digest[:12])
            refusing = Refusing(FederationErrors([FederationError(CONFIGURATION_INVALID, "see the log")]))
            return Tenant(digest, refusing, Limits(), monotonic())

    def _tidy(self, now: float) -> None:
        for tenant in [one for one in self._tenants.values() if now - one.used > _IDLE]:
            del self._tenants[tenant.digest]
            self._retire(tenant)
        # Thousands of files take longer than the loop may stand still.
        self._in_background(asyncio.to_thread(self._files.expire))

    def _retire(self, tenant: Tenant) -> None:
        def close() -> None:
            self._retired.pop(timer, None)
            self._in_background(_close(tenant))

        timer = asyncio.get_running_loop().call_later(_LONGEST_REQUEST, close)
        self._retired[timer] = tenant

    def _in_background(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


async def _close(tenant: Tenant) -> None:
    try:
        await tenant.gateway.close()
    except Exception:  # noqa: BLE001 - the others are still to be closed
        _log.exception("configuration %s: its gateway could not be closed", tenant.digest[:12])
