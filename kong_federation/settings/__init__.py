"""What may be configured, defined once: read by the gateway, printed for Kong and for people."""

from kong_federation.settings.checks import (
    AtLeastOneOf,
    Check,
    Conditional,
    MutuallyExclusive,
    OnlyOneOf,
    checks_of,
    is_kept,
)
from kong_federation.settings.fields import Field, fields_of, in_any_case
from kong_federation.settings.headers import HOP_BY_HOP, OWN_HEADERS, HeaderRule, HeaderSettings
from kong_federation.settings.json_schema import json_schema
from kong_federation.settings.model import (
    ClaimSettings,
    OverrideLabelSettings,
    Settings,
    SupergraphSettings,
    WarmupSettings,
)
from kong_federation.settings.parse import parse_settings
from kong_federation.settings.reference import reference

__all__ = [
    "HOP_BY_HOP",
    "OWN_HEADERS",
    "AtLeastOneOf",
    "Check",
    "ClaimSettings",
    "Conditional",
    "Field",
    "HeaderRule",
    "HeaderSettings",
    "MutuallyExclusive",
    "OnlyOneOf",
    "OverrideLabelSettings",
    "Settings",
    "SupergraphSettings",
    "WarmupSettings",
    "checks_of",
    "fields_of",
    "in_any_case",
    "is_kept",
    "json_schema",
    "parse_settings",
    "reference",
]
