"""What a kong.yml says, checked and complete: the entities of Kong that the stand-in serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Service:
    """Where a route's requests go; time-outs in milliseconds."""

    id: str
    name: str
    protocol: str
    host: str
    port: int
    path: str
    retries: int
    connect_timeout: int
    write_timeout: int
    read_timeout: int
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """
    Which requests are meant.

    Args:
        headers: Lower-case name and the values that fit, for routes that ask for headers.
        paths: Prefixes, or regular expressions behind a `~`.
        service: None for a route that only plugins answer.
    """

    id: str
    name: str
    protocols: tuple[str, ...]
    methods: tuple[str, ...]
    hosts: tuple[str, ...]
    paths: tuple[str, ...]
    headers: tuple[tuple[str, tuple[str, ...]], ...]
    https_redirect_status_code: int
    regex_priority: int
    strip_path: bool
    path_handling: str
    preserve_host: bool
    request_buffering: bool
    tags: tuple[str, ...]
    service: Service | None


@dataclass(frozen=True, slots=True)
class Target:
    """One address of an upstream; a weight of 0 takes it out."""

    host: str
    port: int
    weight: int


@dataclass(frozen=True, slots=True)
class Upstream:
    """A named set of addresses; `host_header` is empty when the target's own name is sent."""

    name: str
    host_header: str
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who may ask."""

    id: str
    username: str
    custom_id: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyCredential:
    """A consumer's key for key-auth."""

    id: str
    key: str
    consumer: Consumer


@dataclass(frozen=True, slots=True)
class Plugin:
    """
    One configuration of a plugin.

    Args:
        id: Also the key under which Kong caches its instance.
        key: Kong's cache key, sent as `__key__`.
        instance_name: Empty when none was given.
        config: Complete: defaults filled, fields without a value absent.
        handed: The same as Kong hands it to a plugin, with what references to vaults stand for.
        route, service, consumer: Ids of what it is limited to; empty for no limit.
    """

    id: str
    key: str
    name: str
    instance_name: str
    protocols: tuple[str, ...]
    config: Mapping[str, Any]
    handed: Mapping[str, Any]
    route: str
    service: str
    consumer: str


@dataclass(frozen=True, slots=True)
class Configuration:
    """
    A whole kong.yml.

    Args:
        created_at: Seconds since 1970; Kong gives everything in a declarative configuration the time it was read.
        warnings: What was read and is not imitated, one sentence each.
    """

    services: tuple[Service, ...]
    routes: tuple[Route, ...]
    upstreams: Mapping[str, Upstream]
    consumers: tuple[Consumer, ...]
    credentials: Mapping[str, KeyCredential]
    plugins: tuple[Plugin, ...]
    created_at: int
    warnings: tuple[str, ...]
