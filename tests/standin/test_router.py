"""Which route wins, and what is asked of its service."""

from __future__ import annotations

import pytest

from kong_federation.standin.declarative import read_configuration
from kong_federation.standin.router import Router
from kong_federation.standin.uri import escape, normalize, split_target


def router(*routes, base=None):
    listed = [{"name": f"r{place}", **route} for place, route in enumerate(routes)]
    services = [{"name": "s", "url": f"http://service.example{base or ''}", "routes": listed}]
    return Router(read_configuration({"_format_version": "3.0", "services": services}, {}).routes)


def found(table, path="/", method="GET", host="gw.example", **headers):
    match = table.find(method, path, host, {name: [value] for name, value in headers.items()})
    return match.route.name if match else None


@pytest.mark.parametrize(
    ("routes", "request_", "wanted"),
    [
        ([{"paths": ["/a"]}, {"paths": ["/a/b"]}], {"path": "/a/b/c"}, "r1"),
        ([{"paths": ["/a"]}, {"paths": ["/a/b"]}], {"path": "/a/x"}, "r0"),
        ([{"paths": ["/a"]}], {"path": "/ab"}, "r0"),  # a prefix of characters, not of segments
        ([{"paths": ["/a/long/one", "/a"]}, {"paths": ["/a/b"]}], {"path": "/a/b"}, "r1"),
        ([{"paths": ["/a"]}], {"path": "/b"}, None),
        ([{"paths": ["/a"]}], {"path": "/x/../a"}, "r0"),
        ([{"paths": ["/a"]}], {"path": "//%61"}, "r0"),
        ([{"paths": ["/abc"]}, {"paths": ["~/a"]}], {"path": "/abc"}, "r1"),  # regular expressions come first
        ([{"paths": ["~/a/\\d+$"]}], {"path": "/a/12"}, "r0"),
        ([{"paths": ["~/a/\\d+$"]}], {"path": "/a/12/b"}, None),
        ([{"paths": ["~/b"]}], {"path": "/a/b"}, None),  # anchored at the beginning
        ([{"paths": ["~/(?<kind>a|b)/"]}], {"path": "/b/1"}, "r0"),
        ([{"paths": ["~/a"]}, {"paths": ["~/a"], "regex_priority": 2}], {"path": "/a"}, "r1"),
        ([{"paths": ["/a"]}, {"methods": ["POST"]}], {"path": "/a", "method": "POST"}, "r0"),
        ([{"paths": ["/a"]}, {"paths": ["/"], "methods": ["POST"]}], {"path": "/a", "method": "POST"}, "r1"),
        ([{"methods": ["POST"]}], {"method": "GET"}, None),
        ([{"hosts": ["gw.example"]}, {"paths": ["/a"]}], {"path": "/a"}, "r0"),
        ([{"hosts": ["gw.example"]}], {"host": "GW.example:8000"}, "r0"),
        ([{"hosts": ["gw.example:8000"]}], {"host": "gw.example:8000"}, "r0"),
        ([{"hosts": ["gw.example:8000"]}], {"host": "gw.example"}, None),
        ([{"hosts": ["gw.example:80"]}], {"host": "gw.example"}, "r0"),  # the port that http has by itself
        ([{"hosts": ["*.example"]}, {"hosts": ["gw.example"]}], {}, "r1"),
        ([{"hosts": ["*.example"]}], {"host": "a.b.example:9"}, "r0"),
        ([{"hosts": ["gw.*"]}], {"host": "gw.anything"}, "r0"),
        ([{"paths": ["/a"]}, {"headers": {"X-Tenant": ["one", "TWO"]}}], {"path": "/a", "x-tenant": "two"}, "r1"),
        ([{"headers": {"x-tenant": ["one"]}}], {"x-tenant": "two"}, None),
        ([{"headers": {"x-tenant": ["~*^t.o$"]}}], {"x-tenant": "two"}, "r0"),
        ([{"paths": ["/a"]}, {"paths": ["/a"]}], {"path": "/a"}, "r0"),
    ],
)
def test_the_route_that_wins(routes, request_, wanted):
    assert found(router(*routes), **request_) == wanted


@pytest.mark.parametrize(
    ("base", "strip", "handling", "path", "wanted"),
    [
        (None, True, "v0", "/a", "/"),
        (None, True, "v0", "/a/b", "/b"),
        (None, True, "v0", "/ab", "/b"),
        (None, False, "v0", "/a/b", "/a/b"),
        ("/base", True, "v0", "/a", "/base"),
        ("/base", True, "v0", "/a/", "/base/"),
        ("/base", True, "v0", "/a/b", "/base/b"),
        ("/base", True, "v0", "/ab", "/base/b"),
        ("/base", False, "v0", "/a/b", "/base/a/b"),
        ("/base/", True, "v0", "/a", "/base"),
        ("/base/", True, "v0", "/a/b", "/base/b"),
        ("/base/", False, "v0", "/a/b", "/base/a/b"),
        ("/base", True, "v1", "/a/b", "/base/b"),
        ("/base", True, "v1", "/ab", "/baseb"),
        ("/base", False, "v1", "/a/b", "/basea/b"),
        ("/base/", True, "v1", "/a/b", "/base/b"),
    ],
)
def test_the_upstream_path(base, strip, handling, path, wanted):
    table = router({"paths": ["/a"], "strip_path": strip, "path_handling": handling}, base=base)
    match = table.find("GET", path, "gw.example", {})
    assert match.path == wanted
    assert match.prefix == ("/a" if strip else "")


def test_a_route_without_a_path_keeps_the_request_path():
    match = router({"methods": ["GET"]}, base="/base").find("GET", "/x/y", "gw.example", {})
    assert (match.path, match.prefix) == ("/base/x/y", "")


def test_a_malformed_regular_expression_names_its_route():
    with pytest.raises(ValueError, match="r0"):
        router({"paths": ["~/("]})


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/", "/"),
        ("/a/./b/../c", "/a/c"),
        ("/a//b///c/", "/a/b/c/"),
        ("/%61%2fb", "/a%2Fb"),
        ("/../..", "/"),
        ("/a/..", "/"),
        ("/a/.", "/a/"),
        ("/%e4", "/\xe4"),
    ],
)
def test_normalised_paths(path, wanted):
    assert normalize(path) == wanted


def test_what_goes_upstream_is_escaped_again():
    assert escape("/a b/\xe4/%20") == "/a%20b/%E4/%20"


@pytest.mark.parametrize(("target", "parts"), [("/a?b=c?d", ("/a", "b=c?d")), ("/a", ("/a", "")), ("/a?", ("/a", ""))])
def test_the_parts_of_a_target(target, parts):
    assert split_target(target) == parts
