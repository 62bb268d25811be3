"""One request, from HTTP bytes to HTTP bytes."""

from kong_federation.gateway.exchange import HttpRequest, HttpResponse
from kong_federation.gateway.gateway import Gateway
from kong_federation.gateway.http import refusal
from kong_federation.gateway.sockets import private_directory
from kong_federation.gateway.spawn import BuilderProgram

__all__ = ["BuilderProgram", "Gateway", "HttpRequest", "HttpResponse", "private_directory", "refusal"]
