"""Kong's end of real connections, blocking, for any number of threads; does with a lost instance what Kong does."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from pathlib import Path

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

CONFIGURATION = b'{"supergraph":{"sdl":"type Query { a: Int }"},"__seq__":1}'


class Client:
    def __init__(
        self, path: Path, configuration: bytes = CONFIGURATION, headers: Mapping[str, str] | None = None
    ) -> None:
        self.headers = dict(headers or {})
        self.path = path
        self.configuration = configuration
        self.instance: int | None = None
        self.starts = 0
        self.pause = 0.0  # seconds before an event is sent again; Kong takes none

    def ask(self, body: bytes, request_id: str = "1", started: float = 0.0) -> Exit:
        """One request; raises ConnectionError where Kong would answer 500."""
        while True:
            instance = self.instance
            if instance is None:
                instance = self.instance = self.start()
            answer = self._event(instance, body, request_id, started)
            if answer is not None:
                return answer
            if self.instance == instance:  # another thread's request may have started one meanwhile
                self.instance = None
            time.sleep(self.pause)

    def start(self) -> int:
        self.starts += 1
        with self.connection() as stream:
            stream.sendall(frame(encode_call(StartInstance(1, "graphql-federation", self.configuration))))
            answer = decode_answer(_frames(stream, FrameReader(), 1)[0])
        assert isinstance(answer, InstanceStarted)
        return answer.instance

    def connection(self) -> socket.socket:
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stream.settimeout(30)
        try:
            stream.connect(str(self.path))
        except OSError:
            stream.close()
            raise
        return stream

    def _event(self, instance: int, body: bytes, request_id: str, started: float) -> Exit | None:
        results = {
            "kong.request.get_raw_body": RawBody(content=body),
            "kong.request.get_headers": self.headers,
            "kong.request.get_method": "POST",
            "kong.nginx.get_var": request_id,
            "kong.nginx.req_start_time": started or time.time(),
        }
        with self.connection() as stream:
            reader = FrameReader()
            stream.sendall(frame(encode_call(HandleEvent(2, instance, "access"))))
            waiting: list[bytes] = []
            while True:
                while len(waiting) < 2:
                    received = _frames(stream, reader, 1)
                    if not received:
                        return None
                    waiting += received
                function, argument = waiting.pop(0).decode(), waiting.pop(0)
                if function == "kong.response.exit":
                    answer = FUNCTIONS[function].argument.decode(argument)
                    assert isinstance(answer, Exit)
                    return answer
                known = function in results  # what is only told has an empty result
                stream.sendall(frame(FUNCTIONS[function].result.encode(results[function]) if known else b""))


def _frames(stream: socket.socket, reader: FrameReader, least: int) -> list[bytes]:
    """At least so many frames; none if the server has closed."""
    found: list[bytes] = []
    while len(found) < least:
        data = stream.recv(65536)
        if not data:
            return []
        found += reader.feed(data)
    return found
