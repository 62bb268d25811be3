"""Who asks: what is believed from where."""

import base64
import json

import pytest

from kong_federation.gateway import NOBODY, Identity, Vouched, read_identity, shared_keys, wants_identity
from kong_federation.gateway.identity import JWT_KEY
from kong_federation.settings import parse_settings

MINIMAL = {"supergraph": {"sdl": "x"}}
KNOWN = Vouched("c-1", "alice", "a-1", ("beta",), "k-1")


def settings(**identity):
    return parse_settings({**MINIMAL, "identity": identity})


def token(claims):
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return f"h.{base64.urlsafe_b64encode(payload).decode().rstrip('=')}.s"


def test_consumer_and_credential_are_kongs():
    forged = {"x-consumer-id": ["root"], "x-credential-identifier": ["root"], "x-consumer-groups": ["admin"]}
    assert read_identity(settings(), KNOWN, forged) == Identity("c-1", "alice", "a-1", ("beta",), "k-1")
    assert read_identity(settings(), Vouched(), forged) == NOBODY
    assert not NOBODY.is_authenticated


def test_a_named_header_is_believed_only_of_whom_kong_knows():
    named = settings(groups={"header": "X-Consumer-Groups"}, scopes={"header": "X-Authenticated-Scope"})
    headers = {"x-consumer-groups": ["gold users, eu", "gold users"], "x-authenticated-scope": ["read write,admin"]}
    assert read_identity(named, Vouched(), headers) == NOBODY
    known = read_identity(named, KNOWN, headers)
    assert (known.groups, known.scopes) == (("gold users", "eu"), ("read", "write", "admin"))


def test_an_anonymous_consumer_is_known_but_not_authenticated():
    anonymous = Vouched("c-2", "anybody")
    identity = read_identity(settings(), anonymous, {"x-anonymous-consumer": ["true"]})
    assert (identity.consumer_username, identity.anonymous, identity.is_authenticated) == ("anybody", True, False)
    forged = {"x-anonymous-consumer": ["true"], "x-consumer-groups": ["admin"]}
    assert read_identity(settings(groups={"header": "X-Consumer-Groups"}), anonymous, forged).groups == ()
    assert read_identity(settings(), KNOWN, {"x-anonymous-consumer": ["true"]}).is_authenticated, "a client says so"
    assert read_identity(settings(), anonymous, {}).is_authenticated
    assert read_identity(settings(), Vouched(credential_id="ldap"), {}).is_authenticated, "without a consumer"


def test_other_plugins_tell_in_the_shared_context():
    named = settings(groups={"ctx_key": "groups"}, scopes={"ctx_key": "scopes"})
    assert shared_keys(named) == ("groups", "scopes")
    told = read_identity(named, Vouched(shared={"groups": ["a b", "", 5, "c"], "scopes": "read write"}), {})
    assert (told.groups, told.scopes) == (("a b", "c"), ("read", "write"))
    assert read_identity(named, Vouched(shared={"groups": None, "scopes": 5}), {}) == NOBODY


def test_claims_of_the_verified_token():
    named = settings(groups={"jwt_claim": "groups"}, scopes={"jwt_claim": "scope", "ctx_key": "scopes"})
    assert shared_keys(named) == ("scopes", JWT_KEY)
    claims = {"groups": ["caf\xe9", 1], "scope": "read write", "exp": 1}
    told = read_identity(named, Vouched(shared={JWT_KEY: token(claims), "scopes": ["read", "admin"]}), {})
    assert (told.groups, told.scopes) == (("caf\xc3\xa9",), ("read", "admin", "write"))


@pytest.mark.parametrize("found", ["", "a", "a.b.c", "a.\xe9.c", token(b"[1]"), token(b"{"), 5, None, {}])
def test_a_token_that_is_none_tells_nothing(found):
    assert read_identity(settings(groups={"jwt_claim": "g"}), Vouched(shared={JWT_KEY: found}), {}) == NOBODY


def test_kong_is_asked_only_if_something_depends_on_it():
    told = {"op": "insert", "named": "x-who", "value_from": "consumer_id"}
    assert not wants_identity(settings(groups={"header": "x-consumer-groups"}))
    assert wants_identity(parse_settings({**MINIMAL, "subgraph_defaults": {"headers": {"request": [told]}}}))
    subgraph = {"name": "a", "headers": {"request": [told]}}
    assert wants_identity(parse_settings({**MINIMAL, "subgraphs": [subgraph]}))
    label = {"label": "a", "consumer_groups": ["beta"]}
    assert wants_identity(
        parse_settings({**MINIMAL, "override_labels": [label], "identity": {"groups": {"ctx_key": "g"}}})
    )
