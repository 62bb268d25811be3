"""What may be configured, defined once: read by the gateway, printed for Kong and for people."""

from kong_federation.settings.fields import Field, fields_of, only_one_of
from kong_federation.settings.model import (
    HOP_BY_HOP,
    OWN_HEADERS,
    HeaderSettings,
    OverrideLabelSettings,
    Settings,
    SupergraphSettings,
)
from kong_federation.settings.parse import parse_settings

__all__ = [
    "HOP_BY_HOP",
    "OWN_HEADERS",
    "Field",
    "HeaderSettings",
    "OverrideLabelSettings",
    "Settings",
    "SupergraphSettings",
    "fields_of",
    "only_one_of",
    "parse_settings",
]
