"""
Kong's key-auth plugin: a key in a header or the query string names the consumer.

Source: https://developer.konghq.com/plugins/key-auth/, and recorded exchanges.
"""

from __future__ import annotations

from dataclasses import dataclass

from kong_federation.standin.entities import Configuration, Consumer, KeyCredential, Plugin
from kong_federation.standin.exchange import Exchange
from kong_federation.standin.request import decode_query, unescape

_ANONYMOUS = "x-anonymous-consumer"
_CREDENTIAL = "x-credential-identifier"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request may not go on."""

    status: int
    message: str
    headers: tuple[tuple[str, str], ...] = ()


def authenticate(plugin: Plugin, exchange: Exchange) -> Refusal | None:
    """
    Find out who asks, and say so in the request's headers.

    Args:
        plugin: The configuration that applies.
        exchange: Gets the consumer and the credential.

    Returns:
        A refusal, or None when the request goes on.
    """
    config = plugin.config
    if not config["run_on_preflight"] and exchange.request.method == "OPTIONS":
        return None
    anonymous = config.get("anonymous")
    if anonymous and exchange.credential is not None:
        return None
    found = _credential(plugin, exchange)
    if isinstance(found, KeyCredential):
        _identify(exchange, found.consumer, found)
        return None
    if not anonymous:
        return found
    consumer = _named(exchange.configuration, anonymous)
    if consumer is None:
        return Refusal(500, "An unexpected error occurred")
    _identify(exchange, consumer, None)
    return None


def _credential(plugin: Plugin, exchange: Exchange) -> KeyCredential | Refusal:
    config = plugin.config
    realm = config.get("realm")
    challenge = (("WWW-Authenticate", f'Key realm="{realm}"' if realm else "Key"),)
    headers = exchange.request.headers
    arguments = decode_query(exchange.request.query, 100) if config["key_in_query"] else {}
    for name in config["key_names"]:
        given: list[str | bool] = [*headers.all(name)] if config["key_in_header"] else []
        if not given and name in arguments:
            argument = arguments[name]
            given = argument if isinstance(argument, list) else [argument]
        if len(given) > 1:
            return Refusal(401, "Duplicate API key found", challenge)
        if given and isinstance(given[0], str):
            if config["hide_credentials"]:
                _hide(exchange, name)
            if not given[0]:
                break
            known = exchange.configuration.credentials.get(given[0])
            return known or Refusal(401, "Unauthorized", challenge)
    return Refusal(401, "No API key found in request", challenge)


def _hide(exchange: Exchange, name: str) -> None:
    exchange.request.headers.drop(name)
    pieces = exchange.request.query.split("&")
    exchange.request.query = "&".join(piece for piece in pieces if unescape(piece.partition("=")[0]) != name)


def _identify(exchange: Exchange, consumer: Consumer, credential: KeyCredential | None) -> None:
    exchange.consumer = consumer
    exchange.credential = credential
    exchange.nginx["authenticated_consumer"] = {
        name: value
        for name, value in (
            ("id", consumer.id),
            ("username", consumer.username),
            ("custom_id", consumer.custom_id),
            ("tags", list(consumer.tags)),
            ("created_at", exchange.configuration.created_at),
        )
        if value
    }
    if credential is not None:
        exchange.nginx["authenticated_credential"] = {
            "id": credential.id,
            "key": credential.key,
            "consumer": {"id": consumer.id},
            "created_at": exchange.configuration.created_at,
        }
    headers = exchange.request.headers
    told = {
        "x-consumer-id": consumer.id,
        "x-consumer-custom-id": consumer.custom_id,
        "x-consumer-username": consumer.username,
        _CREDENTIAL: credential.id if credential else "",
        _ANONYMOUS: "" if credential else "true",
    }
    for name, value in told.items():
        # A header that a client made up is removed when there is nothing to say.
        headers.put(name, [value] if value else [])


def _named(configuration: Configuration, pointer: str) -> Consumer | None:
    return next((one for one in configuration.consumers if pointer in {one.id, one.username}), None)
