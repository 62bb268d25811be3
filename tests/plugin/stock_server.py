"""Kong's side of the MessagePack protocol, as far as these tests need it."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import msgpack

ROOT = Path(__file__).parents[2]
SOCKET = "python_pluginserver.sock"


@dataclass
class Request:
    """What Kong knows of a client's request; answers PDK calls."""

    method: str = "POST"
    headers: dict = field(default_factory=dict)
    query: str = ""
    body: bytes = b""
    calls: list = field(default_factory=list)
    consumer: dict | None = None
    shared: dict = field(default_factory=dict)
    told: dict = field(default_factory=dict)

    def answer(self, method, arguments):
        self.calls.append((method, arguments))
        match method:
            case "kong.request.get_method":
                return self.method
            case "kong.request.get_headers":
                return {name: [value] for name, value in self.headers.items()}
            case "kong.request.get_raw_query":
                return self.query
            case "kong.request.get_raw_body":
                assert arguments == [0], "without it a body in a file breaks the call"
                return self.body
            case "kong.nginx.get_var":
                return "0123456789abcdef"
            case "kong.client.get_consumer":
                return self.consumer
            case "kong.client.get_credential":
                return {"id": "k-1", "key": "secret"} if self.consumer else None
            case "kong.ctx.shared.get":
                return self.shared.get(*arguments)
            case "kong.ctx.shared.set" | "kong.log.set_serialize_value":
                self.told[method] = arguments
                return None
        raise AssertionError(f"Kong has no {method}")


class Kong:
    """One connection to a plugin server."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(30)
        self._socket.connect(str(path))
        self._unpacker = msgpack.Unpacker()
        self._number = 0

    def call(self, method, argument):
        self._number += 1
        self._socket.sendall(msgpack.packb([0, self._number, f"plugin.{method}", [argument]]))
        while True:
            data = self._socket.recv(65_536)
            assert data, "the plugin server hung up"
            self._unpacker.feed(data)
            for _, number, error, result in self._unpacker:
                assert number == self._number
                assert error is None, error
                return result

    def start_instance(self, config):
        argument = {"Name": "graphql-federation", "Config": json.dumps(config)}
        return self.call("StartInstance", argument)["Id"]

    def access(self, instance, request):
        """Status, headers and body of what the plugin exits with."""
        step = self.call("HandleEvent", {"InstanceId": instance, "EventName": "access"})
        while True:
            call = step["Data"]
            assert call != "ret", "the request would have been let pass"
            if call["Method"] == "kong.response.exit":
                status, body, headers = call["Args"]
                return status, headers, body
            answer = request.answer(call["Method"], call["Args"])
            step = self.call("Step", {"EventId": step["EventId"], "Data": answer})

    def close(self):
        self._socket.close()


@contextlib.contextmanager
def stock_server(prefix, *flags):
    """The path of the socket of a running `kong-python-pluginserver` that serves the project's plugin."""
    # Kong gives its plugin server an empty environment.
    environment = {"KONG_FEDERATION_RUNTIME_DIRECTORY": str(prefix / "run")}
    program = Path(sys.executable).parent / "kong-python-pluginserver"
    command = [program, *flags, "--plugins-directory", ROOT / "plugins", "--kong-prefix", prefix]
    with subprocess.Popen(list(map(os.fspath, command)), env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            path = prefix / SOCKET
            end = time.monotonic() + 30
            while not path.exists():
                assert process.poll() is None, "the plugin server did not start"
                assert time.monotonic() < end
                time.sleep(0.05)
            yield path
        finally:
            process.kill()
