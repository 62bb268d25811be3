"""
What an answer is, byte by byte.

Every case is read in one piece, in two pieces cut at every place, and byte by byte, and must come to the same
each time.
"""

import gzip
import tracemalloc
from dataclasses import dataclass
from itertools import pairwise

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kong_federation.transport.answer import MAX_HEAD, AnswerReader
from kong_federation.transport.errors import TransportError, Trouble

LIMIT = 10_000
OK = b"HTTP/1.1 200 OK\r\n"
PLAIN = OK + b"Content-Length: 2\r\n\r\n{}"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass(frozen=True)
class Read:
    """How an answer was read: what is in it, whether its connection may be used again, whether it needed the end."""

    status: int
    body: bytes
    reusable: bool = True
    until_end: bool = False


def read(pieces) -> Read | Trouble | None:
    """Feed the pieces and then the end; None: it is not complete."""
    reader = AnswerReader(LIMIT)
    try:
        response, until_end = None, False
        for piece in pieces:
            response = reader.feed(piece)
            if response is not None and not reader.reusable:
                break
        if response is None:
            response = reader.end()
            until_end = response is not None
    except TransportError as error:
        return error.trouble
    finally:
        reader.close()
    if response is None:
        return None
    return Read(response.status, response.body, reader.reusable, until_end)


def cuts(data: bytes):
    yield [data]
    yield [data[at : at + 1] for at in range(len(data))]
    for at in range(1, len(data)):
        yield [data[:at], data[at:]]


ANSWERS = {
    "length": (PLAIN, Read(200, b"{}")),
    "length 0": (OK + b"Content-Length: 0\r\n\r\n", Read(200, b"")),
    "no reason": (b"HTTP/1.1 503\r\nContent-Length: 1\r\n\r\nx", Read(503, b"x")),
    "empty values": (OK + b"X:\r\nY: \t \r\nContent-Length: 2\r\n\r\n{}", Read(200, b"{}")),
    "chunks": (CHUNKED + b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", Read(200, b"{}")),
    "chunk extensions": (CHUNKED + b'2;a;b=c;d="e;f"\r\n{}\r\n0;x\r\n\r\n', Read(200, b"{}")),
    "long chunk sizes": (CHUNKED + b"0000000000000002\r\n{}\r\n00000\r\n\r\n", Read(200, b"{}")),
    "hexadecimal": (CHUNKED + b"A\r\n0123456789\r\n0\r\n\r\n", Read(200, b"0123456789")),
    "trailers": (CHUNKED + b"2\r\n{}\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n", Read(200, b"{}")),
    "trailers that would encode": (CHUNKED + b"2\r\n{}\r\n0\r\nContent-Encoding: gzip\r\n\r\n", Read(200, b"{}")),
    "trailers that close": (
        CHUNKED + b"2\r\n{}\r\n0\r\nConnection: close\r\n\r\n",
        Read(200, b"{}", reusable=False),
    ),
    "trailers with another coding": (
        CHUNKED + b"2\r\n{}\r\n0\r\nTransfer-Encoding: gzip\r\n\r\n",
        Read(200, b"{}", reusable=False),
    ),
    "no chunk": (CHUNKED + b"0\r\n\r\n", Read(200, b"")),
    "any case": (OK + b"tRANSFER-eNCODING: cHUNKED \r\n\r\n2\r\n{}\r\n0\r\n\r\n", Read(200, b"{}")),
    "until the end": (OK + b"\r\n{}", Read(200, b"{}", reusable=False, until_end=True)),
    "nothing until the end": (OK + b"\r\n", Read(200, b"", reusable=False, until_end=True)),
    "error until the end": (b"HTTP/1.1 500 X\r\n\r\nno", Read(500, b"no", reusable=False, until_end=True)),
    "1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", Read(200, b"{}", reusable=False)),
    "1.0 until the end": (b"HTTP/1.0 200 OK\r\n\r\n{}", Read(200, b"{}", reusable=False, until_end=True)),
    "1.0 kept": (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}", Read(200, b"{}")),
    "1.0 in chunks": (
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        Read(200, b"{}", reusable=False),
    ),
    "close": (OK + b"Connection: close\r\nContent-Length: 2\r\n\r\n{}", Read(200, b"{}", reusable=False)),
    "close among others": (
        OK + b"Connection: x, Close\r\nContent-Length: 2\r\n\r\n{}",
        Read(200, b"{}", reusable=False),
    ),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", Read(204, b"")),
    "204 with a length": (
        b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
        Read(204, b"", reusable=False),
    ),
    "304 with a length": (
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        Read(304, b"", reusable=False),
    ),
    "304 in chunks": (
        b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
        Read(304, b"", reusable=False),
    ),
    "100": (b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN, Read(200, b"{}")),
    "103 with headers": (b"HTTP/1.1 103 Early Hints\r\nContent-Encoding: br\r\n\r\n" * 3 + PLAIN, Read(200, b"{}")),
    "102 with a length": (b"HTTP/1.1 102 Processing\r\nContent-Length: 9\r\n\r\n" + PLAIN, Read(200, b"{}")),
    "an offer to upgrade": (
        OK + b"Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\n{}",
        Read(200, b"{}"),
    ),
    "empty lines before": (b"\r\n\r\n" + PLAIN, Read(200, b"{}")),
    "gzip": (
        OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(gzip.compress(b"{}")) + gzip.compress(b"{}"),
        Read(200, b"{}"),
    ),
    "gzip until the end": (
        OK + b"Content-Encoding: x-gzip\r\n\r\n" + gzip.compress(b"{}"),
        Read(200, b"{}", reusable=False, until_end=True),
    ),
    "gzip without a body": (OK + b"Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", Read(200, b"")),
    "identity": (OK + b"Content-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}", Read(200, b"{}")),
    "just the limit": (OK + b"Content-Length: 10000\r\n\r\n" + b"x" * LIMIT, Read(200, b"x" * LIMIT)),
}

