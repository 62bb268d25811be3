"""
The story of one request, from `HttpRequest` to `HttpResponse`.

    negotiate → read → plan → allowed? → coerce → execute → write

and beside it, for as long as the gateway lives, the story of the supergraph: follow the source, have each version
loaded by a builder, have the operations planned that are used most, and take it for the next request when it is ready.
A version that cannot be loaded is logged and changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.errors.codes import (
    GATEWAY_TIMEOUT,
    INTERNAL_SERVER_ERROR,
    INTROSPECTION_DISABLED,
    METHOD_NOT_ALLOWED,
    MUTATION_FORBIDDEN,
    SERVICE_UNAVAILABLE,
    SUPERGRAPH_INVALID,
    UNSUPPORTED_OPERATION,
)
from kong_federation.executor import ExecutionContext, Result, write_json
from kong_federation.gateway.cache import PlanKey, Prepared
from kong_federation.gateway.client import BuilderClient
from kong_federation.gateway.exchange import HttpRequest, HttpResponse
from kong_federation.gateway.generation import Generation
from kong_federation.gateway.head import Head
from kong_federation.gateway.http import (
    GraphqlRequest,
    allowed_methods,
    body_too_large,
    options,
    read_request,
    refusal,
)
from kong_federation.gateway.media import JSON
from kong_federation.gateway.passage import Passage
from kong_federation.gateway.routes import open_transport
from kong_federation.gateway.sharing import Sharing, sharing_key
from kong_federation.gateway.source import SupergraphText, follow
from kong_federation.gateway.spawn import BuilderProgram, StoreOptions
from kong_federation.gateway.tally import MISS, Tally
from kong_federation.gateway.warmup import warm_up
from kong_federation.settings import Settings
from kong_federation.transport import Transport

_LOG = logging.getLogger("kong_federation.gateway")

# Fetches end this much before the deadline, so that what the others brought can still be answered.
_ANSWERING_SECONDS = 0.25
_ANSWERING_SHARE = 0.1

# A builder that could not be started is tried again after a while, and after a longer while each time.
_FIRST_RETRY_SECONDS = 1.0
_LAST_RETRY_SECONDS = 30.0

# How often a worker tells the node's plan store what was used. What is killed in between forgets so much.
_TELL_SECONDS = 60.0

# Seconds for which a thread that prepares a plan may keep the interpreter from the loop; Python's default is 5
# milliseconds, and a request that waits so long at each of its turns waits for 40.
_SWITCH_SECONDS = 0.0005

# Clients whose headers are remembered.
_MOST_HEADS = 256

_Awaited = TypeVar("_Awaited")


class Gateway:
    """
    One graph, served.

    Making one does no I/O; it belongs to the event loop it is first used on.

    Args:
        settings: The configuration.
        runtime_directory: Where sockets are made and plans are kept; shared by the workers of a node, and only theirs.
        program: How a builder is started.
        transport: How subgraphs are reached; None: over HTTP, as configured.
    """

    def __init__(
        self,
        settings: Settings,
        runtime_directory: Path,
        *,
        program: BuilderProgram | None = None,
        transport: Transport | None = None,
    ) -> None:
        self._settings = settings
        self._runtime_directory = runtime_directory
        self._program = replace(program or BuilderProgram(), store=_store(settings, runtime_directory))
        self._transport = transport or open_transport(settings)
        self._deadline = settings.limits.deadline / 1000
        self._margin = min(_ANSWERING_SECONDS, _ANSWERING_SHARE * self._deadline)
        self._mask_errors = settings.security.mask_errors
        self._heads: dict[int, Head] = {}
        self._shares = settings.operations.deduplicate
        # Of all generations: what a mutation of one has changed, a query of another must not miss.
        self._sharing = Sharing()
        self._tells = settings.telemetry.log_serializer or settings.telemetry.shared_context
        self._generation: Generation | None = None
        self._failure: FederationError | None = None
        self._loaded = asyncio.Event()
        self._look = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        self._telling: asyncio.Task[None] | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"<Gateway: {self._generation!r}>"

    # --- The supergraph ---

    def start(self) -> None:
        """Have the supergraph loaded in the background; must be called on the loop the requests come on."""
        if self._following is None and not self._closed:
            sys.setswitchinterval(min(_SWITCH_SECONDS, sys.getswitchinterval()))
            loop = asyncio.get_running_loop()
            self._following = loop.create_task(self._follow())
            self._telling = loop.create_task(self._tell_uses())

    def refresh(self) -> None:
        """Look for another supergraph without delay."""
        self._look.set()

    async def close(self) -> None:
        """Let go of the builder and of all connections to subgraphs; requests are refused from here on."""
        self._closed = True
        for task in (self._following, self._telling):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        self._take(None)
        await self._transport.close()
        # The builder's connection is let go of in the loop's next turn.
        await asyncio.sleep(0)

    async def _follow(self) -> None:
        try:
            async for text in follow(self._settings.supergraph, self._look):
                if text is None:
                    self._fail(FederationError(SUPERGRAPH_INVALID, "there is no supergraph"))
                else:
                    await self._load(text)
        except Exception:  # noqa: BLE001 - there is nobody above who could do more than log it
            _LOG.exception("the supergraph is no longer followed")
            self._fail(FederationError(SERVICE_UNAVAILABLE, "the supergraph is no longer followed"))

    async def _load(self, text: SupergraphText) -> None:
        """Take a version of the supergraph if it can be loaded; try again while only our surroundings are wrong."""
        pause = _FIRST_RETRY_SECONDS
        while True:
            try:
                await self._build(text)
            except FederationErrors as errors:
                for error in errors.errors:
                    _LOG.error("%s: supergraph %.12s is refused: %s", SUPERGRAPH_INVALID.name, text.digest, error)
                self._fail(FederationError(SUPERGRAPH_INVALID, "the supergraph is invalid, see the log"))
                return
            except FederationError as error:
                self._fail(error)
            except OSError as error:
                _LOG.error("the runtime directory cannot be used: %s", error)
                self._fail(FederationError(SERVICE_UNAVAILABLE, "the runtime directory cannot be used"))
            else:
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LAST_RETRY_SECONDS)

    async def _build(self, text: SupergraphText) -> None:
        path = await asyncio.to_thread(self._program.path, self._runtime_directory, text.sdl)
        builder = BuilderClient(self._program, path, text.sdl)
        previous = self._generation
        try:
            hello = await builder.hello()
            generation = Generation(self._settings, builder, hello.subgraphs, hello.labels)
            if previous is not None:
                await self._warm_for_reload(generation, previous)
        except BaseException:
            builder.close()
            raise
        self._take(generation)
        _LOG.info("supergraph %.12s is served, with %d subgraphs", text.digest, len(hello.subgraphs))
        if previous is None:
            await self._warm_from_store(generation)

    async def _warm_for_reload(self, generation: Generation, previous: Generation) -> None:
        settings = self._settings.planning.warmup
        if settings.on_reload:
            count = await warm_up(generation, previous.most_used(settings.max_operations), settings, previous)
            _LOG.info("%d operations were planned ahead", count)

    async def _warm_from_store(self, generation: Generation) -> None:
        planning = self._settings.planning
        if not (planning.store.enabled and planning.warmup.on_start):
            return
        try:
            wanted = await generation.known_to_node(planning.warmup.max_operations)
        except (FederationError, FederationErrors, ValueError) as error:
            _LOG.warning("what was used most is not known: %s", error)
            return
        count = await warm_up(generation, wanted, planning.warmup)
        _LOG.info("%d plans were fetched ahead", count)

    async def _tell_uses(self) -> None:
        while True:
            await asyncio.sleep(_TELL_SECONDS)
            if self._generation is not None:
                self._generation.tell_uses()

    def _take(self, generation: Generation | None) -> None:
        previous, self._generation = self._generation, generation
        self._failure = None
        self._loaded.set()
        if previous is not None:
            previous.retire()

    def _fail(self, error: FederationError) -> None:
        self._failure = error
        self._loaded.set()

    async def _current(self, deadline: float) -> Generation:
        """What serves at this moment; there is no turn of the loop before the caller holds it."""
        if self._generation is None and not self._closed:
            await self._in_time(self._loaded.wait, deadline)
        if self._generation is None:
            if self._failure is None:
                raise FederationError(SERVICE_UNAVAILABLE, "the gateway is closed")
            # Another for each request: of an exception that is raised again and again, the traceback grows.
            raise FederationError(self._failure.code, self._failure.message)
        return self._generation

    # --- One request ---

    def handle(self, request: HttpRequest) -> Coroutine[Any, Any, HttpResponse]:
        """
        Answer one request within the deadline, if need be with an error.

        Raises:
            asyncio.CancelledError: The caller no longer wants the answer; nothing else is raised.
        """
        if request.way is not None:
            request = request.to_be_answered()
        # What cannot be passed on is answered.
        return self._handle(request)  # type: ignore[return-value]

    def pass_or_handle(self, request: HttpRequest) -> Coroutine[Any, Any, HttpResponse | Passage]:
        """
        Answer one request, or say how the host can have it answered without us, if the request says that it can.

        Raises:
            asyncio.CancelledError: The caller no longer wants the answer; nothing else is raised.
        """
        return self._handle(request)

    async def _handle(self, request: HttpRequest) -> HttpResponse | Passage:
        method, headers = request.method, request.headers
        if method == "OPTIONS":
            return options(self._settings)
        if self._following is None:
            self.start()
        tally = Tally()
        head = self._heads.get(id(headers)) or self._read_head(headers)
        # Asking the running loop for its time would be a system call before Python 3.12.
        deadline = monotonic() + self._deadline
        generation = self._generation
        try:
            if generation is None:
                generation = await self._current(deadline)
            generation.users += 1
            # A body that came lately in the very same bytes need not be read again.
            known = generation.requests.get(request.body) if head.is_usual and method == "POST" else None
            if known is None:
                known = await self._prepare(request, head, generation, tally, deadline)
            prepared, variables = known
            tally.prepared = prepared
            prepared.uses.count += 1
            if request.way is not None:
                passage = generation.passage(request, head, prepared, variables)
                if passage is not None:
                    return replace(passage, facts=tally.passed(passage.subgraph) if self._tells else None)
            context = ExecutionContext(
                self._transport,
                generation.targets(request, head),
                generation.introspect,
                generation.max_entities,
                self._mask_errors,
                deadline - self._margin,
                request.request_id,
                tally.asked,
            )
            if self._shares or prepared.introspects:
                result = await self._rarer(generation, request, known, context, deadline)
            else:
                result = await prepared.executable.execute(variables, context)
            return self._written(result, head, tally)
        except Exception as error:  # noqa: BLE001 - every request is answered
            return self._refusal(request, head, error, tally)
        finally:
            if generation is not None:
                generation.release()

    async def _prepare(
        self, request: HttpRequest, head: Head, generation: Generation, tally: Tally, deadline: float
    ) -> tuple[Prepared, dict[str, Any]]:
        """The plan of what a request asks for, and its variables, coerced."""
        asked = read_request(request, head, self._settings)
        key = PlanKey(asked.document, asked.operation_name, generation.labels(request))
        prepared = generation.recall(key)
        recalled = prepared is not None
        if prepared is None:
            tally.plan_cache = MISS
            prepared = await self._in_time(lambda: generation.plan(key), deadline)
        tally.prepared = prepared
        if prepared.introspects or prepared.mutates:
            self._check_allowed(prepared, asked)
        variables = prepared.executable.coerce(asked.variables)
        if recalled and request.method == "POST":
            # What a body asks for says nothing about a GET that has one, too.
            generation.remember(request.body, prepared, variables)
        return prepared, variables

    def _read_head(self, headers: Mapping[str, Sequence[str]]) -> Head:
        """Read headers, and remember them by their identity: the host gives the same mapping again, if it can."""
        head = Head(headers)
        if not head.is_short:
            return head
        if len(self._heads) >= _MOST_HEADS:
            self._heads.clear()
        # It holds the mapping, so its identity stays its own.
        self._heads[id(headers)] = head
        return head

    def too_large(self, length: int) -> HttpResponse | None:
        """
        The answer to a request whose body need not even be read; None: read it.

        Args:
            length: What its Content-Length says, in bytes.
        """
        if length <= self._settings.limits.max_body_size:
            return None
        return refusal((body_too_large(self._settings.limits),))

    async def _rarer(
        self,
        generation: Generation,
        request: HttpRequest,
        known: tuple[Prepared, dict[str, Any]],
        context: ExecutionContext,
        deadline: float,
    ) -> Result:
        """Execute what others may have a part in, or what needs a timer."""
        prepared, variables = known
        executable = prepared.executable

        def execute() -> Coroutine[Any, Any, Result]:
            return executable.execute(variables, context)

        def shared() -> Coroutine[Any, Any, Result]:
            if prepared.mutates:
                return self._sharing.alone(execute)
            # One plan, and so its tier, is that of one operation and one set of labels. The key holds it, so that no
            # other can have its identity.
            plan = (generation, executable.tier)
            return self._sharing.result(sharing_key(request, plan, variables), execute)

        begin = shared if self._shares else execute
        # Every fetch has its own time, which ends before the deadline does; the builder's answers have not.
        return await (self._in_time(begin, deadline) if prepared.introspects else begin())

    def _written(self, result: Result, head: Head, tally: Tally) -> HttpResponse:
        errors = result.errors
        if result.stream is not None:
            raise FederationError(UNSUPPORTED_OPERATION, "Answers that come in parts are not supported.")
        if errors:
            tally.failed(errors)
            body = write_json({"errors": errors, "data": result.data})
        else:
            body = write_json({"data": result.data}) if result.body is None else result.body
            if tally.prepared is not None:
                tally.prepared.sizes.last = len(body)
        return HttpResponse(200, head.answer_headers, body, tally.facts(len(body)) if self._tells else None)

    def _in_time(self, begin: Callable[[], Coroutine[Any, Any, _Awaited]], deadline: float) -> asyncio.Task[_Awaited]:
        """Wait for something until the deadline, in a task, which a timer needs; both cost more than most requests."""
        # Of a task that is cancelled before its first turn, nothing is begun.
        return asyncio.get_running_loop().create_task(self._wait_in_time(begin, deadline))

    async def _wait_in_time(self, begin: Callable[[], Coroutine[Any, Any, _Awaited]], deadline: float) -> _Awaited:
        try:
            async with asyncio.timeout(deadline - monotonic()) as limit:
                return await begin()
        except TimeoutError:
            if not limit.expired():
                raise
            if self._generation is None:
                raise FederationError(SERVICE_UNAVAILABLE, "the supergraph is still being loaded") from None
            raise FederationError(GATEWAY_TIMEOUT, "the deadline has passed") from None

    def _check_allowed(self, prepared: Prepared, asked: GraphqlRequest) -> None:
        operations = self._settings.operations
        if prepared.mutates:
            if not operations.mutations:
                raise FederationError(MUTATION_FORBIDDEN, "Mutations are switched off for this graph.")
            if asked.safe:
                raise FederationError(METHOD_NOT_ALLOWED, "Mutations cannot be sent with GET; send them with POST.")
        if prepared.introspects and not operations.introspection:
            message = "Introspection is switched off for this graph: __schema and __type are not answered."
            raise FederationError(INTROSPECTION_DISABLED, message)

    def _refusal(self, request: HttpRequest, head: Head, error: Exception, tally: Tally) -> HttpResponse:
        errors: Sequence[FederationError]
        if isinstance(error, FederationErrors):
            errors = error.errors
        elif isinstance(error, FederationError):
            errors = (error,)
        else:
            # Its text stays in the log.
            _LOG.error("request %s failed", request.request_id or "without an id", exc_info=error)
            errors = (FederationError(INTERNAL_SERVER_ERROR, "see the log"),)
        tally.errors, tally.error_code = len(errors), errors[0].code.name
        # A GET may be refused for its method because it carries a mutation.
        allow = [method for method in allowed_methods(self._settings) if method != request.method]
        response = refusal(errors, head.media_type or JSON, allow)
        assert isinstance(response.body, bytes)
        return response.telling(tally.facts(len(response.body))) if self._tells else response


def _store(settings: Settings, runtime_directory: Path) -> StoreOptions | None:
    store = settings.planning.store
    if not store.enabled:
        return None
    directory = runtime_directory / "plans" if store.path is None else Path(store.path)
    return StoreOptions(directory.absolute(), store.max_bytes)
