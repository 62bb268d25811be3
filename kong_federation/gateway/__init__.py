"""One request, from HTTP bytes to HTTP bytes."""

from kong_federation.gateway.exchange import HttpRequest, HttpResponse
from kong_federation.gateway.fields import Field, fields_of, only_one_of
from kong_federation.gateway.gateway import Gateway
from kong_federation.gateway.http import refusal
from kong_federation.gateway.parse import parse_settings
from kong_federation.gateway.reference import reference
from kong_federation.gateway.settings import Settings
from kong_federation.gateway.spawn import BuilderProgram

__all__ = [
    "BuilderProgram",
    "Field",
    "Gateway",
    "HttpRequest",
    "HttpResponse",
    "Settings",
    "fields_of",
    "only_one_of",
    "parse_settings",
    "reference",
    "refusal",
]
