import asyncio
import gzip
import socket
import tracemalloc
import zlib

import pytest

from kong_federation.errors import FederationError
from kong_federation.transport import HttpTransport, SubgraphRequest
from tests.transport.conftest import LIMIT
from tests.transport.scripted import Connection, plain, serving


def request(url: str, *, timeout: float = 5.0, body: bytes = b"{}", headers: tuple = ()) -> SubgraphRequest:
    return SubgraphRequest("shop", url, (("content-type", "application/json"), *headers), body, timeout)


async def failure(transport: HttpTransport, sent: SubgraphRequest) -> FederationError:
    with pytest.raises(FederationError) as raised:
        await transport.send(sent)
    return raised.value


async def test_request_and_answer(transport):
    async with serving(plain(b'{"data":1}', "200 OK", b"X-One: a", b"x-one: b", b"X-Raw: caf\xe9")) as server:
        sent = request(server.url, body=b'{"query":"{a}"}', headers=(("x-utf8", "cafÃ©"), ("x-tail", "t")))
        answer = await transport.send(sent)
    assert (answer.status, answer.body) == (200, b'{"data":1}')
    assert answer.headers[1:] == (("x-one", "a"), ("x-one", "b"), ("x-raw", "caf\xe9"))
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert body == b'{"query":"{a}"}'
    assert head.startswith(b"POST /graphql HTTP/1.1\r\n")
    assert b"\r\nx-utf8: caf\xc3\xa9\r\n" in head
    assert b"\r\nx-tail: t" in head


@pytest.mark.parametrize(("given", "sent"), [((), b"kong-federation"), ((("user-agent", "mine"),), b"mine")])
async def test_the_user_agent(transport, given, sent):
    async with serving(plain(b"{}")) as server:
        await transport.send(request(server.url, headers=given))
    lines = [one for one in server.requests[0].split(b"\r\n") if one.lower().startswith(b"user-agent:")]
    assert [one.split(b": ")[1] for one in lines] == [sent]


@pytest.mark.parametrize(
    ("headers", "request_id", "sent"),
    [((), "7", [b"7"]), ((), "", []), ((("x-kong-request-id", "8"),), "7", [b"8"])],
)
async def test_the_request_id(transport, headers, request_id, sent):
    async with serving(plain(b"{}")) as server:
        await transport.send(SubgraphRequest("shop", server.url, headers, b"{}", 5.0, request_id=request_id))
    lines = [one for one in server.requests[0].split(b"\r\n") if one.startswith(b"x-kong-request-id:")]
    assert [one.split(b": ")[1] for one in lines] == sent


async def test_requests_of_one_tuple_have_ids_of_their_own(transport):
    headers = (("a", "b"),)
    async with serving(plain(b"{}")) as server:
        for one in ("", "1", "2", ""):
            await transport.send(SubgraphRequest("shop", server.url, headers, b"{}", 5.0, request_id=one))
    heads = [one.split(b"content-length")[0] for one in server.requests]
    assert heads[0] == heads[3]
    assert heads[1:3] == [heads[0] + b"x-kong-request-id: %b\r\n" % one for one in (b"1", b"2")]


async def test_headers_of_the_connection_are_not_sent(transport):
    async with serving(plain(b"{}")) as server:
        await transport.send(request(server.url, headers=(("connection", "close"), ("content-length", "7"))))
    head = server.requests[0].lower()
    assert b"connection: close" not in head
    assert head.count(b"content-length:") == 1
    assert b"content-length: 2" in head


async def test_a_connection_is_used_again(transport):
    async with serving(plain(b"{}")) as server:
        for _ in range(3):
            await transport.send(request(server.url))
    assert (server.connections, len(server.requests)) == (1, 3)


async def test_a_connection_that_the_subgraph_closed_meanwhile_is_not_used(transport):
    async def once(connection: Connection) -> None:
        await connection.write(plain(b"{}"))
        connection.writer.close()

    async with serving(once) as server:
        for _ in range(3):
            assert (await transport.send(request(server.url))).status == 200
            await asyncio.sleep(0.01)
    assert server.connections == 3


async def test_cookies_are_forgotten(transport):
    async with serving(plain(b"{}", "200 OK", b"Set-Cookie: a=b")) as server:
        for _ in range(2):
            await transport.send(request(server.url))
    assert all(b"cookie" not in one.lower() for one in server.requests)


