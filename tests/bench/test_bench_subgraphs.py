from __future__ import annotations

import json
import socket
import urllib.request

import pytest

USERS = json.dumps({"query": "{ users { id } }"}).encode()
ANSWER = {"data": {"users": [{"id": str(number)} for number in range(1, 7)]}}


@pytest.fixture
def connection(served):
    with socket.create_connection(("127.0.0.1", served), timeout=5) as connection:
        yield connection


def post(path, body, *headers):
    lines = [f"POST {path} HTTP/1.1", "host: x", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def receive(connection, count=1):
    """Read whole responses: pairs of status and body."""
    data, found = b"", []
    while len(found) < count:
        piece = connection.recv(65536)
        assert piece, "the server closed"
        data += piece
        while b"\r\n\r\n" in data:
            head, rest = data.split(b"\r\n\r\n", 1)
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            if len(rest) < length:
                break
            found.append((int(head.split()[1]), json.loads(rest[:length])))
            data = rest[length:]
    return found


def test_an_answer_is_the_same_from_memory(connection):
    for _ in range(2):
        connection.sendall(post("/accounts", USERS))
        assert receive(connection) == [(200, ANSWER)]


def test_requests_may_come_together_and_in_pieces(connection):
    both = post("/accounts", USERS) + post("/products", b'{"query":"{ topProducts(first: 1) { upc } }"}')
    for cut in (20, len(both) - 5):
        connection.sendall(both[:cut])
        connection.sendall(both[cut:])
        assert receive(connection, 2) == [(200, ANSWER), (200, {"data": {"topProducts": [{"upc": "1"}]}})]


def test_calls_are_counted_by_path(connection, served):
    def stats():
        with urllib.request.urlopen(f"http://127.0.0.1:{served}/stats") as response:
            return json.load(response)

    before = stats()
    for _ in range(3):
        connection.sendall(post("/inventory", b'{"query":"{ __typename }"}'))
        assert receive(connection) == [(200, {"data": {"__typename": "Query"}})]
    after = stats()
    changed = {name: after["calls"][name] - before["calls"][name] for name in after["calls"]}
    assert {name: count for name, count in changed.items() if count} == {"inventory": 3}
    assert after["executing_seconds"] > before["executing_seconds"]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (post("/nowhere", USERS), 404),
        (post("/accounts", b"{"), 400),
        (post("/accounts", USERS, "transfer-encoding: chunked"), 411),
        (post("/accounts", USERS, "content-encoding: gzip"), 411),
        (b"POST /accounts HTTP/1.1\r\nhost: x\r\n\r\n", 411),
    ],
)
def test_what_it_does_not_do_is_refused(connection, request_, status):
    connection.sendall(request_)
    ((answered, body),) = receive(connection)
    assert answered == status
    assert body["errors"][0]["message"]


def test_the_connection_ends_if_asked(connection):
    connection.sendall(post("/accounts", USERS, "Connection: close"))
    assert receive(connection) == [(200, ANSWER)]
    assert connection.recv(1) == b""
