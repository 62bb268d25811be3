"""
The Admin API's requests and answers as such: bodies in Kong's forms, pages, refusals.

Source: answers of Kong 3.9.3, recorded in tests/standin/admin.json.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from kong_federation.errors import FederationError
from kong_federation.standin.problems import invalid_configuration
from kong_federation.standin.yaml_file import parse_yaml

_PAGE = 100  # entities, unless `size` says otherwise
_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


@dataclass(frozen=True, slots=True)
class Refused(Exception):  # noqa: N818 - it carries an answer, it is no failure
    """An answer that ends the handling of a request."""

    status: int
    body: Mapping[str, Any]


def read(request: web.Request, make: Callable[[], Mapping[str, Any]]) -> web.Response:
    """The answer to a GET; other methods are refused."""
    only(request, "GET", "HEAD")
    return answer(200, make())


def only(request: web.Request, *methods: str) -> None:
    """
    Refuse all other methods.

    Raises:
        Refused: 405.
    """
    if request.method not in methods:
        raise Refused(405, {"message": "Method not allowed"})


def answer(status: int, body: Mapping[str, Any]) -> web.Response:
    """An answer in JSON."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return web.Response(status=status, text=text, content_type="application/json", charset="utf-8")


async def entity_of(request: web.Request) -> dict[str, Any]:
    """
    An entity's fields.

    Raises:
        Refused: 400, or 415 for what is not JSON (Kong also takes forms).
    """
    text = await request.text()
    if not text:
        return {}
    if request.content_type != "application/json":
        raise Refused(415, {"message": "the stand-in takes JSON only"})
    given = _from_json(text)
    return given if isinstance(given, dict) else {}


async def configuration_of(request: web.Request) -> tuple[dict[str, Any], str]:
    """
    What was sent to /config: the parameters, and the configuration's text where it came as text.

    Raises:
        Refused: 400.
    """
    given: dict[str, Any] = dict(request.query)
    # A form of several parts is read piece by piece and is no text.
    text = "" if request.content_type == "multipart/form-data" else await request.text()
    if request.content_type in _FORMS:
        for name, value in (await request.post()).items():
            content = value.file.read() if isinstance(value, web.FileField) else value
            given[name] = content if isinstance(content, str) else content.decode(errors="replace")
    elif request.content_type == "application/json" and text:
        fields = _from_json(text)
        given.update(fields if isinstance(fields, dict) else {})
    if "_format_version" in given:
        return given, ""
    text = given.get("config", text)
    if not isinstance(text, str) or not text:
        raise Refused(400, {"message": "expected a declarative configuration"})
    return given, text


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Refused(400, {"message": "Cannot parse JSON body"}) from error


def parsed(text: str) -> dict[str, Any]:
    """
    A declarative configuration's text as a document.

    Raises:
        Refused: 400.
    """
    try:
        document = parse_yaml(text)
        problem = "expected an object"
    except FederationError as error:
        document, problem = None, error.message
    if isinstance(document, dict):
        return document
    raise Refused(400, invalid_configuration({"error": f"failed parsing declarative configuration: {problem}"}))


def page_of(request: web.Request, found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """
    One page of a list.

    Raises:
        Refused: 400: `size` or `offset` is wrong.
    """
    given = request.query.get("size", str(_PAGE))
    size = int(given) if given.isdigit() else None
    if size is None or not 1 <= size <= 1000:
        problem = "must be a number" if size is None else "must be an integer between 1 and 1000"
        raise Refused(400, {"code": 9, "name": "invalid size", "message": f"size {problem}"})
    start = _start(request.query.get("offset"))
    page: dict[str, Any] = {"data": list(found[start : start + size]), "next": None}
    if start + size < len(found):
        page["offset"] = base64.b64encode(str(start + size).encode()).decode()
        page["next"] = f"{request.path}?offset={page['offset']}" + (f"&size={size}" if "size" in request.query else "")
    return page


def _start(offset: str | None) -> int:
    if offset is None:
        return 0
    try:
        return int(base64.b64decode(offset, validate=True))
    except (binascii.Error, ValueError) as error:
        text = f"'{offset}' is not a valid offset: bad base64 encoding"
        raise Refused(400, {"code": 7, "name": "invalid offset", "message": text}) from error
