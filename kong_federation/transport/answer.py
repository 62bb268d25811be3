"""
One connection's answers: bytes in, one whole answer at a time out. No sockets, no clock.

The parser is llhttp, by httptools, with all its strictness: lengths that contradict each other, folded lines, bad chunk
sizes and control characters are refused, because two readers could understand them in two ways (RFC 9112, section 11).
What it leaves to us:

- interim answers (1xx) are skipped, and 101 is refused, because nobody asked for another protocol;
- nothing bounds heads, trailers and chunk extensions: what comes without a byte of a body may be `MAX_HEAD` long;
- a transfer coding besides `chunked` is refused; a body without any length ends with the connection;
- whatever follows an answer that was complete is not an answer to anything: the connection is not used again.
"""

from __future__ import annotations

from typing import Final

import httptools

from kong_federation.transport.base import RawHeaders, SubgraphResponse
from kong_federation.transport.content import Decoder, decoder
from kong_federation.transport.errors import TransportError, Trouble

MAX_HEAD: Final = 32 * 1024
"""Bytes of an answer's head; some cookies and traces are longer than the usual 8 KB."""

# Pieces of a body that are held as they came. Chunks may be of two bytes, and a piece costs forty more.
_MOST_PIECES: Final = 1024

_KEEP_ALIVE: Final = b"keep-alive"
_CONTENT_ENCODING: Final = b"content-encoding"
_TRANSFER_ENCODING: Final = b"transfer-encoding"
# Most names differ from all of these in length already, and need not be turned to lower case.
_LENGTHS: Final = frozenset(map(len, (_KEEP_ALIVE, _CONTENT_ENCODING, _TRANSFER_ENCODING)))
_SWITCHING_PROTOCOLS: Final = 101


class AnswerReader:
    """
    Reads the answers of one connection.

    Args:
        limit: Bytes of a body that are accepted, after decompression.
    """

    __slots__ = (
        "_body",
        "_decoder",
        "_headers",
        "_headers_read",
        "_limit",
        "_parser",
        "_silent",
        "_size",
        "_status",
        "_suspicious",
        "_whole",
        "complete",
        "keep_alive",
        "reusable",
    )

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._reset()

    def _reset(self) -> None:
        self._headers: RawHeaders = []
        self._body: list[bytes] = []
        self._whole: bytearray | None = None
        self._size = 0
        self._status = 0
        self._silent = 0
        self._suspicious = False
        self._headers_read = False
        self._decoder: Decoder | None = None
        self.complete = False
        self.reusable = False
        self.keep_alive = b""

    # --- For the connection ---

    def feed(self, data: bytes) -> bool:
        """
        Read what came.

        Returns:
            Whether the answer is complete.

        Raises:
            TransportError: It is not an answer; the reader cannot be used any more.
        """
        size = len(data)
        # A piece this large may hold a head that is too large together with its body.
        self._suspicious = self._silent + size > MAX_HEAD
        self._silent += size
        parser = self._parser
        if parser is None:
            raise TransportError(Trouble.NOT_HTTP)
        try:
            parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._parser = None
            self.reusable = False
            if not self.complete:
                # What a callback raised is its context.
                raise (
                    error.__context__
                    if isinstance(error.__context__, TransportError)
                    else TransportError(Trouble.NOT_HTTP)
                ) from None
        if self._silent > MAX_HEAD and not self.complete:
            raise TransportError(Trouble.HUGE_HEAD)
        return self.complete

    def end(self) -> bool:
        """
        Note that the connection has ended.

        Returns:
            Whether that completed the answer.

        Raises:
            TransportError: The answer is wrongly encoded.
        """
        if self.complete or not self._headers_read or self._has_length():
            return False
        self.on_message_complete()
        return True

    def take(self) -> SubgraphResponse:
        """Hand over the complete answer, and be ready for the next."""
        if self._whole is not None:
            self._join()
            self._body = [bytes(self._whole)]
        body = self._body
        response = SubgraphResponse(self._status, self._headers, body[0] if len(body) == 1 else b"".join(body))
        self._reset()
        return response

    def close(self) -> None:
        """Let go of the parser, which holds on to this reader; only an answer that is complete can still be taken."""
        self._parser = None

    # --- For the parser ---

    def on_message_begin(self) -> None:
        """Begin an answer, an interim one, or something that nobody asked for."""
        if self.complete:
            raise TransportError(Trouble.NOT_HTTP)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header of the head; what a trailer says is of no use to us."""
        if not self._headers_read:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Look at what the head says about the rest."""
        parser = self._parser
        if parser is None:
            raise TransportError(Trouble.NOT_HTTP)
        self._status = parser.get_status_code()
        if self._status < 200:
            self._interim()
            return
        self._headers_read = True
        self.reusable = parser.should_keep_alive()
        if not self.reusable and parser.get_http_version() not in {"1.0", "1.1"}:
            raise TransportError(Trouble.NOT_HTTP)
        if self._suspicious and sum(len(name) + len(value) + 4 for name, value in self._headers) > MAX_HEAD:
            raise TransportError(Trouble.HUGE_HEAD)
        chunked = False
        for name, value in self._headers:
            if len(name) in _LENGTHS:
                lower = name.lower()
                if lower == _KEEP_ALIVE:
                    self.keep_alive = value
                elif lower == _CONTENT_ENCODING:
                    if self._decoder is not None:
                        raise TransportError(Trouble.ENCODING)
                    self._decoder = decoder(value)
                elif lower == _TRANSFER_ENCODING:
                    if chunked or value.strip().lower() != b"chunked":
                        raise TransportError(Trouble.NOT_HTTP)
                    chunked = True

    def on_body(self, data: bytes) -> None:
        """Keep a piece of the body."""
        self._silent = 0
        if self._decoder is not None:
            data = self._decoder.feed(data, self._limit - self._size)
        self._size += len(data)
        if self._size > self._limit:
            raise TransportError(Trouble.TOO_LARGE, limit=self._limit)
        self._body.append(data)
        if len(self._body) >= _MOST_PIECES:
            self._join()

    def on_message_complete(self) -> None:
        """End an answer; after an interim one, the next begins."""
        if self._decoder is not None:
            self._decoder.end()
        self.complete = self._status >= 200

    # --- Steps ---

    def _join(self) -> None:
        """Put the pieces of the body together that have come so far."""
        if self._whole is None:
            self._whole = bytearray()
        for piece in self._body:
            self._whole += piece
        self._body.clear()

    def _interim(self) -> None:
        if self._status < 100 or self._status == _SWITCHING_PROTOCOLS:
            raise TransportError(Trouble.NOT_HTTP)
        self._headers = []

    def _has_length(self) -> bool:
        return any(name.lower() in {b"content-length", _TRANSFER_ENCODING} for name, _ in self._headers)
