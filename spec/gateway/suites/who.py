"""Who asks: authentication in front of the plugin, and what subgraphs are told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping

from spec.gateway.case import Scene, Suite, equal, true
from spec.gateway.client import query

SUITE = Suite("who asks")

_ASK = "{ me { id } }"
_FORGED = {
    "x-consumer-id": "forged",
    "x-consumer-username": "forged",
    "x-consumer-groups": "forged",
    "x-credential-identifier": "forged",
    "x-authenticated-scope": "forged",
    "x-told-consumer-username": "forged",
    "x-told-groups": "forged",
}


def _told(scene: Scene) -> Mapping[str, str]:
    """What the subgraph that was asked last has been told."""
    headers = scene.record.to("/accounts")[-1].headers
    found = {name.removeprefix("x-told-"): value for name, value in headers.items() if name.startswith("x-told-")}
    true(not any("forged" in value for value in headers.values()), f"something forged arrives: {headers}")
    return found


@SUITE.case("a request that authentication turns down reaches nobody", ["key-auth"])
def _(scene: Scene) -> None:
    for headers in ({}, {"apikey": "wrong"}):
        equal(query(f"{scene.url}/key", _ASK, headers).status, 401)
    equal(scene.record.asked, [])


@SUITE.case("subgraphs are told the consumer and the credential", ["key-auth"])
def _(scene: Scene) -> None:
    equal(query(f"{scene.url}/key", _ASK, {"apikey": "alice-key", **_FORGED}).status, 200)
    told = dict(_told(scene))
    true(len(told.pop("consumer-id")) == 36, "the consumer has an id")
    true(len(told.pop("credential-id")) == 36, "the credential has an id")
    equal(told, {"consumer-username": "alice", "consumer-custom-id": "a-1"})


@SUITE.case("an anonymous consumer is told by name", ["key-auth"])
def _(scene: Scene) -> None:
    equal(query(f"{scene.url}/anonymous", _ASK, _FORGED).status, 200)
    told = _told(scene)
    equal((told.get("consumer-username"), told.get("credential-id")), ("anybody", None))


@SUITE.case("without authentication nothing a client says is believed")
def _(scene: Scene) -> None:
    equal(query(f"{scene.url}/forged", _ASK, _FORGED).status, 200)
    equal(_told(scene), {})


@SUITE.case("groups that acl told in a header reach subgraphs", ["key-auth", "acl"])
def _(scene: Scene) -> None:
    equal(query(f"{scene.url}/acl", _ASK, {"apikey": "alice-key", **_FORGED}).status, 200)
    equal(set(_told(scene)["groups"].split(",")), {"gold", "eu"})


@SUITE.case("scopes of a token that jwt verified reach subgraphs", ["jwt"])
def _(scene: Scene) -> None:
    authorization = {"authorization": f"Bearer {_token({'iss': 'issuer', 'scope': 'read write'})}"}
    equal(query(f"{scene.url}/jwt", _ASK, {**authorization, **_FORGED}).status, 200)
    told = _told(scene)
    equal((told["scopes"], told["consumer-username"]), ("read,write", "alice"))
    equal(query(f"{scene.url}/jwt", _ASK, {"authorization": authorization["authorization"] + "x"}).status, 401)


@SUITE.case("groups in the shared context reach subgraphs", ["pre-function"])
def _(scene: Scene) -> None:
    equal(query(f"{scene.url}/shared", _ASK, _FORGED).status, 200)
    equal(_told(scene)["groups"], "a b,c")


@SUITE.case("rules say which headers subgraphs see")
def _(scene: Scene) -> None:
    client = {
        "x-app-a": "1",
        "x-app-debug": "2",
        "x-other": "3",
        "cookie": "s=1",
        "authorization": "secret",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "baggage": "k=v",
        "x-gateway": "forged",
    }
    answer = query(f"{scene.url}/rules", _ASK, client)
    seen = scene.record.to("/accounts")[-1].headers
    equal({name: seen.get(name) for name in client}, {**dict.fromkeys(client), **_SEEN})
    equal(seen.get("x-organisation"), "none")
    equal(seen["x-kong-request-id"], answer.headers["x-kong-request-id"])
    query(f"{scene.url}/rules", _ASK, {"x-tenant": "shop"})
    seen = scene.record.to("/accounts")[-1].headers
    equal((seen.get("x-organisation"), seen.get("x-tenant")), ("shop", None))


_SEEN = {
    "x-app-a": "1",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "x-gateway": "kong",
}


def _token(claims: Mapping[str, str]) -> str:
    def encoded(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).decode().rstrip("=")

    head = json.dumps({"alg": "HS256", "typ": "JWT"}).encode()
    signed = f"{encoded(head)}.{encoded(json.dumps(claims).encode())}"
    secret = b"0123456789abcdef0123456789abcdef"
    return f"{signed}.{encoded(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"
