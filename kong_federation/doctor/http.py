"""One HTTP exchange, as plain as it gets: no proxies, no redirects, a bound on everything."""

from __future__ import annotations

import base64
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import unquote, urlsplit

_MOST = 64 * 1024 * 1024  # bytes of an answer; a page of plugins may hold supergraphs


class NoAnswerError(Exception):
    """There was no answer; the text says why, as a person would."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, whatever its status; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def _opener(context: ssl.SSLContext) -> urllib.request.OpenerDirector:
    """
    What opens URLs.

    It follows no redirects: a subgraph that answers with one is not where it should be. It knows no proxies either.
    """
    opener = urllib.request.OpenerDirector()
    opener.add_handler(urllib.request.HTTPHandler())
    opener.add_handler(urllib.request.HTTPSHandler(context=context))
    opener.add_handler(urllib.request.HTTPErrorProcessor())
    opener.add_handler(urllib.request.HTTPDefaultErrorHandler())
    opener.add_handler(urllib.request.UnknownHandler())
    return opener


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def send(url: str, body: bytes | None, timeout: float, *, verify: bool = True) -> Answer:
    """
    A GET, or a POST of JSON.

    Args:
        url: http or https; a user and a password in it are sent as credentials.
        body: None for a GET.
        timeout: Seconds.
        verify: Whether the other side's certificate must be trusted.

    Raises:
        NoAnswerError: There was none within `timeout` seconds.
    """
    headers = {"accept": "application/graphql-response+json, application/json", "user-agent": "kong-federation-doctor"}
    if body is not None:
        headers["content-type"] = "application/json"
    try:
        url, credentials = _apart(url)
        headers.update(credentials)
        request = urllib.request.Request(url, body, headers)  # noqa: S310 - http and https by the settings' own rule
        opener = _opener(ssl.create_default_context() if verify else _trusting())
        with opener.open(request, timeout=timeout) as response:
            return _answer(response.status, response)
    except urllib.error.HTTPError as error:
        with error:
            return _answer(error.code, error)
    except urllib.error.URLError as error:
        raise NoAnswerError(_why(error.reason)) from error
    except (OSError, HTTPException, ValueError) as error:
        raise NoAnswerError(_why(error)) from error


def shown(url: str) -> str:
    """A URL as it may be printed: without its user and password."""
    scheme, mark, rest = url.rpartition("://")
    place, slash, path = rest.partition("/")
    return f"{scheme}{mark}{place.rpartition('@')[2]}{slash}{path}"


def _apart(url: str) -> tuple[str, dict[str, str]]:
    """A URL without its user and password, and the header that carries them instead."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, {}
    coded = base64.b64encode(unquote(user).encode()).decode()
    return parts._replace(netloc=host).geturl(), {"authorization": f"Basic {coded}"}


def _answer(status: int, response: Any) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(status, headers, response.read(_MOST))


def _why(reason: object) -> str:
    match reason:
        case ConnectionRefusedError():
            return "the connection was refused: nothing listens there"
        case TimeoutError():
            return "there was no answer in time"
        case socket.gaierror():
            return "the name cannot be resolved"
        case ssl.SSLError():
            return f"TLS failed: {reason.reason or reason}"
        case _:
            return str(reason) or type(reason).__name__
