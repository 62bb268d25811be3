"""One request, from HTTP bytes to HTTP bytes."""

from kong_federation.gateway.exchange import HttpRequest, HttpResponse

__all__ = ["HttpRequest", "HttpResponse"]
