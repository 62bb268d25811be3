"""
Who asks, as far as Kong vouches for it.

A header can be made up by any client; what Kong's authentication plugins put into Kong's own context cannot. So the
consumer and the credential are always Kong's (`kong.client.get_consumer`, `kong.client.get_credential`), and groups
and scopes are believed only from where the configuration says a plugin puts them:

    ctx_key     a member of `kong.ctx.shared`; no client can write there
    jwt_claim   a claim of the token that Kong's `jwt` plugin has verified and left in `kong.ctx.shared`
    header      a header, and only of a client that has authenticated: the operator says that a plugin on the route sets
                it (`acl`, `oauth2`); whoever is let in as the anonymous consumer may have written it

Texts are latin-1, one character for each byte, as headers are.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from kong_federation.settings import ClaimSettings, Settings

JWT_KEY = "authenticated_jwt_token"
"""Where in `kong.ctx.shared` Kong's `jwt` plugin leaves the token it has verified."""

# Set by every authentication plugin that lets a client in as its `anonymous` consumer, and taken away by the others.
_ANONYMOUS_HEADER = "x-anonymous-consumer"


@dataclass(frozen=True, slots=True)
class Identity:
    """
    Who asks.

    Args:
        consumer_id: Kong's consumer; empty if there is none.
        consumer_username: Its name, may be empty.
        consumer_custom_id: Its id in other systems, may be empty.
        consumer_tags: Its tags.
        credential_id: What it authenticated with; empty for an anonymous consumer.
        groups: What it belongs to, in the order Kong tells.
        scopes: What it was granted, in the order Kong tells.
        anonymous: Whether the consumer is the one that stands for everybody who did not authenticate.
    """

    consumer_id: str = ""
    consumer_username: str = ""
    consumer_custom_id: str = ""
    consumer_tags: tuple[str, ...] = ()
    credential_id: str = ""
    groups: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    anonymous: bool = False

    @property
    def is_authenticated(self) -> bool:
        """Whether Kong has checked who it is."""
        return bool(self.credential_id or self.consumer_id) and not self.anonymous


NOBODY = Identity()
"""Nobody in particular: no authentication plugin ran, or nothing in the configuration wants to know."""


@dataclass(frozen=True, slots=True)
class Vouched:
    """
    What Kong says in its own context.

    Args:
        consumer_id, consumer_username, consumer_custom_id, consumer_tags: `kong.client.get_consumer`.
        credential_id: `kong.client.get_credential`.
        shared: Those members of `kong.ctx.shared` that `shared_keys` names, as far as they are there.
    """

    consumer_id: str = ""
    consumer_username: str = ""
    consumer_custom_id: str = ""
    consumer_tags: tuple[str, ...] = ()
    credential_id: str = ""
    shared: Mapping[str, Any] = field(default_factory=dict)


def wants_identity(settings: Settings) -> bool:
    """Whether anything in a configuration depends on who asks; if not, Kong need not be asked."""
    headers = (settings.subgraph_defaults.headers, *(subgraph.headers for subgraph in settings.subgraphs))
    told = any(rule.value_from is not None for one in headers for rule in one.request)
    return told or any(label.consumer_groups for label in settings.override_labels)


def shared_keys(settings: Settings) -> tuple[str, ...]:
    """The members of `kong.ctx.shared` that tell groups and scopes, each once."""
    claims = (settings.identity.groups, settings.identity.scopes)
    named = [claim.ctx_key for claim in claims if claim.ctx_key is not None]
    return tuple(dict.fromkeys([*named, *(JWT_KEY for claim in claims if claim.jwt_claim is not None)]))


def read_identity(settings: Settings, vouched: Vouched, headers: Mapping[str, Sequence[str]]) -> Identity:
    """
    Put together who asks.

    Args:
        settings: Where groups and scopes are told.
        vouched: What Kong says.
        headers: The request's headers as they are after the authentication plugins, names in lower case.
    """
    known = bool(vouched.consumer_id or vouched.credential_id)
    anonymous = not vouched.credential_id and _ANONYMOUS_HEADER in headers
    believed = headers if known and not anonymous else {}
    token = vouched.shared.get(JWT_KEY)
    claims = _claims(token) if isinstance(token, str) else {}
    return Identity(
        consumer_id=vouched.consumer_id,
        consumer_username=vouched.consumer_username,
        consumer_custom_id=vouched.consumer_custom_id,
        consumer_tags=vouched.consumer_tags,
        credential_id=vouched.credential_id,
        groups=_told(settings.identity.groups, vouched.shared, claims, believed, ","),
        scopes=_told(settings.identity.scopes, vouched.shared, claims, believed, " "),
        anonymous=known and anonymous,
    )


def _told(
    where: ClaimSettings,
    shared: Mapping[str, Any],
    claims: Mapping[str, Any],
    headers: Mapping[str, Sequence[str]],
    separator: str,
) -> tuple[str, ...]:
    found: list[str] = []
    if where.ctx_key is not None:
        found += _texts(shared.get(where.ctx_key), separator)
    if where.jwt_claim is not None:
        found += _texts(claims.get(where.jwt_claim), separator)
    if where.header is not None:
        for value in headers.get(where.header.lower(), ()):
            found += _split(value, separator)
    return tuple(dict.fromkeys(found))


def _texts(value: Any, separator: str) -> list[str]:
    """A list of texts, or one text that is a list; whatever else it is tells nothing."""
    match value:
        case str():
            return _split(value, separator)
        case list():
            return [item for item in value if isinstance(item, str) and item]
        case _:
            return []


def _split(text: str, separator: str) -> list[str]:
    # Names of groups may have spaces in them. OAuth separates scopes by spaces, some plugins by commas.
    pieces = text.replace(",", " ").split() if separator == " " else text.split(separator)
    return [stripped for piece in pieces if (stripped := piece.strip())]


def _claims(token: str) -> dict[str, Any]:
    """The claims of a token whose signature Kong has checked; none if it is not what Kong leaves there."""
    _, _, rest = token.partition(".")
    payload, _, _ = rest.partition(".")
    try:
        claims = orjson.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, binascii.Error):
        return {}
    return {name: _bytewise(value) for name, value in claims.items()} if isinstance(claims, dict) else {}


def _bytewise(value: Any) -> Any:
    if isinstance(value, str):
        return bytewise(value)
    return [bytewise(item) for item in value if isinstance(item, str)] if isinstance(value, list) else value


def bytewise(text: str) -> str:
    """A text as it looks when each byte of its UTF-8 form is one character, which is how headers are held."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("latin-1")
