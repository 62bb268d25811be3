"""Kong's end of one connection, in memory: a transport that keeps what the session writes, and answers PDK calls."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from kong_federation.gateway import HttpRequest, HttpResponse
from kong_federation.kong import (
    FUNCTIONS,
    Exit,
    FrameReader,
    HandleEvent,
    InstanceStarted,
    RawBody,
    StartInstance,
    decode_answer,
    encode_call,
    frame,
)
from kong_federation.pluginserver.session import Session

REQUEST = {
    "kong.request.get_method": "POST",
    "kong.request.get_raw_query": "",
    "kong.request.get_headers": {"content-type": "application/json", "x-name": "caf\xe9"},
    "kong.request.get_raw_body": RawBody(content=b'{"query":"{a}"}'),
    "kong.nginx.req_start_time": 1e10,
    "kong.nginx.get_var": "b55f5f0d1bc813098bcbe461fff74902",
}


class Transport(asyncio.Transport):
    """Keeps what is written, frame by frame."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[bytes] = []
        self.writes = 0
        self.closed = self.hung_up = False
        self._reader = FrameReader()

    def write(self, data: bytes) -> None:
        assert not self.closed, "written after the end"
        self.writes += 1
        self.frames += self._reader.feed(data)

    def write_eof(self) -> None:
        self.hung_up = True

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


class Kong:
    """One connection of Kong's."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.transport = Transport()
        self.calls: list[tuple[str, bytes]] = []
        session.connection_made(self.transport)

    def send(self, content: bytes) -> None:
        self.session.data_received(frame(content))

    def start(self, configuration: bytes = b"{}") -> int:
        self.send(encode_call(StartInstance(1, "graphql-federation", configuration)))
        answer = decode_answer(self.transport.frames.pop(0))
        assert isinstance(answer, InstanceStarted)
        return answer.instance

    def event(self, instance: int, phase: str = "access") -> None:
        self.send(encode_call(HandleEvent(7, instance, phase)))

    def leave(self) -> None:
        self.session.connection_lost(None)

    def new_calls(self) -> list[tuple[str, bytes]]:
        """PDK calls that were not answered yet; `exit` is never answered."""
        calls = []
        frames = self.transport.frames
        while len(frames) > 1 and frames[0] not in {b"", b"kong.response.exit"}:
            calls.append((frames.pop(0).decode(), frames.pop(0)))
        return calls

    def exit(self) -> Exit | None:
        """What the client got."""
        frames = self.transport.frames
        if len(frames) < 2 or frames[0] != b"kong.response.exit":
            return None
        assert len(frames) == 2, "something was written after the exit"
        decoded = FUNCTIONS["kong.response.exit"].argument.decode(frames[1])
        assert isinstance(decoded, Exit)
        return decoded

    @property
    def over(self) -> bool:
        return self.transport.closed or self.exit() is not None or self.transport.frames[:1] == [b""]

    async def serve(self, request: Mapping[str, object] = REQUEST, seconds: float = 2.0) -> Exit | None:
        """Answer PDK calls until the event is over."""
        async with asyncio.timeout(seconds):
            while not self.over:
                await asyncio.sleep(0)
                for function, argument in self.new_calls():
                    self.calls.append((function, argument))
                    result = request[function]
                    self.send(result if isinstance(result, bytes) else FUNCTIONS[function].result.encode(result))
        return self.exit()


class Gateway:
    """A gateway whose behaviour is given."""

    def __init__(self) -> None:
        self.requests: list[HttpRequest] = []
        self.reached = asyncio.Event()
        self.started = 0
        self.closed = 0
        self.cancelled = 0
        self.response: HttpResponse | BaseException = HttpResponse(
            200, (("content-type", "application/json"), ("x-a", "1"), ("x-a", "2")), b'{"data":null}'
        )
        self.gate: asyncio.Event | None = None

    def start(self) -> None:
        self.started += 1

    def refresh(self) -> None:
        pass

    async def handle(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        self.reached.set()
        if self.gate is not None:
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        if isinstance(self.response, BaseException):
            raise self.response
        return self.response

    async def close(self) -> None:
        self.closed += 1
