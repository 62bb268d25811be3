"""
One generation: one supergraph, the builder that has loaded it, where its subgraphs are, and the plans made of it.

A generation never changes. When the supergraph is replaced, the gateway takes another generation for the next request;
the old one finishes its own requests, and with the last of them hangs up on its builder. Nothing else refers to it.

    plan(key)    cache → the same operation being planned at this moment → the builder
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import orjson
from cachetools import LRUCache

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.errors.codes import (
    DOCUMENT_LIMIT_EXCEEDED,
    INTERNAL_SERVER_ERROR,
    Fault,
)
from kong_federation.executor import Executable, JsonObject, SubgraphTarget, is_collection_due, prepare
from kong_federation.gateway.breath import Breath
from kong_federation.gateway.cache import PlanCache, PlanKey, Prepared, Refused, Sizes, Uses, weigh_entry
from kong_federation.gateway.client import BuilderClient
from kong_federation.gateway.exchange import HttpRequest
from kong_federation.gateway.head import Head
from kong_federation.gateway.labels import find_labels
from kong_federation.gateway.media import JSON
from kong_federation.gateway.messages import (
    IntrospectionJob,
    PlanJob,
    PopularJob,
    UsesJob,
    pack_job,
    plan_digest,
    unpack_operations,
)
from kong_federation.gateway.passage import Passage, body_for, headers_for
from kong_federation.gateway.propagation import KONG_REQUEST_ID, propagate
from kong_federation.gateway.routes import Targets, find_batch_limits, find_routes
from kong_federation.plan import (
    Condition,
    Defer,
    Fetch,
    Introspect,
    Node,
    OperationKind,
    Parallel,
    PlanFormatError,
    Sequence,
    Subscription,
    decode_plan,
)
from kong_federation.settings import Settings

_LOG = logging.getLogger("kong_federation.gateway")

# Seconds between two plans that are let go of: one takes up to a millisecond, a full cache would hold the loop for one
# to two seconds.
_LET_GO_PAUSE = 0.002

# Decoding and preparing a plan takes 2 to 4 milliseconds for each 10 KB of it. Larger ones are prepared in a thread:
# the loop gets its turn every few milliseconds then.
_PREPARE_INLINE = 4_096

# The garbage collector walks over all that lives, now and then, and 4,000 plans of 450 objects are 120 milliseconds of
# that. Plans have no cycles, so they can be kept from it: each time the cache has grown by this many.
_PLANS_PER_FREEZE = 128

# Processes of low priority take longer, so an operation that is planned ahead gets this much more time than one that
# somebody waits for; no longer than any order may take.
_BACKGROUND_FACTOR = 5
_LONGEST_ORDER = 55_000

# What was used once may not come again; the others are compiled before they are asked for.
_COMES_AGAIN = 2

# Introspection documents are the tools' own and few; their answers are large.
_REMEMBERED_INTROSPECTIONS = 8


# Of so many clients' headers it is remembered what travels to the subgraphs.
_REMEMBERED_HEADS = 256


class Generation:
    """
    One supergraph and all that is derived from it.

    Args:
        settings: The whole configuration.
        builder: Connected to the builder that has loaded the supergraph.
        subgraphs: Names and addresses, as in the supergraph.
        labels: Of the supergraph's progressive overrides.

    Attributes:
        users: Requests that hold it.
        requests: What requests ask for that came lately, see `PlanCache`.

    Raises:
        FederationErrors: SUPERGRAPH_INVALID, a subgraph has no address.
    """

    def __init__(
        self, settings: Settings, builder: BuilderClient, subgraphs: Mapping[str, str], labels: Iterable[str] = ()
    ) -> None:
        self._settings = settings
        self._builder = builder
        self._routes = find_routes(settings, subgraphs)
        self._personal = any(route.headers.personal for route in self._routes.values())
        self._targets: dict[Head, Targets] = {}
        self.max_entities = find_batch_limits(settings, subgraphs)
        self._known_labels = frozenset(labels)
        self._labels = find_labels(settings, self._known_labels)
        self._cache = PlanCache(settings.planning.cache_max_bytes, settings.planning.cache_max_entries)
        self.requests = self._cache.requests
        self._planning: dict[PlanKey, asyncio.Task[Prepared | Refused]] = {}
        self._introspections: LRUCache[tuple[str, bytes], dict[str, Any]] = LRUCache(_REMEMBERED_INTROSPECTIONS)
        self._frozen_plans = 0
        self.users = 0
        self._retired = False

    def __repr__(self) -> str:
        state = "retired" if self._retired else "current"
        return f"<Generation: {state}, {self.users} requests, {len(self._planning)} being planned, {self._cache!r}>"

    # --- Its life ---

    def release(self) -> None:
        """Let go of it after one request, which has held it by counting itself in `users`."""
        self.users -= 1
        if self._retired:
            self._hang_up_if_done()

    def retire(self) -> None:
        """Take no further request; what runs is finished."""
        self._retired = True
        self._hang_up_if_done()

    def _hang_up_if_done(self) -> None:
        if self._retired and not self.users:
            for task in self._planning.values():
                task.cancel()
            self.tell_uses()
            self._builder.close()
            _let_go(self._cache)

    # --- Plans ---

    def recall(self, key: PlanKey) -> Prepared | None:
        """The plan of an operation, if it is in the cache."""
        found = self._cache.get(key)
        return found if isinstance(found, Prepared) else None

    def remember(self, body: bytes, prepared: Prepared, variables: JsonObject) -> None:
        """Remember what a request asks for, if the same bytes ask the same for everybody."""
        if not (self._labels.rules or prepared.introspects or prepared.mutates):
            self._cache.remember(body, prepared, variables)

    async def plan(self, key: PlanKey) -> Prepared:
        """
        The plan of an operation; an operation that many ask for at once is planned once.

        Raises:
            FederationErrors: Why there is none.
        """
        outcome = self._cache.get(key)
        if outcome is None:
            task = self._planning.get(key)
            if task is None:
                task = self._planning[key] = asyncio.ensure_future(self._plan(key))
                task.add_done_callback(lambda _: self._planning.pop(key))
            # Whoever gives up must not take the plan from the others, nor from the cache.
            outcome = await asyncio.shield(task)
        if isinstance(outcome, Refused):
            raise FederationErrors(outcome.findings)
        return outcome

    async def _plan(self, key: PlanKey) -> Prepared | Refused:
        try:
            outcome: Prepared | Refused = await self._order(key, background=False)
        except FederationErrors as errors:
            outcome = Refused(errors.errors, weigh_entry(key, errors.errors))
        except FederationError as error:
            outcome = Refused((error,), weigh_entry(key, (error,)))
        except Exception:  # noqa: BLE001 - those who wait are answered, and the log has it
            _LOG.exception("a plan could not be prepared")
            outcome = Refused((FederationError(INTERNAL_SERVER_ERROR, "a plan could not be prepared"),), 0)
        findings = outcome.findings if isinstance(outcome, Refused) else ()
        for finding in findings:
            if finding.code.fault is Fault.INTERNAL:
                # Clients are not shown its text.
                _LOG.error("an operation cannot be planned: %s", finding)
        # What is wrong with us or our surroundings may be right the next moment.
        if all(finding.code.fault is Fault.CLIENT for finding in findings):
            self._cache.put(key, outcome)
            self._freeze_if_grown()
        return outcome

    async def _order(self, key: PlanKey, *, background: bool, known: Prepared | None = None) -> Prepared:
        settings = self._settings
        job = PlanJob(key.document, key.operation_name, key.labels, settings.limits)
        longest = settings.planning.timeout
        if background:
            longest = min(_BACKGROUND_FACTOR * longest, _LONGEST_ORDER)
        packed, deadline = pack_job(job), settings.limits.deadline
        encoded = await self._builder.order(packed, longest, deadline, background=background)
        digest = hashlib.sha256(encoded).digest()
        if known is not None and known.encoded == digest:
            executable = known.executable
        elif len(encoded) <= _PREPARE_INLINE and not background:
            executable = _prepare(encoded)
        else:
            executable = await asyncio.to_thread(_prepare_gently if background else _prepare, encoded)
        return Prepared(
            executable,
            _introspects(executable.plan.node),
            executable.plan.kind is OperationKind.MUTATION,
            weigh_entry(key),
            len(encoded),
            digest,
            _digest(key.document),
            Sizes(),
            Uses(plan_digest(job)),
            {},
        )

    def _freeze_if_grown(self) -> None:
        if is_collection_due():
            # Programs that are gone have left garbage, also among what is frozen.
            gc.unfreeze()
            gc.collect()
            gc.freeze()
        # Not for each plan that replaces another: whatever else lives at that moment is frozen with it.
        if len(self._cache) >= self._frozen_plans + _PLANS_PER_FREEZE:
            self._frozen_plans = len(self._cache)
            gc.collect(1)
            gc.freeze()

    # --- Plans that nobody waits for ---

    def most_used(self, most: int) -> list[tuple[PlanKey, int]]:
        """The operations whose plans are here and how often they were used, the most used first."""
        found = [(key, uses.count) for key, uses in self._cache.uses()]
        return sorted(found, key=lambda one: one[1], reverse=True)[:most]

    def prepared(self, key: PlanKey) -> Prepared | None:
        """The plan of an operation, if it is here; asking is no use."""
        return self._cache.peek(key)

    async def known_to_node(self, most: int) -> list[tuple[PlanKey, int]]:
        """
        As `most_used`, by what the node's plan store remembers.

        Raises:
            FederationErrors: As for plans.
            FederationError: SERVICE_UNAVAILABLE.
        """
        deadline = self._settings.limits.deadline
        packed = await self._builder.order(pack_job(PopularJob(most)), deadline, deadline)
        return [(PlanKey(one.document, one.name, one.labels), uses) for one, uses in unpack_operations(packed)]

    async def warm(self, key: PlanKey, uses: int, known: Prepared | None = None) -> bool:
        """
        Have a plan here before somebody asks for it, behind all that somebody does wait for.

        Args:
            key: The operation's, perhaps of another supergraph.
            uses: How often it is said to have been used.
            known: Its plan for another supergraph. Most operations have the same for the next one; then what was
                prepared and compiled is taken as it is.

        Returns:
            Whether it was fetched: it is not if it is here already, or if the cache is full.

        Raises:
            FederationErrors: Why it cannot be planned.
            FederationError: As above.
        """
        # Labels that this supergraph does not have are never on.
        key = key._replace(labels=(key.labels & self._known_labels) | self._labels.always)
        if self._retired or self._cache.knows(key) or key in self._planning or not self._cache.has_room(0):
            return False
        prepared = await self._order(key, background=True, known=known)
        if uses >= _COMES_AGAIN and (known is None or prepared.executable is not known.executable):
            await asyncio.to_thread(_compile_gently, prepared.executable)
        if self._cache.knows(key) or not self._cache.has_room(prepared.weight):
            return False
        self._cache.put(key, replace(prepared, uses=Uses(prepared.uses.digest, uses)))
        self._freeze_if_grown()
        return True

    def tell_uses(self) -> None:
        """Tell the node's plan store how often plans were used since the last time."""
        if self._settings.planning.store.enabled:
            counted = ((uses.digest, uses.untold()) for _, uses in self._cache.uses())
            told = tuple((digest, count) for digest, count in counted if count)
            if told:
                self._builder.tell(pack_job(UsesJob(told)))

    # --- What an execution needs ---

    def labels(self, request: HttpRequest) -> frozenset[str]:
        """The override labels that are on for one request; a part of its plan's key."""
        return self._labels.active(request) if self._labels.rules else self._labels.always

    def targets(self, request: HttpRequest, head: Head) -> Mapping[str, SubgraphTarget]:
        """Where the subgraphs are for one request, with the headers that travel to each."""
        if self._personal or not head.is_short:
            return Targets(self._routes, request.headers, request.identity)
        found = self._targets.get(head)
        if found is None:
            if len(self._targets) >= _REMEMBERED_HEADS:
                self._targets.clear()
            found = self._targets[head] = Targets(self._routes, request.headers, request.identity)
        return found

    def passage(
        self, request: HttpRequest, head: Head, prepared: Prepared, variables: Mapping[str, Any]
    ) -> Passage | None:
        """
        The request that nginx can make in our place, if the operation can be left to it.

        Args:
            request: The client's; it says how Kong can be steered.
            head: Of its headers.
            prepared: The operation's plan.
            variables: Coerced.
        """
        plan, way = prepared.executable.plan, request.way
        node = plan.node
        if way is None or not plan.whole or not isinstance(node, Fetch):
            return None
        if not prepared.sizes.are_large(self._settings.passthrough.min_response_size):
            return None
        route = self._routes[node.subgraph]
        destination = route.destination
        if destination is None or not destination.is_reached(way):
            return None
        propagated = propagate(request.headers, request.identity, route.headers)
        if request.request_id and request.request_id.isprintable():
            propagated = (*propagated, (KONG_REQUEST_ID, request.request_id))
        headers = headers_for(destination, head.media_type or JSON, request.headers.get("accept", ()), propagated)
        body = body_for(plan, variables)
        return None if headers is None or body is None else Passage(node.subgraph, destination, headers, body)

    async def introspect(self, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        """
        The `data` of an introspection query.

        Raises:
            FederationError: Why there is none.
        """
        key = (document, orjson.dumps(variables, option=orjson.OPT_SORT_KEYS))
        data: dict[str, Any] | None = self._introspections.get(key)
        if data is None:
            deadline = self._settings.limits.deadline
            job = pack_job(IntrospectionJob(document, variables))
            try:
                content = await self._builder.order(job, deadline, deadline)
            except FederationErrors as errors:
                # The executor takes one failure for one part of the operation.
                raise errors.errors[0] from None
            data = self._introspections[key] = orjson.loads(content)
        return data


def _let_go(cache: PlanCache) -> None:
    """Give up a cache that nobody asks any more, plan by plan."""
    if cache.give_up_one():
        asyncio.get_running_loop().call_later(_LET_GO_PAUSE, _let_go, cache)


def _digest(document: str) -> str:
    return hashlib.sha256(document.encode("utf-8", "surrogatepass")).hexdigest()


def _prepare(encoded: bytes) -> Executable:
    try:
        return prepare(decode_plan(encoded))
    except (RecursionError, PlanFormatError) as error:
        if isinstance(error, RecursionError) or isinstance(error.__cause__, RecursionError):
            message = "The operation is nested too deeply to be run."
            raise FederationError(DOCUMENT_LIMIT_EXCEEDED, message) from None
        raise


def _prepare_gently(encoded: bytes) -> Executable:
    breathe = Breath()
    executable = _prepare(encoded)
    breathe()
    return executable


def _compile_gently(executable: Executable) -> None:
    executable.tier.compile(Breath())


def _introspects(node: Node | None) -> bool:
    match node:
        case Introspect():
            return True
        case Sequence(nodes) | Parallel(nodes):
            return any(map(_introspects, nodes))
        case Condition():
            return _introspects(node.when_true) or _introspects(node.when_false)
        case Defer():
            # Introspection is never deferred.
            return _introspects(node.primary)
        case Subscription():
            return _introspects(node.rest)
        case _:
            return False
