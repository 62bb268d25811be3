"""A stand-in for Kong, for laptops and tests: it drives the real plugin server over the real protocol."""

from kong_federation.standin.events import (
    Answered,
    ConfigurationRead,
    Event,
    Listener,
    Logged,
    Ready,
    ServerEnded,
    ServerSaid,
    ServerStarted,
    Warned,
)
from kong_federation.standin.plugins import PluginInfo, read_dump
from kong_federation.standin.standin import StandIn, Tuning

__all__ = [
    "Answered",
    "ConfigurationRead",
    "Event",
    "Listener",
    "Logged",
    "PluginInfo",
    "Ready",
    "ServerEnded",
    "ServerSaid",
    "ServerStarted",
    "StandIn",
    "Tuning",
    "Warned",
    "read_dump",
]
