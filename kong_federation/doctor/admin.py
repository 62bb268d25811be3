"""What the Admin API says of a node: its version, its configuration, its entities."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kong_federation.doctor.entities import PLUGIN, Entities, Entity
from kong_federation.doctor.http import Answer, NoAnswerError, send, shown


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


def read_node(url: str, timeout: float, *, verify: bool) -> Node:
    """
    Ask a node.

    Args:
        url: Of the Admin API.
        timeout: Seconds for each call.
        verify: Whether its certificate must be trusted.

    Raises:
        NoAnswerError: It cannot be reached, or it is no Admin API.
    """

    def get(path: str) -> Answer:
        return send(url.rstrip("/") + path, None, timeout, verify=verify)

    def read(path: str) -> dict[str, Any]:
        return _json(get(path), url.rstrip("/") + path)

    def every(path: str) -> Iterator[Entity]:
        following: str | None = path
        while following:
            page = read(following)
            yield from page.get("data", ())
            following = page.get("next")

    root = get("/")
    names = tuple(read("/plugins/enabled").get("enabled_plugins", ()))
    schema = read(f"/schemas/plugins/{PLUGIN}") if PLUGIN in names else {}
    entities = Entities(
        services=list(every("/services")),
        routes=list(every("/routes")),
        plugins=list(every("/plugins")),
        upstreams=[{**one, "targets": list(every(f"/upstreams/{one['id']}/targets"))} for one in every("/upstreams")],
    )
    told = _json(root, url) if root.status == 200 else {}
    version = str(told.get("version") or root.headers.get("server", "").partition("kong/")[2])
    return Node(version, told, root.status, names, schema, entities)


def _json(answer: Answer, url: str) -> dict[str, Any]:
    try:
        told = json.loads(answer.body)
    except ValueError:
        told = None
    if answer.status != 200 or not isinstance(told, dict):
        raise NoAnswerError(f"{shown(url)} answered {answer.status} and not as an Admin API does")
    return told
