"""
The ids that Kong gives to the entities of a declarative configuration.

They are derived from names, so that the same kong.yml has the same ids in every node and after every start:
UUID version 5 of the entity's key, in a namespace that is itself the UUID of the kind's name. An entity without a
name or another unique key gets a random one. Checked against the recorded ids of a real Kong.
"""

from __future__ import annotations

import uuid

WORKSPACE = "0dc6f45b-8f8d-40d2-a504-473544ee190b"
"""The id of the one workspace; in Kong it is random per node, here it is that of the recorded node."""

_ROOT = uuid.UUID("fd02801f-0957-4a15-a55a-c8d9606f30b5")


def entity_id(kind: str, key: str) -> str:
    """The id of an entity, by its kind (`services`) and unique key (mostly its name)."""
    if not key:
        return str(uuid.uuid4())
    return str(uuid.uuid5(uuid.uuid5(_ROOT, kind), key))


def plugin_id(name: str, route: str, service: str, consumer: str) -> str:
    """The id of a plugin's configuration, by the ids of what it is limited to."""
    return entity_id("plugins", f"plugins:*:{name}:{route}:{service}:{consumer}")


def plugin_cache_key(name: str, route: str, service: str, consumer: str) -> str:
    """Kong's cache key of a plugin's configuration, which it sends as `__key__`."""
    return f"plugins:{name}:{route}:{service}:{consumer}::{WORKSPACE}"
