"""The supergraph and the subgraphs behind it, as the doctor sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

from kong_federation.doctor.finding import State
from kong_federation.doctor.graphs import Graph
from kong_federation.doctor.supergraph import Address, examine_subgraphs, examine_supergraph
from kong_federation.settings import parse_settings
from tests.doctor.served import GRAPH, JSON, Served

SUPERGRAPH = Path(__file__).parents[2] / "examples" / "supergraph.graphql"


def graph(config):
    return Graph("g", config, parse_settings(config), ("/graphql",))


def only(findings):
    (finding,) = findings
    return finding


@pytest.mark.parametrize("way", ["path", "sdl"])
def test_addresses_are_the_supergraphs_unless_the_settings_say_otherwise(way):
    source = str(SUPERGRAPH) if way == "path" else SUPERGRAPH.read_text()
    subgraphs = [{"name": "products", "url": "http://elsewhere/graphql"}]
    addresses, findings = examine_supergraph(graph({"supergraph": {way: source}, "subgraphs": subgraphs}))
    assert only(findings).text == "g: a supergraph of 4 subgraphs"
    urls = {address.subgraph: address.url for address in addresses}
    assert urls["products"] == "http://elsewhere/graphql"
    assert urls.keys() == {"accounts", "inventory", "products", "reviews"}


@pytest.mark.parametrize(
    ("config", "state", "says"),
    [
        ({"supergraph": {"path": "/no/such/file"}}, State.WARNING, "/no/such/file cannot be read here: No such file"),
        (
            {"supergraph": {"sdl": "type Query { a: Int }"}},
            State.FAILED,
            "the supergraph is refused: SUPERGRAPH_INVALID",
        ),
        ({"supergraph": {"sdl": "type Query {"}}, State.FAILED, "the supergraph is refused"),
        (
            {"supergraph": {"path": str(SUPERGRAPH)}, "subgraphs": [{"name": "PRODUCTS"}]},
            State.FAILED,
            "the supergraph has no subgraph PRODUCTS",
        ),
    ],
)
def test_what_is_wrong_with_a_supergraph(config, state, says):
    _, findings = examine_supergraph(graph(config))
    finding = next(finding for finding in findings if finding.state is not State.OK)
    assert finding.state is state
    assert says in finding.text
    assert finding.advice


def test_a_subgraph_without_an_address():
    sdl = SUPERGRAPH.read_text()
    lines = [line.split("url:")[0] + 'url: "")' if 'name: "products"' in line else line for line in sdl.splitlines()]
    _, findings = examine_supergraph(graph({"supergraph": {"sdl": "\n".join(lines)}}))
    assert [finding.text for finding in findings if finding.state is State.FAILED] == [
        "g: the subgraph products has no address"
    ]


def test_a_configuration_with_a_vault_reference_is_skipped():
    addresses, findings = examine_supergraph(Graph("g", {}, None, ()))
    assert addresses == []
    assert only(findings).state is State.SKIPPED


ANSWERS = {
    "/right?key=secret": GRAPH,
    "/right": GRAPH,
    "/errors": (401, JSON, {"errors": [{"message": "who are you?"}]}),
    "/page": (200, "text/html", "<p>hello</p>"),
    "/away": (302, "text/plain", ""),
    "/graphql": GRAPH,
    "/slow": 1.5,
}


@pytest.mark.parametrize(
    ("path", "state", "says"),
    [
        ("/right", State.OK, "/right answers"),
        ("/errors", State.WARNING, "answers 401 with errors only"),
        ("/page", State.FAILED, "answers 200, text/html, which is not GraphQL"),
        ("/nothing", State.FAILED, "answers 404"),
        ("/away", State.FAILED, "answers 302"),
        ("/slow", State.FAILED, "there was no answer in time"),
    ],
)
def test_each_subgraph_is_asked_once(path, state, says):
    with Served(ANSWERS) as served:
        addresses = [Address("g", "products", served.url + path), Address("h", "products", served.url + path)]
        finding = only(examine_subgraphs(addresses, 0.5))
        assert served.asked == [("POST", path, b'{"query":"{__typename}"}')]
    assert finding.state is state
    assert finding.text.startswith(f"products at {served.url}")
    assert says in finding.text


def test_nobody_there_and_no_such_name():
    with Served({}) as served:
        gone = served.url
    findings = examine_subgraphs(
        [Address("g", "a", gone), Address("g", "b", "http://no-such-name.invalid/graphql")], 2.0
    )
    assert [finding.text.partition(": ")[2] for finding in findings] == [
        "the connection was refused: nothing listens there",
        "the name cannot be resolved",
    ]


def test_credentials_in_an_address_are_sent_and_not_shown():
    with Served(ANSWERS) as served:
        address = Address("g", "a", served.url.replace("http://", "http://user:s%40cret@") + "/right?key=secret")
        finding = only(examine_subgraphs([address], 1.0))
        assert served.authorization == "Basic dXNlcjpzQGNyZXQ="
    assert "cret" not in finding.text
