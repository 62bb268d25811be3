import base64

import pytest

from kong_federation.transport.address import Address
from kong_federation.transport.errors import TransportError, Trouble

NOTHING, HOST, AUTHORIZATION = 0, 1, 2


@pytest.mark.parametrize(
    ("url", "origin", "target", "host"),
    [
        ("http://shop", (False, "shop", 80), "/", "shop"),
        ("http://Shop.Test:80/", (False, "shop.test", 80), "/", "shop.test"),
        ("https://shop:443/a/b?c=d&e", (True, "shop", 443), "/a/b?c=d&e", "shop"),
        ("https://shop:80/", (True, "shop", 80), "/", "shop:80"),
        ("http://127.0.0.1:4001/graphql#fragment", (False, "127.0.0.1", 4001), "/graphql", "127.0.0.1:4001"),
        ("http://[::1]:4001/graphql", (False, "::1", 4001), "/graphql", "[::1]:4001"),
        ("http://[fe80::1%eth0]/", (False, "fe80::1%eth0", 80), "/", "[fe80::1]"),
        ("http://bücher.test/", (False, "xn--bcher-kva.test", 80), "/", "xn--bcher-kva.test"),
        ("http://a_service/x y/ü?q=ä%20b", (False, "a_service", 80), "/x%20y/%C3%BC?q=%C3%A4%20b", "a_service"),
        ("http://shop?a=b", (False, "shop", 80), "/?a=b", "shop"),
        ("http://shop/a\r\nx-evil: 1", (False, "shop", 80), "/ax-evil:%201", "shop"),
    ],
)
def test_where_a_url_leads(url, origin, target, host):
    address = Address(url)
    assert tuple(address.origin) == origin
    assert address.starts[NOTHING].decode() == f"POST {target} HTTP/1.1\r\nhost: {host}\r\n"


def test_credentials_become_an_authorization():
    address = Address("http://us%65r:p%C3%A4ss@shop/")
    expected = base64.b64encode("user:päss".encode())
    assert address.starts[NOTHING].endswith(b"authorization: Basic " + expected + b"\r\n")
    assert b"authorization" not in address.starts[AUTHORIZATION]


def test_a_request_may_name_another_host():
    assert Address("http://shop/").starts[HOST] == b"POST / HTTP/1.1\r\n"


@pytest.mark.parametrize(
    "url",
    [
        "no url",
        "",
        "http://",
        "http://[1/",
        "http://[x]/",
        "ftp://shop/",
        "ws://shop/",
        "http://a b:x/",
        "http://shop:0/",
        "http://shop:65536/",
        "http://shop:x/",
        "http://sh op/",
        "http://shop\\evil/",
        "http://" + "a" * 70 + "é.test/",
        "http://user@/",
    ],
)
def test_urls_that_lead_nowhere(url):
    with pytest.raises(TransportError) as raised:
        Address(url)
    assert raised.value.trouble is Trouble.ADDRESS
