"""key-auth in front of the plugin: who asks, and who may not."""

from __future__ import annotations

import json

import pytest

from tests.standin.scripted import ask, get, parse

ALICE = {"username": "alice", "custom_id": "a-1", "tags": ["beta"], "keyauth_credentials": [{"key": "secret"}]}
GUEST = {"username": "guest"}


def configuration(**config):
    return {
        "_format_version": "3.0",
        "consumers": [ALICE, GUEST],
        "routes": [
            {
                "name": "graphql",
                "paths": ["/graphql"],
                "plugins": [{"name": "graphql-federation"}, {"name": "key-auth", "config": config}],
            }
        ],
    }


async def seen(wire, _):
    """Answer with what the plugin sees of the consumer."""
    consumer = await wire.call("kong.client.get_consumer")
    credential = await wire.call("kong.client.get_credential")
    headers = await wire.call("kong.request.get_headers", 100)
    context = await wire.call("kong.nginx.get_ctx", "authenticated_consumer")
    told = {name: value for name, value in headers.items() if name.startswith(("x-c", "x-a", "apikey"))}
    query = await wire.call("kong.request.get_raw_query")
    wire.exit(
        200,
        json.dumps(
            {
                "consumer": consumer.username,
                "credential": credential.id,
                "headers": told,
                "query": query,
                "context": context and context["username"],
            }
        ).encode(),
    )


async def test_a_key_in_a_header_names_the_consumer(launch):
    standin, _ = await launch(configuration(), seen)
    status, _, body = parse(await ask(standin.port, get("/graphql", "ApiKey: secret", "X-Consumer-Groups: forged")))
    told = json.loads(body)
    assert status == 200
    assert (told["consumer"], told["context"]) == ("alice", "alice")
    assert told["headers"]["x-consumer-username"] == "alice"
    assert told["headers"]["x-consumer-custom-id"] == "a-1"
    assert told["headers"]["x-credential-identifier"] == told["credential"]
    assert told["headers"]["apikey"] == "secret"


async def test_made_up_headers_are_overwritten(launch):
    standin, _ = await launch(configuration(), seen)
    request = get("/graphql", "apikey: secret", "X-Consumer-Username: root", "X-Anonymous-Consumer: true")
    told = json.loads(parse(await ask(standin.port, request))[2])
    assert told["headers"]["x-consumer-username"] == "alice"
    assert "x-anonymous-consumer" not in told["headers"]


async def test_a_key_in_the_query(launch):
    standin, _ = await launch(configuration(hide_credentials=True), seen)
    told = json.loads(parse(await ask(standin.port, get("/graphql?a=1&apikey=secret&b")))[2])
    assert (told["consumer"], told["query"]) == ("alice", "a=1&b")


async def test_a_hidden_key_is_not_in_the_headers(launch):
    standin, _ = await launch(configuration(hide_credentials=True), seen)
    told = json.loads(parse(await ask(standin.port, get("/graphql", "apikey: secret")))[2])
    assert "apikey" not in told["headers"]


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ([], "No API key found in request"),
        (["apikey:"], "No API key found in request"),
        (["apikey: wrong"], "Unauthorized"),
        (["apikey: secret", "apikey: secret"], "Duplicate API key found"),
    ],
)
async def test_refusals(launch, headers, message):
    standin, server = await launch(configuration(), seen)
    status, fields, body = parse(await ask(standin.port, get("/graphql", *headers)))
    assert status == 401
    assert json.loads(body)["message"] == message
    assert dict(fields)["www-authenticate"] == "Key"
    assert not server.calls


async def test_a_realm(launch):
    standin, _ = await launch(configuration(realm="shop"), seen)
    fields = parse(await ask(standin.port, get("/graphql")))[1]
    assert dict(fields)["www-authenticate"] == 'Key realm="shop"'


async def test_other_key_names_and_places(launch):
    standin, _ = await launch(configuration(key_names=["x-key"], key_in_query=False), seen)
    assert parse(await ask(standin.port, get("/graphql", "X-Key: secret")))[0] == 200
    assert parse(await ask(standin.port, get("/graphql?x-key=secret")))[0] == 401
    assert parse(await ask(standin.port, get("/graphql", "apikey: secret")))[0] == 401


async def test_an_anonymous_consumer_lets_everyone_in(launch):
    standin, _ = await launch(configuration(anonymous="guest"), seen)
    told = json.loads(parse(await ask(standin.port, get("/graphql")))[2])
    assert told["consumer"] == "guest"
    assert told["headers"]["x-anonymous-consumer"] == "true"
    assert told["credential"] == ""


async def test_preflights_may_pass(launch):
    standin, _ = await launch(configuration(run_on_preflight=False), seen)
    request = get("/graphql").replace(b"GET", b"OPTIONS", 1)
    assert parse(await ask(standin.port, request))[0] == 200


async def test_a_consumers_own_configuration_of_the_plugin_wins(launch):
    config = configuration()
    config["plugins"] = [{"name": "graphql-federation", "consumer": "alice", "config": {"mode": "hers"}}]
    del config["routes"][0]["plugins"][0]
    config["routes"][0]["plugins"].append({"name": "graphql-federation", "config": {"mode": "all"}})
    standin, server = await launch(config, seen)
    await ask(standin.port, get("/graphql", "apikey: secret"))
    # A route's configuration counts less than a consumer's.
    assert json.loads(server.starts[0].configuration)["mode"] == "hers"
