"""
One connection's answers: bytes in, one whole answer at a time out. No sockets, no clock.

The parser is llhttp, by httptools, with all its strictness: lengths that contradict each other, folded lines, bad chunk
sizes and control characters are refused, because two readers could understand them in two ways (RFC 9112, section 11).
What it leaves to us:

- interim answers (1xx) are skipped; one with a body is refused, and so is 101: nobody asked for another protocol;
- nothing bounds heads, trailers and chunk extensions: what comes without a byte of a body may be `MAX_HEAD` long;
- a transfer coding besides `chunked` is refused; a body without any length ends with the connection;
- whatever follows an answer that was complete is not an answer to anything: the connection is not used again.

It may hand over each header as it reads it, and each of these calls costs a fifth of all its reading. Of most heads we
want none. So the head is kept as it came, and when the parser has accepted it, it is searched for the few that say
something to us: where an accepted line begins and ends is beyond doubt.
"""

from __future__ import annotations

import re
from typing import Final

import httptools

from kong_federation.transport.base import SubgraphResponse, read_headers
from kong_federation.transport.content import Decoder, decoder
from kong_federation.transport.errors import TransportError, Trouble

MAX_HEAD: Final = 32 * 1024
"""Bytes of an answer's head; some cookies and traces are longer than the usual 8 KB."""

# Pieces of a body that are held as they came. Chunks may be of two bytes, and a piece costs forty more.
_MOST_PIECES: Final = 1024

# The next coding of a body, or the empty line at the end of the head.
_TELLING: Final = re.compile(rb"\n(?:\r\n|content-encoding:([^\r]*)|transfer-encoding:([^\r]*))", re.IGNORECASE)
_CONTENT_ENCODING: Final = 1
_KEEP_ALIVE: Final = re.compile(rb"\nkeep-alive:[\t ]*([^\r]*)", re.IGNORECASE)
_EMPTY_LINE: Final = len(b"\r\n")
# The sixth byte of "HTTP/1.1" and "HTTP/1.0".
_ONE: Final = ord("1")
_LENGTHS: Final = frozenset(("content-length", "transfer-encoding"))
_SWITCHING_PROTOCOLS: Final = 101
# Their answers end with the head, whatever it says. A server that tells a length may send a body all the same.
_WITHOUT_BODY: Final = frozenset((204, 304))


