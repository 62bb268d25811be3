"""Progressive `@override`: who is on which side, and what that costs in plans."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kong_federation.gateway import Gateway, HttpRequest, Identity
from kong_federation.gateway import labels as labels_module
from kong_federation.gateway.labels import draw, find_labels
from kong_federation.settings import parse_settings
from kong_federation.supergraph import load_supergraph, override_labels
from kong_federation.transport import MemoryTransport, SubgraphResponse
from tests.gateway.gateway_world import changed, post, read

SUPERGRAPHS = Path(__file__).parents[2] / "spec" / "plans" / "supergraphs"
PROGRESSIVE = (SUPERGRAPHS / "simple-progressive-overrides.graphql").read_text(encoding="utf-8")


def found(labels, *said, **config):
    return find_labels(parse_settings({"supergraph": {"sdl": "x"}, "override_labels": said, **config}), labels)


def test_a_label_is_on_for_members_of_its_groups():
    config = {"identity": {"groups": {"ctx_key": "groups"}}}
    labels = found({"a"}, {"label": "a", "consumer_groups": ["beta", "caf\xe9"]}, **config)
    for groups, on in [((), set()), (("gold",), set()), (("gold", "beta"), {"a"}), (("caf\xc3\xa9",), {"a"})]:
        assert labels.active(HttpRequest("POST", identity=Identity(groups=groups))) == on


def test_a_client_that_kong_knows_stays_on_its_side_whatever_its_headers_say():
    labels = found({"percent(50)"})
    sides = {
        len(labels.active(HttpRequest("POST", headers={"x-consumer-id": [str(n)]}, identity=Identity("c-1"))))
        for n in range(40)
    }
    assert len(sides) == 1


def asked(**headers):
    return HttpRequest("POST", headers={name.replace("_", "-"): [value] for name, value in headers.items()})


def consumers(count):
    return [asked(x_consumer_id=f"consumer-{number}") for number in range(count)]


def test_a_supergraph_knows_its_labels():
    assert override_labels(load_supergraph(PROGRESSIVE)) == {"percent(75)", "feed_in_b"}
    plain = (SUPERGRAPHS.parents[2] / "bench" / "workload" / "supergraph.graphql").read_text(encoding="utf-8")
    assert override_labels(load_supergraph(plain)) == set()


# --- What is settled for everybody ---


@pytest.mark.parametrize(
    ("labels", "said", "always"),
    [
        ([], [], set()),
        (["a"], [], set()),
        (["a"], [{"label": "a", "enabled": True}], {"a"}),
        (["a"], [{"label": "a", "percent": 100}], {"a"}),
        (["a"], [{"label": "a", "percent": 0}], set()),
        (["percent(0)", "percent(100)", "percent(0.0)"], [], {"percent(100)"}),
        (["percent(5)"], [{"label": "percent(5)", "enabled": True}], {"percent(5)"}),
        (["percent(5)"], [{"label": "percent(5)", "percent": 0}], set()),
        # These are names like any other.
        (["percent(x)", "percent(5%)", "percent(.5)", "xpercent(5)", "percent(1.123456789)"], [], set()),
    ],
)
def test_what_does_not_depend_on_the_request_is_settled_before(labels, said, always, monkeypatch):
    monkeypatch.setattr(labels_module, "draw", None)
    settled = found(labels, *said)
    assert settled.rules == ()
    assert settled.active(asked()) == always


def test_labels_the_supergraph_does_not_have_are_a_warning_and_not_on(caplog):
    settled = found(["a"], {"label": "nope", "enabled": True}, {"label": "a", "enabled": True})
    assert settled.active(asked()) == {"a"}
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert "override label nope" in record.message


# --- The draw ---


@pytest.mark.parametrize("percent", ["0.5", "5", "33.33333333", "75", "99.9"])
def test_the_share_comes_close_to_the_percentage(percent):
    labels = found([f"percent({percent})"])
    share = sum(bool(labels.active(request)) for request in consumers(10_000)) / 100
    # Four standard deviations of a binomial distribution.
    expected = float(percent)
    assert abs(share - expected) < 4 * (expected * (100 - expected) / 10_000) ** 0.5


def test_a_client_stays_on_its_side():
    one, other = found(["percent(50)"]), found(["percent(50)"])
    sides = [one.active(request) for request in consumers(200)]
    assert sides == [other.active(request) for request in consumers(200)]
    # The same in every process and every version: these are part of the contract.
    assert [round(draw("percent", f"x-consumer-id:{name}"), 6) for name in ("a", "b")] == [24.824054, 76.690393]


def test_who_is_in_stays_in_when_the_percentage_rises():
    few, many = found(["percent(5)"]), found(["percent(20)"])
    both = found(["percent(5)", "percent(20)"])
    sets = set()
    for request in consumers(2_000):
        assert not few.active(request) or many.active(request)
        sets.add(both.active(request))
    assert sets == {frozenset(), frozenset({"percent(20)"}), frozenset({"percent(5)", "percent(20)"})}


def test_labels_with_names_of_their_own_draw_apart():
    labels = found(["a", "b"], {"label": "a", "percent": 50}, {"label": "b", "percent": 50})
    sides = [labels.active(request) for request in consumers(2_000)]
    for side in (set(), {"a"}, {"b"}, {"a", "b"}):
        assert 400 < sides.count(side) < 600


def test_the_configuration_may_say_another_share_than_the_label():
    labels = found(["percent(5)"], {"label": "percent(5)", "percent": 60.5})
    assert 5_900 < sum(bool(labels.active(request)) for request in consumers(10_000)) < 6_200


@given(st.text(), st.text())
def test_a_draw_is_below_100(name, who):
    assert 0 <= draw(name, who) < 100


def test_headers_that_are_no_text_are_known_too():
    assert len({found(["percent(50)"]).active(asked(x_consumer_id="\xff\x00")) for _ in range(5)}) == 1


# --- Who asks ---

CLIENTS = [
    ({"x_consumer_id": "{}", "x_forwarded_for": "1.1.1.1"}, True, False),
    ({"x_consumer_custom_id": "{}"}, True, False),
    ({"x_credential_identifier": "{}"}, True, False),
    ({"x_consumer_id": "", "x_consumer_custom_id": "{}"}, True, False),
    ({"x_forwarded_for": "{}, 10.0.0.1"}, True, True),
    ({"x_forwarded_for": " {} ", "x_real_ip": "9.9.9.9"}, True, True),
    ({"x_real_ip": "{}"}, True, True),
]


@pytest.mark.parametrize(("headers", "as_consumer", "as_client"), CLIENTS)
def test_a_client_is_known_by_what_the_configuration_says(headers, as_consumer, as_client):
    for stickiness, expected in (("consumer", as_consumer), ("client", as_client), ("none", False)):
        labels = found(["percent(50)"], override_stickiness=stickiness)
        sides = {}
        for number in range(64):
            request = asked(**{name: value.format(f"who-{number}") for name, value in headers.items()})
            sides[number] = {labels.active(request) for _ in range(20)}
        known = all(len(side) == 1 for side in sides.values())
        told_apart = len({frozenset(side) for side in sides.values()}) > 1
        if expected:
            assert (known, told_apart) == (True, True)
        elif stickiness == "client" and "x_forwarded_for" in headers:
            # All of them come from one address.
            assert (known, told_apart) == (True, False)
        else:
            assert not known


def test_proxies_behind_the_client_do_not_matter():
    labels = found(["percent(50)"], override_stickiness="client")
    for number in range(50):
        one, other = (asked(x_forwarded_for=f"10.0.0.{number}, {proxy}") for proxy in ("10.9.9.1", "10.9.9.2"))
        assert labels.active(one) == labels.active(other)


# --- The header ---


@pytest.mark.parametrize("value", ["1", "true", "yes", "on", " TRUE ", "anything"])
def test_a_header_switches_a_label_on(value):
    labels = found(["a", "percent(0)"], {"label": "a", "header": "X-New-Feed"}, {"label": "percent(0)", "header": "y"})
    assert labels.active(asked(x_new_feed=value)) == {"a"}
    assert labels.active(asked(y=value)) == {"percent(0)"}


@pytest.mark.parametrize("value", ["", " ", "0", "false", "No", "OFF"])
def test_a_header_that_says_no_leaves_it_to_the_share(value):
    labels = found(["a", "b"], {"label": "a", "header": "x"}, {"label": "b", "header": "x", "percent": 50})
    sides = {labels.active(changed(one, headers={**one.headers, "x": [value]})) for one in consumers(100)}
    assert sides == {frozenset(), frozenset({"b"})}


# --- Through the gateway ---


def of(consumer, request):
    return changed(request, headers={**request.headers, "x-consumer-id": [consumer]})


@pytest.mark.parametrize(
    ("labels", "said", "plans"),
    [
        ([], [{"label": "a", "percent": 50}], 1),
        (["percent(50)"], [], 2),
        (["percent(30)", "percent(60)"], [], 3),
        (["a"], [{"label": "a", "enabled": True}], 1),
    ],
)
async def test_each_set_of_labels_has_one_plan(world, tmp_path, labels, said, plans):
    log = tmp_path / "log"
    gateway = world.gateway(world.script(labels=labels, log=str(log)), override_labels=said)
    for number in [*range(40)] * 2:
        assert read(await gateway.handle(of(f"consumer-{number}", post("{ me }")))) == (200, {"data": {"me": "Ada"}})
    assert log.read_text().splitlines().count("{ me }") == plans


async def test_the_field_moves_from_one_subgraph_to_the_other(run_directory):
    sent = []

    async def answer(request):
        sent.append(request.subgraph)
        return SubgraphResponse(200, (), json.dumps({"data": {"feed": []}}).encode())

    urls = {name: f"http://{name}.test/" for name in ("a", "b")}
    settings = parse_settings(
        {
            "supergraph": {"sdl": PROGRESSIVE},
            "subgraphs": [{"name": name, "url": url} for name, url in urls.items()],
            "override_labels": [{"label": "feed_in_b", "header": "x-feed"}],
        }
    )
    gateway = Gateway(settings, run_directory, transport=MemoryTransport(dict.fromkeys(urls.values(), answer)))
    try:
        for value in ("no", "yes", "no"):
            request = of("consumer-1", post("{ feed { id } }"))
            request = changed(request, headers={**request.headers, "x-feed": [value]})
            assert read(await gateway.handle(request)) == (200, {"data": {"feed": []}})
    finally:
        await gateway.close()
    assert sent == ["a", "b", "a"]
