"""Which connection a request goes over, and what happens when one ends at the wrong time."""

import asyncio
import socket

import pytest

from kong_federation.errors import FederationError
from kong_federation.strands import Strand
from kong_federation.transport import SubgraphPolicy, SubgraphRequest
from kong_federation.transport.connection import Connection as Connected
from tests.transport.scripted import Connection, plain, serving

OK = plain(b"{}")
NOT_SHARED = SubgraphPolicy(connect_timeout=1.0, deduplicate=False)


def query(url: str, *, timeout: float = 5.0, body: bytes = b"{}") -> SubgraphRequest:
    return SubgraphRequest("shop", url, (), body, timeout, safe=True)


def mutation(url: str, *, timeout: float = 5.0, body: bytes = b"{}") -> SubgraphRequest:
    return SubgraphRequest("shop", url, (), body, timeout)


async def code(future) -> str:
    with pytest.raises(FederationError) as raised:
        await future
    return raised.value.code.name


async def message(future) -> str:
    with pytest.raises(FederationError) as raised:
        await future
    return raised.value.message


def pool_of(transport):
    (pool,) = transport._pools.values()
    return pool


async def until(condition) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for are insides that ring no bell
            await asyncio.sleep(0.002)


class Gate:
    """A script that answers when it is told to."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.waiting = 0

    async def __call__(self, connection: Connection) -> None:
        self.waiting += 1
        await self.open.wait()
        await connection.write(OK)


# --- Which connection ---


async def test_the_last_used_is_used_first(transports):
    transport = transports(policy=NOT_SHARED)
    gate = Gate()
    async with serving(gate) as server:
        three = [transport.send(query(server.url)) for _ in range(3)]
        await until(lambda: gate.waiting == 3)
        gate.open.set()
        await asyncio.gather(*three)
        last = pool_of(transport)._idle[-1]
        for _ in range(3):
            await transport.send(query(server.url))
            assert pool_of(transport)._idle[-1] is last
    assert server.connections == 3


async def test_requests_beyond_the_limit_of_a_host_wait(transports):
    transport = transports(connections_per_host=2)
    async with serving(OK) as server:
        answers = await asyncio.gather(*(transport.send(mutation(server.url)) for _ in range(20)))
    assert [answer.status for answer in answers] == [200] * 20
    assert server.connections == 2


async def test_not_too_many_wait(transports):
    transport = transports(connections_per_host=1, waiting_per_host=2)
    gate = Gate()
    async with serving(gate) as server:
        first = transport.send(mutation(server.url))
        await until(lambda: gate.waiting == 1)
        others = [transport.send(mutation(server.url)) for _ in range(2)]
        assert "Too many requests wait" in await message(transport.send(mutation(server.url)))
        gate.open.set()
        await asyncio.gather(first, *others)


async def test_those_who_have_gone_do_not_count_among_those_who_wait(transports):
    transport = transports(connections_per_host=1, waiting_per_host=1)
    gate = Gate()
    async with serving(gate) as server:
        first = transport.send(mutation(server.url))
        await until(lambda: gate.waiting == 1)
        transport.send(mutation(server.url)).cancel()
        await until(lambda: not pool_of(transport)._waiting)
        third = transport.send(mutation(server.url))
        gate.open.set()
        await asyncio.gather(first, third)
    assert len(server.requests) == 2


async def test_one_who_waits_goes_when_its_time_is_over(transports):
    transport = transports(connections_per_host=1)
    gate = Gate()
    async with serving(gate) as server:
        first = transport.send(mutation(server.url))
        await until(lambda: gate.waiting == 1)
        assert await code(transport.send(mutation(server.url, timeout=0.02))) == "SUBREQUEST_TIMEOUT"
        gate.open.set()
        await first
    assert len(server.requests) == 1


async def test_hosts_do_not_wait_for_each_other(transports):
    transport = transports(connections_per_host=1)
    gate = Gate()
    async with serving(gate) as slow, serving(OK) as quick:
        first = transport.send(mutation(slow.url))
        assert (await transport.send(mutation(quick.url))).status == 200
        gate.open.set()
        await first


async def test_paths_of_a_host_share_connections(transport):
    async with serving(OK) as server:
        for path in ("a", "b?c=d"):
            await transport.send(mutation(f"http://127.0.0.1:{server.port}/{path}"))
    assert server.connections == 1
    assert [one.split(b" ")[1] for one in server.requests] == [b"/a", b"/b?c=d"]


async def test_unused_connections_are_closed(transports):
    transport = transports(keepalive_timeout=0.05)
    async with serving(OK) as server:
        await transport.send(mutation(server.url))
        pool = pool_of(transport)
        assert len(pool._idle) == 1
        await until(lambda: not pool._open)
        assert pool._taken == 0
        await transport.send(mutation(server.url))
    assert server.connections == 2


async def test_connections_that_must_not_be_kept_are_used_once(transports):
    transport = transports(keepalive_timeout=0.0)
    async with serving(OK) as server:
        for _ in range(3):
            assert (await transport.send(query(server.url))).status == 200
    assert server.connections == 3


async def unasked(transport, url: str) -> None:
    """Have a connection made that nobody waits for when it is there."""
    transport.send(query(url)).cancel()
    await until(lambda: transport._pools and pool_of(transport)._idle)


async def test_a_connection_that_nobody_waits_for_any_more_is_closed_like_others(transports, monkeypatch):
    transport = transports(keepalive_timeout=0.05)
    connect = transport._connector.connect

    async def late(*arguments):
        await asyncio.sleep(0.15)
        return await connect(*arguments)

    monkeypatch.setattr(transport._connector, "connect", late)
    async with serving(OK) as server:
        await unasked(transport, server.url)
        await until(lambda: not pool_of(transport)._open)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (b"timeout=5", 4),
        (b"timeout=5, max=100", 4),
        (b"max=100, Timeout = 3", 2),
        (b'timeout="7"', 6),
        (b"timeout=1", 0.5),
        (b"timeout=0", 0),
        (b"timeout=3600", 15),
        (b"max=5", 15),
        (b"nonsense", 15),
        (b"xtimeout=1", 15),
    ],
)
async def test_connections_are_kept_as_long_as_the_subgraph_says(transport, said, seconds):
    async with serving(plain(b"{}", "200 OK", b"Keep-Alive: " + said)) as server:
        await transport.send(mutation(server.url))
        now = asyncio.get_running_loop().time()
        kept = [connection.idle_until - now for connection in pool_of(transport)._idle]
        assert kept == pytest.approx([seconds], abs=0.45)


async def test_a_connection_that_is_to_be_closed_is_not_used_again(transport):
    async with serving(plain(b"{}", "200 OK", b"Connection: close")) as server:
        for _ in range(3):
            await transport.send(mutation(server.url))
    assert server.connections == 3


@pytest.mark.parametrize("rest", [b"garbage", OK, b"HTTP/1.1 408 Request Timeout\r\n\r\n"])
async def test_a_connection_with_more_than_its_answer_is_not_used_again(transport, rest):
    async with serving(OK + rest) as server:
        for _ in range(3):
            assert (await transport.send(mutation(server.url))).status == 200
    assert server.connections == 3


async def test_a_connection_that_speaks_unasked_is_not_used_again(transport):
    async def later(connection: Connection) -> None:
        await connection.write(OK)
        await asyncio.sleep(0.01)
        await connection.write(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")

    async with serving(later) as server:
        await transport.send(query(server.url))
        await until(lambda: not pool_of(transport)._open)
        assert (await transport.send(query(server.url))).status == 200
    assert server.connections == 2


# --- Stale connections ---


class Fickle:
    """Answers some requests of a connection, and then closes it when the next has come, or says half a word first."""

    def __init__(self, answers: int = 1, last_words: bytes = b"", *, reset: bool = False) -> None:
        self.answers = answers
        self.last_words = last_words
        self.reset = reset

    async def __call__(self, connection: Connection) -> None:
        connection.answered = getattr(connection, "answered", 0) + 1
        if connection.answered <= self.answers:
            await connection.write(OK)
            return
        await connection.write(self.last_words)
        if self.reset:
            linger = b"\1\0\0\0\0\0\0\0"
            connection.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            connection.writer.transport.abort()
        connection.writer.close()


@pytest.mark.parametrize("reset", [False, True])
async def test_a_query_on_a_stale_connection_is_sent_again(transport, reset):
    async with serving(Fickle(reset=reset)) as server:
        await transport.send(query(server.url))
        assert (await transport.send(query(server.url, body=b"2"))).status == 200
    assert [one[-1:] for one in server.requests] == [b"}", b"2", b"2"]
    assert server.connections == 2


@pytest.mark.parametrize("reset", [False, True])
async def test_a_mutation_on_a_stale_connection_is_not(transport, reset):
    async with serving(Fickle(reset=reset)) as server:
        await transport.send(mutation(server.url))
        assert "may have arrived; it is not repeated" in await message(transport.send(mutation(server.url)))
    assert len(server.requests) == 2


async def test_a_query_is_sent_again_once(transport):
    async with serving(Fickle(answers=1)) as server:
        await transport.send(query(server.url))
        server.script = Fickle(answers=0)
        assert "ended without an answer" in await message(transport.send(query(server.url)))
    assert len(server.requests) == 3


async def test_a_fresh_connection_that_ends_without_an_answer_is_an_error(transport):
    async with serving(Fickle(answers=0)) as server:
        assert "ended without an answer" in await message(transport.send(query(server.url)))
    assert len(server.requests) == 1


async def test_a_query_on_a_connection_that_was_stale_before_its_first_is_sent_again(transport):
    async def first_closes(connection: Connection) -> None:
        if server.connections > 1:
            await connection.write(OK)
        else:
            connection.writer.close()

    async with serving(first_closes) as server:
        await unasked(transport, server.url)
        assert (await transport.send(query(server.url))).status == 200
    assert len(server.requests) == 2


async def test_before_a_mutation_on_a_connection_without_a_first_the_socket_is_looked_at(transport):
    close = asyncio.Event()

    async def first_closes(connection: Connection) -> None:
        if server.connections > 1:
            await connection.request()
            await connection.write(OK)
        else:
            await close.wait()

    async with serving(first_closes, reads=False) as server:
        await unasked(transport, server.url)
        (ours,) = pool_of(transport)._idle
        ours._transport.pause_reading()
        close.set()
        await until(lambda: not server.tasks)
        assert (await transport.send(mutation(server.url))).status == 200
    assert server.connections == 2


@pytest.mark.parametrize("last_words", [b"H", b"HTTP/1.1 100 Continue\r\n\r\n", OK[:-1]])
async def test_once_an_answer_has_begun_nothing_is_sent_again(transport, last_words):
    async with serving(Fickle(last_words=last_words)) as server:
        await transport.send(query(server.url))
        assert "is incomplete" in await message(transport.send(query(server.url)))
    assert len(server.requests) == 2


async def test_one_stale_connection_clears_away_those_that_were_unused_longer(transports):
    transport = transports(policy=NOT_SHARED)
    gate = Gate()
    async with serving(gate) as server:
        three = [transport.send(query(server.url)) for _ in range(3)]
        await until(lambda: gate.waiting == 3)
        gate.open.set()
        await asyncio.gather(*three)
        server.script = Fickle(answers=0)
        with pytest.raises(FederationError):
            await transport.send(query(server.url))
        assert not pool_of(transport)._idle
    assert server.connections == 4


async def test_a_query_sent_again_counts_for_the_limit(transports):
    transport = transports(connections_per_host=1, policy=NOT_SHARED)
    async with serving(Fickle(answers=2)) as server:
        answers = await asyncio.gather(*(transport.send(query(server.url)) for _ in range(12)))
        assert [answer.status for answer in answers] == [200] * 12
        assert pool_of(transport)._taken <= 1


async def test_before_a_mutation_the_socket_is_looked_at(transport):
    """The subgraph has closed the connection, and the loop has not had a chance to see it."""
    closed = asyncio.Event()

    async def once(connection: Connection) -> None:
        await connection.write(OK)
        closed.set()
        connection.writer.close()

    async with serving(once) as server:
        first = transport.send(mutation(server.url))
        await first
        ours = pool_of(transport)._idle[-1:]
        if ours:
            sock = ours[0]._transport.get_extra_info("socket")
            ours[0]._transport.pause_reading()
            await closed.wait()
            await asyncio.sleep(0.01)
            assert sock.fileno() >= 0
        assert (await transport.send(mutation(server.url))).status == 200
    assert len(server.requests) == 2


async def test_a_connection_whose_end_was_seen_is_not_used(transport):
    """The loop tells of the end before it closes the connection."""
    async with serving(OK) as server:
        await transport.send(mutation(server.url))
        (ours,) = pool_of(transport)._idle
        ours.eof_received()
        assert (await transport.send(query(server.url))).status == 200
    assert server.connections == 2


# --- Waves ---


async def waves(transport, server, count: int) -> list[int]:
    """Requests, each sent where the answer to the one before is read."""
    return [(await transport.send(query(server.url, body=b"%d" % number))).status for number in range(count)]


async def test_who_goes_on_with_its_answer_finds_the_connection_that_brought_it(transports):
    transport = transports(connections_per_host=1, waiting_per_host=0)
    async with serving(OK) as server:
        strand = Strand(waves(transport, server, 5), [0])
        # The one connection is being made for the first request, so no other is refused meanwhile.
        strand.resume()
        assert await strand == [200] * 5
    assert server.connections == 1


async def test_who_waits_for_a_connection_goes_before_who_has_its_answer(transports):
    transport = transports(connections_per_host=1, policy=NOT_SHARED)
    async with serving(OK) as server:
        strands = [Strand(waves(transport, server, 3), [0]) for _ in range(2)]
        for strand in strands:
            strand.resume()
        assert await asyncio.gather(*strands) == [[200] * 3] * 2
    assert [one[-1:] for one in server.requests] == [b"0", b"0", b"1", b"1", b"2", b"2"]
    assert server.connections == 1


async def test_one_that_goes_on_after_a_connection_was_lost_finds_room(transports):
    transport = transports(connections_per_host=1, waiting_per_host=0)
    async with serving(Fickle(answers=0)) as server:

        async def twice():
            with pytest.raises(FederationError):
                await transport.send(mutation(server.url))
            server.script = Fickle()
            return await transport.send(mutation(server.url))

        strand = Strand(twice(), [0])
        strand.resume()
        assert (await strand).status == 200
    assert server.connections == 2


async def test_an_error_of_who_goes_on_is_its_own(transport):
    async def falls():
        await transport.send(query(server.url))
        raise ZeroDivisionError

    async with serving(OK) as server:
        strand = Strand(falls(), [0])
        strand.resume()
        with pytest.raises(ZeroDivisionError):
            await strand
        assert (await transport.send(query(server.url))).status == 200
    assert server.connections == 1


# --- Cancelling ---


async def test_a_cancelled_request_gives_its_connection_up(transport):
    started = asyncio.Event()

    async def stall(_connection: Connection) -> None:
        started.set()
        await asyncio.sleep(60)

    async with serving(stall) as server:
        future = transport.send(mutation(server.url))
        await started.wait()
        future.cancel()
        with pytest.raises(asyncio.CancelledError):
            await future
        await until(lambda: not pool_of(transport)._open)


async def test_an_answer_that_comes_at_once_saves_the_connection_of_a_cancelled_request(transport):
    gate = Gate()
    async with serving(gate) as server:
        future = transport.send(mutation(server.url))
        await until(lambda: gate.waiting == 1)
        gate.open.set()
        future.cancel()
        await until(lambda: pool_of(transport)._idle or not pool_of(transport)._open)
        await transport.send(mutation(server.url))
    assert future.cancelled()


async def test_cancelled_before_it_is_connected(transport):
    async with serving(OK) as server:
        transport.send(mutation(server.url)).cancel()
        await until(lambda: pool_of(transport)._idle)
        assert (await transport.send(mutation(server.url))).status == 200
    assert len(server.requests) == 1


async def test_one_future_may_be_awaited_by_several(transport):
    async with serving(OK) as server:
        future = transport.send(mutation(server.url))

        async def wait():
            return await future

        first, second = await asyncio.gather(wait(), wait())
        assert first is second
        assert await future is first


# --- At the edges of the protocol ---


async def test_an_answer_before_the_request_is_sent(transport):
    """The subgraph refuses by the head alone and never reads the rest."""

    async def refuse(connection: Connection) -> None:
        await connection.reader.readuntil(b"\r\n\r\n")
        await connection.write(plain(b"no", "413 Content Too Large"))
        await asyncio.sleep(60)

    async with serving(refuse, reads=False) as server:
        answer = await transport.send(mutation(server.url, body=b"x" * 30_000_000))
        assert (answer.status, answer.body) == (413, b"no")
        await until(lambda: not pool_of(transport)._open)


async def test_a_body_is_sent_whole_whatever_its_size(transport):
    async with serving(OK) as server:
        sizes = [0, 1, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 300_000]
        for size in sizes:
            await transport.send(mutation(server.url, body=b"x" * size))
    assert [len(one.partition(b"\r\n\r\n")[2]) for one in server.requests] == sizes
    assert server.connections == 1


async def test_an_answer_byte_by_byte(transport):
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    text = interim + b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\n{}\r\n0\r\nX: y\r\n\r\n"

    async def slowly(connection: Connection) -> None:
        for at in range(len(text)):
            await connection.write(text[at : at + 1])
            await asyncio.sleep(0)

    async with serving(slowly) as server:
        for _ in range(2):
            assert (await transport.send(mutation(server.url))).body == b"{}"
    assert server.connections == 1


async def test_a_large_answer(transports):
    transport = transports(max_response_size=10_000_000)
    body = b"0123456789" * 900_000
    async with serving(plain(body)) as server:
        assert (await transport.send(mutation(server.url))).body == body


# --- Closing ---


async def test_closing_fails_what_is_under_way(transport):
    gate = Gate()
    async with serving(gate) as server:
        future = transport.send(query(server.url))
        await until(lambda: gate.waiting == 1)
        await transport.close()
        assert "end of service" in await message(future)


async def test_closing_while_connecting(transport):
    async with serving(OK) as server:
        future = transport.send(query(server.url))
        await transport.close()
        assert "end of service" in await message(future)
        await transport.close()


async def test_closing_when_a_connection_has_just_been_made(transport, monkeypatch):
    """Its socket is there, and nobody has taken it yet; uvloop does not tell of its end then."""
    made = Connected.connection_made
    closing = []

    def close(connection, loops_own) -> None:
        made(connection, loops_own)
        closing.append(asyncio.ensure_future(transport.close()))

    monkeypatch.setattr(Connected, "connection_made", close)
    async with serving(OK) as server:
        assert await code(transport.send(mutation(server.url))) == "SUBREQUEST_HTTP_ERROR"
        async with asyncio.timeout(5):
            await closing[0]
        assert not pool_of(transport)._open


async def test_many_requests_many_connections_many_ends(transports):
    """Answers of all kinds at the same time: each request gets its own."""
    transport = transports(connections_per_host=5, policy=NOT_SHARED)
    count = 0

    async def echo(connection: Connection) -> None:
        nonlocal count
        count += 1
        body = server.requests[-1].partition(b"\r\n\r\n")[2]
        if count % 7 == 0:
            await connection.write(plain(body, "200 OK", b"Connection: close"))
        elif count % 5 == 0:
            await connection.write(b"HTTP/1.1 200 OK\r\n\r\n" + body)
            connection.writer.close()
        else:
            await connection.write(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b" % (len(body), body[:1])
            )
            await asyncio.sleep(0)
            await connection.write(body[1:] + b"\r\n0\r\n\r\n")
        if count % 7 == 0:
            connection.writer.close()

    async with serving(echo) as server:
        sent = [transport.send(query(server.url, body=b"number %d" % number)) for number in range(200)]
        answers = await asyncio.gather(*sent)
    assert [answer.body for answer in answers] == [b"number %d" % number for number in range(200)]