async def test_proxies_of_the_environment_are_not_used(transport, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with serving(plain(b"{}")) as server:
        assert (await transport.send(request(server.url))).status == 200


async def test_a_redirect_is_an_answer(transport):
    async with serving(plain(b"", "302 Found", b"Location: /elsewhere")) as server:
        assert (await transport.send(request(server.url))).status == 302
    assert len(server.requests) == 1


async def test_interim_answers_are_skipped(transport):
    async with serving(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + plain(b"{}")) as server:
        assert (await transport.send(request(server.url))).body == b"{}"


async def test_chunks(transport):
    text = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{"\r\n3;x=y\r\na":\r\n2\r\n1}\r\n0\r\n\r\n'

    async def slowly(connection: Connection) -> None:
        for at in range(0, len(text), 7):
            await connection.write(text[at : at + 7])
            await asyncio.sleep(0)

    async with serving(slowly) as server:
        for _ in range(2):
            assert (await transport.send(request(server.url))).body == b'{"a":1}'
    assert server.connections == 1


async def test_a_body_that_ends_with_the_connection(transport):
    async def until_closed(connection: Connection) -> None:
        await connection.write(b'HTTP/1.1 200 OK\r\n\r\n{"a":1}')
        connection.writer.close()

    async with serving(until_closed) as server:
        assert (await transport.send(request(server.url))).body == b'{"a":1}'


@pytest.mark.parametrize(
    ("encoding", "packed"), [(b"gzip", gzip.compress(b'{"a":1}')), (b"deflate", zlib.compress(b'{"a":1}'))]
)
async def test_compressed(transport, encoding, packed):
    async with serving(plain(packed, "200 OK", b"Content-Encoding: " + encoding)) as server:
        assert (await transport.send(request(server.url))).body == b'{"a":1}'
    assert b"\r\naccept-encoding: identity\r\n" in server.requests[0].lower()


async def test_a_large_request(transport):
    body = b" " * 3_000_000 + b"{}"
    async with serving(plain(b"{}")) as server:
        await transport.send(request(server.url, body=body))
    assert server.requests[0].endswith(body)


async def test_an_answer_of_just_the_limit(transport):
    async with serving(plain(b" " * LIMIT)) as server:
        assert len((await transport.send(request(server.url))).body) == LIMIT


async def test_too_large(transport):
    async with serving(plain(b" " * LIMIT * 100)) as server:
        error = await failure(transport, request(server.url))
        assert error.code.name == "SUBREQUEST_TOO_LARGE"
        assert str(LIMIT) in error.message
        # The connection with the unread rest is not used again.
        await failure(transport, request(server.url))
    assert server.connections == 2


async def test_a_compressed_bomb_does_not_fill_the_memory(transport):
    bomb = gzip.compress(b" " * 60_000_000, 9)
    async with serving(plain(bomb, "200 OK", b"Content-Encoding: gzip")) as server:
        tracemalloc.start()
        error = await failure(transport, request(server.url))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert error.code.name == "SUBREQUEST_TOO_LARGE"
    assert peak < 20_000_000


async def closes_at_once(connection: Connection) -> None:
    connection.writer.close()


async def closes_in_the_body(connection: Connection) -> None:
    await connection.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    connection.writer.close()


async def closes_in_a_chunk(connection: Connection) -> None:
    await connection.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf")
    connection.writer.close()


async def resets(connection: Connection) -> None:
    connection.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.writer.transport.abort()


@pytest.mark.parametrize(
    "script",
    [
        closes_at_once,
        closes_in_the_body,
        closes_in_a_chunk,
        resets,
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Huge: " + b"x" * 100_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: y\r\n" % at for at in range(5000)) + b"content-length: 0\r\n\r\n",
        plain(b"not gzip at all", "200 OK", b"Content-Encoding: gzip"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_broken_answers(transport, script):
    async with serving(script) as server:
        error = await failure(transport, request(server.url))
        assert error.code.name == "SUBREQUEST_HTTP_ERROR"
        assert f"127.0.0.1:{server.port}" in error.message


async def test_headers_of_some_size_pass(transport):
    async with serving(plain(b"{}", "200 OK", b"X-Trace: " + b"x" * 20_000)) as server:
        assert (await transport.send(request(server.url))).status == 200


@pytest.mark.parametrize(
    "beginning", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"]
)
async def test_too_slow(transport, beginning):
    async def stall(connection: Connection) -> None:
        await connection.write(beginning)
        await asyncio.sleep(60)

    async with serving(stall) as server:
        error = await failure(transport, request(server.url, timeout=0.05))
    assert error.code.name == "SUBREQUEST_TIMEOUT"
    assert "0.05 s" in error.message


async def test_nobody_listens(transport):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    error = await failure(transport, request(f"http://user:secret@127.0.0.1:{port}/?key=secret"))
    assert error.code.name == "SUBREQUEST_HTTP_ERROR"
    assert f"127.0.0.1:{port}" in error.message
    assert "secret" not in error.message


@pytest.mark.parametrize(
    "url", ["http://no-such-host.invalid/", "no url", "http://", "http://[1/", "ftp://127.0.0.1/", "http://a b:x/"]
)
async def test_addresses_that_lead_nowhere(transport, url):
    assert (await failure(transport, request(url))).code.name == "SUBREQUEST_HTTP_ERROR"


async def test_a_header_cannot_smuggle_another(transport):
    async with serving(plain(b"{}")) as server:
        error = await failure(transport, request(server.url, headers=(("x", "a\r\nx-evil: 1"),)))
        smuggled = SubgraphRequest("shop", server.url, (), b"{}", 5.0, request_id="a\r\nx-evil: 1")
        assert (await failure(transport, smuggled)).code is error.code
    assert error.code.name == "SUBREQUEST_HTTP_ERROR"
    assert not server.requests


async def test_plain_text_where_tls_is_expected(transport):
    def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        error = await failure(transport, request(f"https://127.0.0.1:{port}/"))
    assert error.code.name == "SUBREQUEST_HTTP_ERROR"


async def test_nothing_is_sent_after_close(transport):
    async with serving(plain(b"{}")) as server:
        await transport.send(request(server.url))
        await transport.close()
        assert (await failure(transport, request(server.url))).code.name == "SUBREQUEST_HTTP_ERROR"
    await transport.close()