class AnswerReader:
    """
    Reads the answers of one connection.

    Args:
        limit: Bytes of a body that are accepted, after decompression.
    """

    __slots__ = (
        "_complete",
        "_decoder",
        "_head",
        "_held",
        "_limit",
        "_parser",
        "_pieces",
        "_read",
        "_settled",
        "_silent",
        "_status",
        "keep_alive",
        "on_body",
        "reusable",
    )

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._status = 0
        """Of the final head; 0 while it has not been read."""
        self._head = b""
        self._complete = False
        self._decoder: Decoder | None = None
        # What has come of the body: pieces as they were read, and before them what has been settled.
        self._pieces: list[bytes] = []
        self._settled: bytearray | None = None
        # Of an answer that is not complete: bytes so far, pieces that had come before the last of them, and bytes
        # since the last piece.
        self._held = 0
        self._read = 0
        self._silent = 0
        self.reusable = False
        """Whether the connection may be used again after this answer."""
        self.keep_alive: bytes | None = None
        """What the first answer's `Keep-Alive` says, which servers repeat; empty if it has none; None before it."""
        # A callback of the parser, which takes those that it finds at this moment.
        self.on_body = self._pieces.append
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)

    # --- For the connection ---

    def feed(self, data: bytes) -> SubgraphResponse | None:
        """
        Read what came.

        Returns:
            The answer when it is complete; `reusable` tells about it until more is fed.

        Raises:
            TransportError: It is not an answer; the reader cannot be used any more.
        """
        parser = self._parser
        if parser is None:
            raise TransportError(Trouble.NOT_HTTP)
        if not self._status:
            self._head = self._head + data if self._head else data
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._parser = None
            self.reusable = False
            if not self._complete:
                # What a callback raised is its context.
                raise (
                    error.__context__
                    if isinstance(error.__context__, TransportError)
                    else TransportError(Trouble.NOT_HTTP)
                ) from None
        if not self._complete:
            self._hold(len(data))
            return None
        if self._held or self._decoder is not None or len(data) > self._limit:
            return self._take()
        # The whole answer has come in one piece, with a body that can be used as it is and is not too large.
        pieces = self._pieces
        response = SubgraphResponse(self._status, self._head, pieces[0] if len(pieces) == 1 else b"".join(pieces))
        pieces.clear()
        self._head = b""
        self._status = 0
        self._complete = False
        return response

    def end(self) -> SubgraphResponse | None:
        """
        Note that the connection has ended.

        Returns:
            The answer, if that completed it.

        Raises:
            TransportError: The answer is wrongly encoded.
        """
        if not self._status or self._tells_length():
            return None
        return self._take()

    def close(self) -> None:
        """Let go of the parser, which holds on to this reader; nothing can be read any more."""
        self._parser = None

    # --- For the parser ---

    def on_message_begin(self) -> None:
        """Begin an answer, an interim one, or something that nobody asked for."""
        if self._complete:
            raise TransportError(Trouble.NOT_HTTP)

    def on_headers_complete(self) -> None:
        """Look at what the head says about the rest."""
        parser = self._parser
        if parser is None:
            raise TransportError(Trouble.NOT_HTTP)
        head = self._head
        if head[5] != _ONE:
            # Empty lines before it are skipped (RFC 9112, section 2.2); it is HTTP/1 all the same.
            head = head.lstrip(b"\r\n")
            if head[5] != _ONE:
                raise TransportError(Trouble.NOT_HTTP)
        status = parser.get_status_code()
        if status < 200:
            self._pass_over(head, status)
            return
        self._status = status
        chunked = False
        line = _TELLING.search(head)
        while line is not None and (kind := line.lastindex) is not None:
            if kind == _CONTENT_ENCODING:
                if self._decoder is not None:
                    raise TransportError(Trouble.ENCODING)
                self._decoder = decoder(line[kind])
            else:
                if chunked or line[kind].strip().lower() != b"chunked":
                    raise TransportError(Trouble.NOT_HTTP)
                chunked = True
            line = _TELLING.search(head, line.end())
        if line is None or (end := line.end()) > MAX_HEAD:
            raise TransportError(Trouble.HUGE_HEAD)
        self._head = head = head[: end - _EMPTY_LINE]
        if self.keep_alive is None:
            said = _KEEP_ALIVE.search(head)
            self.keep_alive = said[1] if said is not None else b""

    def on_message_complete(self) -> None:
        """End an answer; after an interim one, the next begins."""
        parser = self._parser
        status = self._status
        if parser is None or (not status and self._pieces):
            # An interim answer has no body (RFC 9110, section 15.2); some that llhttp does not know by number may.
            raise TransportError(Trouble.NOT_HTTP)
        # Not asked before, because the parser heeds a `Connection` among the trailers, too.
        self.reusable = parser.should_keep_alive() and not (status in _WITHOUT_BODY and self._tells_length())
        self._complete = status != 0

    # --- Steps ---

    def _tells_length(self) -> bool:
        """Whether the head tells where its body ends."""
        return any(name in _LENGTHS for name, _ in read_headers(self._head))

    def _pass_over(self, head: bytes, status: int) -> None:
        """Forget an interim answer; what has come after it may be a part of the next head."""
        if status < 100 or status == _SWITCHING_PROTOCOLS:
            raise TransportError(Trouble.NOT_HTTP)
        self._head = head.partition(b"\r\n\r\n")[2]

    def _hold(self, size: int) -> None:
        """Keep a piece of an answer that is not complete; it had `size` bytes."""
        self._held += size
        pieces = self._pieces
        self._silent = 0 if len(pieces) > self._read else self._silent + size
        if self._silent > MAX_HEAD:
            raise TransportError(Trouble.HUGE_HEAD)
        if self._held > self._limit or self._decoder is not None or len(pieces) > _MOST_PIECES:
            self._settle()
        self._read = len(pieces)

    def _settle(self) -> bytearray:
        """Decode and put together what has come of the body, and see that it is not too much."""
        settled = self._settled
        if settled is None:
            settled = self._settled = bytearray()
        for piece in self._pieces:
            settled += piece if self._decoder is None else self._decoder.feed(piece, self._limit - len(settled))
            if len(settled) > self._limit:
                raise TransportError(Trouble.TOO_LARGE, limit=self._limit)
        self._pieces.clear()
        return settled

    def _take(self) -> SubgraphResponse:
        """Hand over the complete answer, however it came, and be ready for the next."""
        pieces = self._pieces
        if self._settled is None and self._decoder is None and sum(map(len, pieces)) <= self._limit:
            body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            pieces.clear()
        else:
            body = bytes(self._settle())
            if self._decoder is not None:
                self._decoder.end()
            self._decoder = self._settled = None
        response = SubgraphResponse(self._status, self._head, body)
        self._head = b""
        self._status = self._held = self._read = self._silent = 0
        self._complete = False
        return response
