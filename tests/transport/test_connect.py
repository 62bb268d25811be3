"""Names, addresses and TLS."""

import asyncio
import socket
import ssl
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from kong_federation.errors import FederationError
from kong_federation.transport import SubgraphPolicy, SubgraphRequest
from kong_federation.transport.address import Origin
from kong_federation.transport.connect import Connector
from kong_federation.transport.errors import TransportError, Trouble
from tests.transport.scripted import plain, serving

CERTIFICATES = Path(__file__).parent / "certificates"
OK = plain(b"{}")


def request(url: str, *, timeout: float = 5.0) -> SubgraphRequest:
    return SubgraphRequest("shop", url, (), b"{}", timeout)


async def failure(future) -> FederationError:
    with pytest.raises(FederationError) as raised:
        await future
    return raised.value


@pytest.fixture
def names(monkeypatch):
    """What names lead to, and the searches that were made."""
    known: dict[str, list[str]] = {}
    searched: list[str] = []

    async def resolve(host, _port, _lookups):
        searched.append(host)
        await asyncio.sleep(0.01)
        if host not in known:
            raise socket.gaierror(socket.EAI_NONAME, "secret")
        return tuple(known[host])

    monkeypatch.setattr("kong_federation.transport.connect._resolve", resolve)
    return SimpleNamespace(known=known, searched=searched)


async def test_a_name_is_looked_up_once_for_many_connections(transports, names):
    names.known["shop.test"] = ["127.0.0.1"]
    transport = transports(policy=SubgraphPolicy(deduplicate=False))
    async with serving(OK) as server:
        url = f"http://shop.test:{server.port}/"
        await asyncio.gather(*(transport.send(request(url)) for _ in range(5)))
    assert server.connections == 5
    assert names.searched == ["shop.test"]


async def test_names_are_forgotten_after_a_while(names, monkeypatch):
    names.known["shop.test"] = ["127.0.0.1"]
    monkeypatch.setattr("kong_federation.transport.connect.NAMES_TTL", 0.02)
    connector = Connector()
    async with serving(OK) as server:
        for _ in range(3):
            await _open_and_close(connector, Origin(tls=False, host="shop.test", port=server.port))
            await asyncio.sleep(0.03)
    await connector.close()
    assert len(names.searched) == 3


async def test_a_name_is_looked_up_again_when_its_addresses_were_of_no_use(names):
    names.known["shop.test"] = ["127.0.0.1"]
    connector = Connector()
    origin = Origin(tls=False, host="shop.test", port=unused_port())
    for _ in range(2):
        with pytest.raises(TransportError) as raised:
            await connector.connect(origin, asyncio.Protocol, 1.0)
        assert raised.value.trouble is Trouble.NOT_CONNECTED
    await connector.close()
    assert len(names.searched) == 2


async def test_addresses_are_tried_in_order(names):
    names.known["shop.test"] = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    connector = Connector()
    with socket.socket() as taken:
        # Nobody else can listen there, or come from there, meanwhile.
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.2", port):
            protocol = await _open_and_close(connector, Origin(tls=False, host="shop.test", port=port))
    await connector.close()
    assert protocol.peer[0] == "127.0.0.2"


async def test_no_address_takes_the_time_of_the_others(names, monkeypatch):
    names.known["shop.test"] = ["127.0.0.9", "127.0.0.1"]
    connector = Connector()
    reach = Connector._open

    async def swallow(self, origin, address, protocol, tls):
        if address == "127.0.0.9":
            await asyncio.sleep(60)
        return await reach(self, origin, address, protocol, tls)

    monkeypatch.setattr(Connector, "_open", swallow)
    async with serving(OK) as server:
        protocol = await _open_and_close(connector, Origin(tls=False, host="shop.test", port=server.port), seconds=0.4)
    await connector.close()
    assert protocol.peer[0] == "127.0.0.1"


async def test_an_unknown_name(transport, names):
    error = await failure(transport.send(request("http://shop.test:1234/")))
    assert error.message == "The name shop.test:1234 is not known."
    assert names.searched == ["shop.test"]


async def test_those_who_give_up_leave_the_search_to_the_others(names):
    names.known["shop.test"] = ["127.0.0.1"]
    connector = Connector()
    async with serving(OK) as server:
        origin = Origin(tls=False, host="shop.test", port=server.port)
        first = asyncio.create_task(connector.connect(origin, Kept, 1.0))
        second = asyncio.create_task(_open_and_close(connector, origin))
        await asyncio.sleep(0)
        first.cancel()
        await second
        with pytest.raises(asyncio.CancelledError):
            await first
    await connector.close()
    assert names.searched == ["shop.test"]


