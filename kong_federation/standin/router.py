"""
Which route a request takes: Kong's `traditional` router.

A route with several paths counts as several routes with one path each. They are tried in this order, and the first
that fits wins:

1. by how many kinds of attribute they ask for, then by the rank of the kinds (host, header, path, method);
2. a wildcard host with a port, then routes whose hosts are all plain, then those with a regular expression as path;
3. more headers before fewer;
4. among regular expressions the higher `regex_priority`, otherwise the longer path;
5. the order in the file.

Source: https://developer.konghq.com/gateway/routing/traditional/; the order of ties was read in Kong 3.9.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kong_federation.standin.entities import Route
from kong_federation.standin.uri import normalize

_HOST, _HEADER, _PATH, _METHOD = 8, 4, 2, 1
_WILDCARD_PORT, _PLAIN_HOSTS, _REGEX = 4, 2, 1


@dataclass(frozen=True, slots=True)
class Match:
    """
    A route that fits, and where its service is asked.

    Args:
        path: What is asked of the upstream, without the query.
        prefix: The part of the path that was stripped; empty when nothing was.
    """

    route: Route
    path: str
    prefix: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A route with one of its paths (empty: it asks for none)."""

    route: Route
    path: str
    pattern: re.Pattern[str] | None
    hosts: tuple[re.Pattern[str], ...]
    order: tuple[int, ...]


class Router:
    """
    All routes, in the order in which they are tried.

    Args:
        routes: In the order of the file.

    Raises:
        ValueError: A route's regular expression is malformed; the text names the route.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        candidates = [_candidate(route, path) for route in routes for path in route.paths or ("",)]
        self._candidates = sorted(candidates, key=lambda candidate: candidate.order)

    def find(self, method: str, raw_path: str, host: str, headers: Mapping[str, Sequence[str]]) -> Match | None:
        """
        The route of a request.

        Args:
            method: As in the request line.
            raw_path: The request's path, not normalised, without the query.
            host: The Host header, with its port if it has one.
            headers: Lower-case names.
        """
        path = normalize(raw_path)
        for candidate in self._candidates:
            rest = _rest(candidate, method, path, host.lower(), headers)
            if rest is not None:
                route = candidate.route
                stripped = path[: len(path) - len(rest)] if candidate.path and route.strip_path else ""
                return Match(route, _upstream_path(candidate, path, rest), "" if stripped == "/" else stripped)
        return None


def _candidate(route: Route, path: str) -> _Candidate:
    wildcards = any("*" in host for host in route.hosts)
    regex = path.startswith("~")
    kinds = (
        _HOST * bool(route.hosts) | _HEADER * bool(route.headers) | _PATH * bool(path) | _METHOD * bool(route.methods)
    )
    sub = _REGEX * regex
    if route.hosts:
        ported = any("*" in host and _port(host) for host in route.hosts)
        sub |= _WILDCARD_PORT * ported | _PLAIN_HOSTS * (not wildcards)
    try:
        # Possessive and atomic parts of PCRE are known to Python from 3.11 on; other differences are not bridged.
        pattern = (
            re.compile(path[1:].replace("(?<", "(?P<").replace("(?P<=", "(?<=").replace("(?P<!", "(?<!"))
            if regex
            else None
        )
    except re.error as error:
        raise ValueError(f"the route {route.name or route.id} has a malformed path {path!r}: {error}") from error
    order = (
        -kinds.bit_count(),
        -kinds,
        -sub,
        -len(route.headers),
        -route.regex_priority if regex else 0,
        0 if regex else -len(path),
    )
    return _Candidate(route, path, pattern, tuple(map(_host_pattern, route.hosts)), order)


def _port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return port if colon and name and port.isdigit() else ""


def _host_pattern(host: str) -> re.Pattern[str]:
    """A host of a route: without a port it fits any."""
    written = re.escape(host.lower()).replace(r"\*", ".+")
    return re.compile(written if _port(host) else written + r"(?::\d+)?")


def _rest(candidate: _Candidate, method: str, path: str, host: str, headers: Mapping[str, Sequence[str]]) -> str | None:
    """What of the path is behind the matched part; None when the candidate does not fit."""
    route = candidate.route
    if route.methods and method not in route.methods:
        return None
    if route.hosts:
        ported = host if _port(host) else f"{host}:80"
        if not any(pattern.fullmatch(ported) or pattern.fullmatch(host) for pattern in candidate.hosts):
            return None
    if not all(_has(headers.get(name, ()), values) for name, values in route.headers):
        return None
    if candidate.pattern is not None:
        found = candidate.pattern.match(path)
        return None if found is None else path[found.end() :]
    return path[len(candidate.path) :] if path.startswith(candidate.path) else None


def _has(given: Sequence[str], wanted: Sequence[str]) -> bool:
    if len(wanted) == 1 and wanted[0].startswith("~*"):
        return any(re.search(wanted[0][2:], value) for value in given)
    return bool({value.lower() for value in given} & {value.lower() for value in wanted})


def _upstream_path(candidate: _Candidate, path: str, rest: str) -> str:
    """The service's path joined with the request's, by the route's `path_handling`."""
    route = candidate.route
    base = (route.service.path if route.service else "") or "/"
    stripped = route.strip_path
    # Without a path to match the whole request path counts as the rest, without its first slash.
    postfix = rest if candidate.path else path[1:]
    if route.path_handling == "v1":
        return _join_v1(base, postfix) if stripped else base + path[1:]
    if base.endswith("/"):
        return _join_slashed(base, postfix, path) if stripped else base + path[1:]
    if not stripped:
        # Under `v0` a base without a final slash takes the whole path; "/" alone adds nothing.
        return base if path == "/" else base + path
    if not postfix:
        return base if not path.endswith("/") or len(path) == 1 else base + "/"
    return base + postfix if postfix.startswith("/") else f"{base}/{postfix}"


def _join_v1(base: str, postfix: str) -> str:
    return base[:-1] + postfix if base.endswith("/") and postfix.startswith("/") else base + postfix


def _join_slashed(base: str, postfix: str, path: str) -> str:
    if not postfix:
        return "/" if base == "/" else base if path.endswith("/") else base[:-1]
    return base[:-1] + postfix if postfix.startswith("/") else base + postfix
