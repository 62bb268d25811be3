"""What the Admin API says of a node: its version, its configuration, its entities."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kong_federation.doctor.entities import PLUGIN, Entities, Entity
from kong_federation.doctor.http import Answer, NoAnswerError, send


@dataclass(frozen=True, slots=True)
class Node:
    """
    A Kong node.

    Args:
        version: Such as `3.9.3`; empty if it did not say.
        root: What `GET /` answered; empty if that failed.
        root_status: Its status.
        plugins: Names of the plugins it has loaded.
        schema: Of our plugin, as it read it when it started; empty if it does not know the plugin.
        entities: What is configured.
    """

    version: str
    root: Mapping[str, Any]
    root_status: int
    plugins: tuple[str, ...]
    schema: Mapping[str, Any]
    entities: Entities

    @property
    def configuration(self) -> Mapping[str, Any]:
        """kong.conf as the node has it."""
        found = self.root.get("configuration")
        return found if isinstance(found, Mapping) else {}


def read_node(url: str, timeout: float) -> Node:
    """
    Ask a node.

    Args:
        url: Of the Admin API.
        timeout: Seconds for each call.

    Raises:
        NoAnswerError: It cannot be reached, or it is no Admin API.
    """
    base = url.rstrip("/")
    root = send(f"{base}/", None, timeout)
    enabled = _json(send(f"{base}/plugins/enabled", None, timeout), f"{base}/plugins/enabled")
    names = tuple(enabled.get("enabled_plugins", ()))
    known = f"{base}/schemas/plugins/{PLUGIN}"
    schema = _json(send(known, None, timeout), known) if PLUGIN in names else {}
    upstreams = [
        {**upstream, "targets": list(_all(base, f"/upstreams/{upstream['id']}/targets", timeout))}
        for upstream in _all(base, "/upstreams", timeout)
    ]
    entities = Entities(
        services=list(_all(base, "/services", timeout)),
        routes=list(_all(base, "/routes", timeout)),
        plugins=list(_all(base, "/plugins", timeout)),
        upstreams=upstreams,
    )
    told = _json(root, f"{base}/") if root.status == 200 else {}
    version = str(told.get("version") or root.headers.get("server", "").partition("kong/")[2])
    return Node(version, told, root.status, names, schema, entities)


def _all(base: str, path: str, timeout: float) -> Iterator[Entity]:
    """All entities of a kind, page by page."""
    following: str | None = path
    while following:
        page = _json(send(base + following, None, timeout), base + following)
        yield from page.get("data", ())
        following = page.get("next")


def _json(answer: Answer, url: str) -> dict[str, Any]:
    try:
        told = json.loads(answer.body)
    except ValueError:
        told = None
    if answer.status != 200 or not isinstance(told, dict):
        raise NoAnswerError(f"{url} answered {answer.status} and not as an Admin API does")
    return told
