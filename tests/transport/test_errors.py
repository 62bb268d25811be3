import asyncio
import socket
import ssl

import pytest

from kong_federation.transport.errors import TransportError, Trouble, connecting, failure

URL = "https://user:secret@shop.test:8443/graphql?key=secret"


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (TimeoutError(), "SUBREQUEST_TIMEOUT", "No connection to shop.test:8443 could be made in time."),
        (socket.gaierror(-2, "secret"), "SUBREQUEST_HTTP_ERROR", "The name shop.test:8443 is not known."),
        (ssl.SSLError(1, "secret"), "SUBREQUEST_HTTP_ERROR", "No TLS connection to shop.test:8443 could be made."),
        (ssl.SSLCertVerificationError(1, "secret"), "SUBREQUEST_HTTP_ERROR", "No TLS connection to shop.test:8443"),
        (ConnectionRefusedError(111, "x"), "SUBREQUEST_HTTP_ERROR", "could be made (Connection refused)."),
        (OSError("secret"), "SUBREQUEST_HTTP_ERROR", "No connection to shop.test:8443 could be made."),
        (UnicodeError("secret"), "SUBREQUEST_HTTP_ERROR", "is not known."),
    ],
)
def test_the_most_specific_class_wins_and_nothing_secret_is_said(error, code, text):
    translated = failure(connecting(error), URL)
    assert translated.code.name == code
    assert text in translated.message
    assert "secret" not in translated.message


@pytest.mark.parametrize("trouble", Trouble)
def test_every_trouble_has_a_sentence(trouble):
    told = failure(TransportError(trouble, ConnectionResetError(104, "secret"), limit=7), URL).message
    assert "shop.test:8443" in told
    assert told.endswith(".")
    assert "{" not in told
    assert "secret" not in told


def test_limits_are_told():
    assert "2.5 s" in failure(TransportError(Trouble.LATE, limit=2.5), URL).message
    assert "100000 bytes" in failure(TransportError(Trouble.TOO_LARGE, limit=100_000), URL).message


@pytest.mark.parametrize("url", ["no url", "http://[1/", ""])
def test_urls_without_a_host(url):
    assert "host" in failure(TransportError(Trouble.ADDRESS), url).message


def test_timeouts_of_the_loop_are_pythons():
    assert asyncio.TimeoutError is TimeoutError