async def test_the_loops_own_search(transport):
    async with serving(OK) as server:
        assert (await transport.send(request(f"http://localhost:{server.port}/"))).status == 200
    assert b"\r\nhost: localhost:%d\r\n" % server.port in server.requests[0]


async def test_connecting_has_a_time_of_its_own(transports, monkeypatch):
    async def stall(*_):
        await asyncio.sleep(60)

    monkeypatch.setattr(Connector, "_open", stall)
    policies = {"shop": SubgraphPolicy(connect_timeout=0.02)}
    transport = transports(policy=SubgraphPolicy(connect_timeout=30), policies=policies)
    error = await failure(transport.send(request("http://127.0.0.1:9/", timeout=30)))
    assert error.code.name == "SUBREQUEST_TIMEOUT"
    assert error.message == "No connection to 127.0.0.1:9 could be made in time."


# --- TLS ---


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "localhost.pem")
    return context


def client_context() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(CERTIFICATES / "authority.pem"))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_tls(transports, host):
    transport = transports(tls=client_context())
    body = b"x" * 90_000
    async with serving(plain(body), tls=server_context()) as server:
        for _ in range(3):
            assert (await transport.send(request(f"https://{host}:{server.port}/"))).body == body
    assert server.connections == 1


async def test_a_body_that_ends_with_an_encrypted_connection(transports):
    async def until_closed(connection) -> None:
        await connection.write(b'HTTP/1.1 200 OK\r\n\r\n{"a":1}')
        connection.writer.close()

    transport = transports(tls=client_context())
    async with serving(until_closed, tls=server_context()) as server:
        assert (await transport.send(request(f"https://localhost:{server.port}/"))).body == b'{"a":1}'


async def test_a_certificate_nobody_vouches_for(transport):
    async with serving(OK, tls=server_context()) as server:
        error = await failure(transport.send(request(f"https://localhost:{server.port}/")))
    assert error.message == f"No TLS connection to localhost:{server.port} could be made."
    assert not server.requests


async def test_a_certificate_for_another_name(transports, names):
    names.known["shop.test"] = ["127.0.0.1"]
    transport = transports(tls=client_context())
    async with serving(OK, tls=server_context()) as server:
        error = await failure(transport.send(request(f"https://shop.test:{server.port}/")))
    assert "No TLS connection" in error.message
    assert not server.requests


async def test_a_handshake_that_never_ends(transports):
    async def stall(_connection) -> None:
        await asyncio.sleep(60)

    transport = transports(tls=client_context(), policy=SubgraphPolicy(connect_timeout=0.05))
    async with serving(stall, reads=False) as server:
        error = await failure(transport.send(request(f"https://127.0.0.1:{server.port}/")))
    assert error.message.endswith("could be made in time.")


def unused_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


class Kept(asyncio.Protocol):
    peer = None
    transport = None

    def __init__(self) -> None:
        self.gone = asyncio.get_running_loop().create_future()

    def connection_made(self, transport) -> None:
        self.transport = transport
        self.peer = transport.get_extra_info("peername")

    def connection_lost(self, exc) -> None:
        self.gone.set_result(None)


async def _open_and_close(connector: Connector, origin: Origin, *, seconds: float = 1.0) -> Kept:
    protocol = await connector.connect(origin, Kept, seconds)
    protocol.transport.close()
    await protocol.gone
    return protocol


async def test_a_silent_name_server_keeps_no_threads_of_others(monkeypatch):
    silence = threading.Event()

    def look_up(*_arguments, **_options):
        silence.wait(20)
        raise socket.gaierror(socket.EAI_AGAIN, "silent")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    connector = Connector()
    waiting = [
        asyncio.ensure_future(connector.connect(Origin(tls=False, host=f"h{n}.test", port=80), asyncio.Protocol, 20))
        for n in range(100)
    ]
    await asyncio.sleep(0.05)
    try:
        async with asyncio.timeout(5):
            assert await asyncio.to_thread(lambda: "at once") == "at once"
        for one in waiting[:50]:
            one.cancel()
    finally:
        silence.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(one) for one in outcomes} == {asyncio.CancelledError, TransportError}
    await connector.close()
