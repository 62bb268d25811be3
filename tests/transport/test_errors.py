import ssl

import aiohttp
import pytest

from kong_federation.transport.base import SubgraphRequest
from kong_federation.transport.errors import translate

REQUEST = SubgraphRequest("shop", "https://user:secret@shop.test:8443/graphql?key=secret", (), b"", 2.5)


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (TimeoutError(), "SUBREQUEST_TIMEOUT", "No complete answer came from shop.test:8443 within 2.5 s."),
        (
            aiohttp.ConnectionTimeoutError(),
            "SUBREQUEST_TIMEOUT",
            "No connection to shop.test:8443 could be made in time.",
        ),
        (aiohttp.SocketTimeoutError(), "SUBREQUEST_TIMEOUT", "No complete answer came from shop.test:8443 in time."),
        (ConnectionResetError(104, "x"), "SUBREQUEST_HTTP_ERROR", "broke off (Connection reset by peer)."),
        (ssl.SSLError(1, "secret"), "SUBREQUEST_HTTP_ERROR", "No TLS connection to shop.test:8443 could be made."),
        (aiohttp.ClientPayloadError("secret"), "SUBREQUEST_HTTP_ERROR", "is incomplete or wrongly encoded."),
        (aiohttp.InvalidURL("http://user:secret@x"), "SUBREQUEST_HTTP_ERROR", "The request to shop.test:8443 failed."),
        (UnicodeError("secret"), "SUBREQUEST_HTTP_ERROR", "cannot be used."),
        (OSError("secret"), "SUBREQUEST_HTTP_ERROR", "The request to shop.test:8443 failed."),
        (aiohttp.ClientConnectionError("Connector is closed"), "SUBREQUEST_HTTP_ERROR", "failed."),
    ],
)
def test_the_most_specific_class_wins_and_nothing_secret_is_said(error, code, text):
    translated = translate(error, REQUEST)
    assert translated.code.name == code
    assert text in translated.message
    assert "secret" not in translated.message