REFUSED = {
    "another protocol": (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", Trouble.NOT_HTTP),
    "TLS": (b"\x15\x03\x03\x00\x02\x02\x46", Trouble.NOT_HTTP),
    "HTTP/2": (b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", Trouble.NOT_HTTP),
    "HTTP/2 that would be kept": (
        b"HTTP/2.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}",
        Trouble.NOT_HTTP,
    ),
    "HTTP/0.9": (b"HTTP/0.9 200 OK\r\n\r\n", Trouble.NOT_HTTP),
    "HTTP/1.2": (b"HTTP/1.2 200 OK\r\n\r\n", Trouble.NOT_HTTP),
    "two digits": (b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\n{}", Trouble.NOT_HTTP),
    "four digits": (b"HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\n{}", Trouble.NOT_HTTP),
    "status 0": (b"HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\n{}", Trouble.NOT_HTTP),
    "status 99": (b"HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\n{}", Trouble.NOT_HTTP),
    "101": (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", Trouble.NOT_HTTP),
    "101 without a word": (b"HTTP/1.1 101 Switching\r\n\r\n" + PLAIN, Trouble.NOT_HTTP),
    "104 with a body": (b"HTTP/1.1 104 X\r\nContent-Length: 7\r\n\r\nHTTP/1\n" + PLAIN, Trouble.NOT_HTTP),
    "104 with a chunk": (
        b"HTTP/1.1 104 X\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nHTTP/1\n\r\n0\r\n\r\n" + PLAIN,
        Trouble.NOT_HTTP,
    ),
    "negative length": (OK + b"Content-Length: -2\r\n\r\n{}", Trouble.NOT_HTTP),
    "signed length": (OK + b"Content-Length: +2\r\n\r\n{}", Trouble.NOT_HTTP),
    "no length in the length": (OK + b"Content-Length:\r\n\r\n{}", Trouble.NOT_HTTP),
    "huge length": (OK + b"Content-Length: 99999999999999999999\r\n\r\n{}", Trouble.NOT_HTTP),
    "two lengths": (OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", Trouble.NOT_HTTP),
    "the same length twice": (OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", Trouble.NOT_HTTP),
    "a list of lengths": (OK + b"Content-Length: 2, 2\r\n\r\n{}", Trouble.NOT_HTTP),
    "length and chunks": (OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", Trouble.NOT_HTTP),
    "chunks and length": (OK + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n", Trouble.NOT_HTTP),
    "transfer coding": (OK + b"Transfer-Encoding: gzip\r\n\r\n{}", Trouble.NOT_HTTP),
    "transfer coding before chunks": (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", Trouble.NOT_HTTP),
    "chunks before transfer coding": (OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", Trouble.NOT_HTTP),
    "chunks twice": (OK + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n0\r\n\r\n", Trouble.NOT_HTTP),
    "almost chunked": (OK + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", Trouble.NOT_HTTP),
    "negative chunk": (CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n", Trouble.NOT_HTTP),
    "0x": (CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n", Trouble.NOT_HTTP),
    "no chunk size": (CHUNKED + b"\r\n{}\r\n0\r\n\r\n", Trouble.NOT_HTTP),
    "letters as chunk size": (CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n", Trouble.NOT_HTTP),
    "space after the chunk size": (CHUNKED + b"2 \r\n{}\r\n0\r\n\r\n", Trouble.NOT_HTTP),
    "huge chunk": (CHUNKED + b"fffffffffffffffff\r\n{}\r\n", Trouble.NOT_HTTP),
    "chunk longer than it says": (CHUNKED + b"2\r\n{}}\r\n0\r\n\r\n", Trouble.NOT_HTTP),
    "chunk size with a bare LF": (CHUNKED + b"2\n{}\r\n0\r\n\r\n", Trouble.NOT_HTTP),
    "length in a trailer": (CHUNKED + b"0\r\nContent-Length: 5\r\n\r\n", Trouble.NOT_HTTP),
    "folded line": (OK + b"X: a\r\n b\r\nContent-Length: 2\r\n\r\n{}", Trouble.NOT_HTTP),
    "folded length": (OK + b"Content-Length: 1\r\n 2\r\n\r\n{}", Trouble.NOT_HTTP),
    "folded first line": (OK + b" X: a\r\nContent-Length: 2\r\n\r\n{}", Trouble.NOT_HTTP),
    "space before the colon": (OK + b"Content-Length : 2\r\n\r\n{}", Trouble.NOT_HTTP),
    "no colon": (OK + b"X\r\nContent-Length: 2\r\n\r\n{}", Trouble.NOT_HTTP),
    "no name": (OK + b": x\r\nContent-Length: 2\r\n\r\n{}", Trouble.NOT_HTTP),
    "NUL": (OK + b"X: a\0b\r\nContent-Length: 2\r\n\r\n{}", Trouble.NOT_HTTP),
    "bare CR": (OK + b"X: a\rContent-Length: 2\r\n\r\n{}", Trouble.NOT_HTTP),
    "bare LF": (b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}", Trouble.NOT_HTTP),
    "unknown coding": (OK + b"Content-Encoding: br\r\nContent-Length: 2\r\n\r\n{}", Trouble.ENCODING),
    "two codings": (OK + b"Content-Encoding: gzip\r\n" * 2 + b"Content-Length: 2\r\n\r\n{}", Trouble.ENCODING),
    "not gzip": (OK + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", Trouble.ENCODING),
    "half of gzip": (
        OK + b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\n" + gzip.compress(b"{}")[:9],
        Trouble.ENCODING,
    ),
    "half of gzip until the end": (OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"{}")[:9], Trouble.ENCODING),
    "one byte too many": (OK + b"Content-Length: 10001\r\n\r\n" + b"x" * (LIMIT + 1), Trouble.TOO_LARGE),
}

INCOMPLETE = {
    "nothing": b"",
    "half a first line": b"HTTP/1.1 2",
    "half a head": OK + b"Content-Le",
    "head without its empty line": OK + b"X: y\r\n",
    "only an interim answer": b"HTTP/1.1 100 Continue\r\n\r\n",
    "half a body": OK + b"Content-Length: 3\r\n\r\n{}",
    "half a chunk": CHUNKED + b"3\r\n{}",
    "no last chunk": CHUNKED + b"2\r\n{}\r\n",
    "half a trailer": CHUNKED + b"2\r\n{}\r\n0\r\nX: ",
    "closing, but short": OK + b"Connection: close\r\nContent-Length: 3\r\n\r\n{}",
}


def few(data: bytes):
    """All cuts of something short; of something long only a few."""
    return cuts(data) if len(data) < 400 else [[data], [data[:50], data[50:]], [data[:-1], data[-1:]]]


@pytest.mark.parametrize("case", ANSWERS)
def test_answers(case):
    data, expected = ANSWERS[case]
    for pieces in few(data):
        assert read(pieces) == expected, pieces


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    data, expected = REFUSED[case]
    for pieces in few(data):
        assert read(pieces) is expected, pieces


@pytest.mark.parametrize("case", INCOMPLETE)
def test_incomplete(case):
    data = INCOMPLETE[case]
    for pieces in few(data):
        assert read(pieces) is None, pieces


@given(st.sampled_from(sorted(ANSWERS)), st.lists(st.integers(0, 500), max_size=8))
def test_pieces_do_not_matter(case, places):
    data, expected = ANSWERS[case]
    edges = [0, *sorted({min(place, len(data)) for place in places}), len(data)]
    pieces = [data[start:end] for start, end in pairwise(edges) if start < end]
    assert read(pieces) == expected


@given(st.sampled_from(sorted(ANSWERS)), st.integers(0, 300), st.integers(0, 255))
def test_a_wrong_byte_is_an_answer_or_an_error(case, at, byte):
    data = bytearray(ANSWERS[case][0])
    data[at % len(data)] = byte
    first = read([bytes(data)])
    assert first is None or isinstance(first, Trouble) or len(first.body) <= LIMIT


@given(st.binary(max_size=100))
def test_garbage_is_not_an_answer(garbage):
    found = read([garbage])
    assert found is None or found is Trouble.NOT_HTTP


@pytest.mark.parametrize("case", [case for case, (_, expected) in ANSWERS.items() if expected.reusable])
@pytest.mark.parametrize("rest", [b"x", b"garbage\r\n\r\n", PLAIN, b"HTTP/1.1 204 No Content\r\n\r\n"])
def test_what_follows_an_answer_makes_its_connection_useless(case, rest):
    data, expected = ANSWERS[case]
    reader = AnswerReader(LIMIT)
    assert reader.feed(data + rest).body == expected.body
    assert not reader.reusable


def test_one_answer_after_the_other():
    reader = AnswerReader(LIMIT)
    for case, (data, expected) in ANSWERS.items():
        if expected.reusable:
            response = reader.feed(data)
            assert (response.status, response.body) == (expected.status, expected.body), case


def test_headers_are_those_of_the_final_head():
    reader = AnswerReader(LIMIT)
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: caf\xe9\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = reader.feed(hints + head + b"0\r\nX-T: 2\r\n\r\n")
    assert answer.headers == (("x-a", "1"), ("x-a", "caf\xe9"), ("transfer-encoding", "chunked"))


class Listener:
    """What llhttp itself reads in a head."""

    def __init__(self):
        self.headers = []
        self.complete = False

    def on_header(self, name, value):
        if not self.complete:
            self.headers.append((name.decode("latin-1").lower(), value.decode("latin-1").strip(" \t")))

    def on_headers_complete(self):
        self.complete = True


NAMES = st.sampled_from([b"x", b"X-A", b"Keep-Alive", b"keep-alive-x", b"Set-Cookie", b"Date", b"xcontent-encoding"])
VALUES = st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=8).map(
    lambda value: value.encode("latin-1")
)
LINES = st.one_of(
    st.tuples(NAMES, st.sampled_from([b":", b": ", b":\t "]), VALUES).map(b"".join),
    st.sampled_from(
        [b"X: a\r", b"\nX: a", b" folded", b"X:\r\n y", b"X : y", b"no colon", b"Content-Encoding: gzip", b""]
    ),
)


@given(st.sampled_from([b"200 OK", b"200", b"404 Not\tFound"]), st.lists(LINES, max_size=5), st.integers(0, 40))
def test_the_lines_of_a_head_are_those_that_the_parser_has_read(status, lines, cut):
    """Whatever llhttp accepts, we must see the same headers in it."""
    head = b"HTTP/1.1 " + status + b"\r\n" + b"".join(line + b"\r\n" for line in lines)
    data = head + b"Content-Length: 2\r\n\r\n{}"
    listener = Listener()
    try:
        httptools.HttpResponseParser(listener).feed_data(data)
    except httptools.HttpParserError:
        listener = None
    found = None
    reader = AnswerReader(LIMIT)
    try:
        for piece in filter(None, (data[:cut], data[cut:])):
            found = reader.feed(piece)
        # Without a length, what follows the empty line is a body that ends with the connection.
        found = found or reader.end()
    except TransportError as error:
        found = error.trouble
    if listener is None:
        assert found is Trouble.NOT_HTTP
    elif ("content-encoding", "gzip") in listener.headers:
        assert found is Trouble.ENCODING
    else:
        assert list(found.headers) == listener.headers


def test_what_the_first_answer_says_of_keeping_alive_holds_for_the_connection():
    reader = AnswerReader(LIMIT)
    hints = b"HTTP/1.1 103 Early Hints\r\nKeep-Alive: timeout=1\r\n\r\n"
    assert reader.feed(hints + OK + b"keep-ALIVE: timeout=5, max=9\r\nContent-Length: 0\r\n\r\n") is not None
    assert reader.keep_alive == b"timeout=5, max=9"
    assert reader.feed(PLAIN) is not None
    assert reader.keep_alive == b"timeout=5, max=9"
    silent = AnswerReader(LIMIT)
    silent.feed(PLAIN)
    assert silent.keep_alive == b""


def test_a_body_in_one_piece_is_not_put_together():
    reader = AnswerReader(LIMIT)
    assert reader.feed(PLAIN).body == b"{}"


@pytest.mark.parametrize("size", [1000, 5000, 400_000])
@pytest.mark.parametrize(
    "endless",
    [
        OK + b"X: ",
        OK + b"x: y\r\n" * 5,
        b"HTTP/1.1 100 Continue\r\n\r\n",
        CHUNKED + b"2;",
        CHUNKED + b"2\r\n{}\r\n0\r\nX: ",
        CHUNKED + b"2\r\n{}\r\n0\r\n",
    ],
)
def test_what_never_comes_to_a_body_is_bounded(endless, size):
    more = {b"\n": b"HTTP/1.1 100 Continue\r\n\r\n" if b"100" in endless else b"a: b\r\n"}.get(endless[-1:], b"x")
    reader = AnswerReader(LIMIT)
    reader.feed(endless)
    piece = more * (size // len(more))
    fed = 0
    with pytest.raises(TransportError) as raised:  # noqa: PT012 - the piece that is too much is not told before
        while fed < 10 * MAX_HEAD:
            fed += size
            assert not reader.feed(piece)
    assert raised.value.trouble is Trouble.HUGE_HEAD
    assert fed <= MAX_HEAD + size


@pytest.mark.parametrize("cut", [10, MAX_HEAD + 10, 400_000])
def test_a_head_is_as_large_as_may_be(cut):
    def answer(size: int) -> Read | Trouble | None:
        data = OK + b"X-Trace: " + b"x" * size + b"\r\nContent-Length: 9000\r\n\r\n" + b"y" * 9000
        return read([data[:cut], data[cut:]] if cut < len(data) else [data])

    assert answer(MAX_HEAD - 1000) == Read(200, b"y" * 9000)
    assert answer(MAX_HEAD + 1) is Trouble.HUGE_HEAD


def test_bodies_in_small_pieces_are_not_bounded_by_the_heads_size():
    reader = AnswerReader(10**6)
    reader.feed(CHUNKED)
    for _ in range(20_000):
        reader.feed(b"1;extension=value\r\nx\r\n")
    assert reader.feed(b"0\r\n\r\n").body == b"x" * 20_000


def test_a_body_in_tiny_chunks_takes_little_more_memory_than_its_size():
    count = 100_000
    piece = b"2\r\n{}\r\n" * 1000
    reader = AnswerReader(1_000_000)
    reader.feed(CHUNKED)
    tracemalloc.start()
    try:
        for _ in range(count // 1000):
            assert not reader.feed(piece)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 2 * 2 * count
    assert reader.feed(b"0\r\n\r\n").body == b"{}" * count
    # Nothing of it is in the next one.
    assert reader.feed(PLAIN).body == b"{}"
