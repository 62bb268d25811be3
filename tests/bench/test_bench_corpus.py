"""The draw of random operations, and the graphs they are asked of."""

from __future__ import annotations

import pytest

from bench.corpus import SUPERGRAPHS, draw, subgraphs_of
from bench.graphs import JOIN_GRAPH, corpus_graph, workload
from bench.start import OWN, chosen


def test_the_draw_is_a_function_of_its_seed():
    first, second = draw(3, 7), draw(3, 7)
    assert [(one.graph, one.question.request) for one in first] == [(one.graph, one.question.request) for one in second]
    assert len(first) == 3
    for one in first:
        assert one.question.expected["data"]
        assert one.answer_bytes > len('{"data":{}}')


@pytest.mark.parametrize("file", sorted(SUPERGRAPHS.glob("*.graphql")), ids=lambda file: file.stem)
def test_every_subgraph_of_the_corpus_is_moved_to_the_bench(file, tmp_path):
    text = file.read_text()
    graph = corpus_graph(tmp_path, file.stem, 4242)
    moved = graph.supergraph.read_text()
    assert len(graph.urls) == text.count("@join__graph(") - text.count("directive @join__graph(")
    assert moved.count(f"http://127.0.0.1:4242/{file.stem}/") == len(graph.urls)
    assert JOIN_GRAPH.findall(moved) == list(graph.urls)


def test_a_corpus_subgraph_answers():
    found = subgraphs_of(["simple-requires"])
    assert all(path.startswith(b"/simple-requires/") for path in found)
    answers = [graph.answer({"query": "{ __typename }"}) for graph in found.values()]
    assert all(answer == {"data": {"__typename": "Query"}} for answer in answers)


def test_the_workload_is_described_for_gateways_with_and_without_supergraphs(tmp_path):
    graph = workload(tmp_path, 4242)
    services = graph.description()["services"]
    assert {service["name"] for service in services} == set(graph.urls)
    assert all("type " in service["schema"] for service in services)
    assert "http://127.0.0.1:4242/notes" in graph.supergraph.read_text()


@pytest.mark.parametrize(
    ("only", "names"),
    [
        ([], list(OWN)),
        (["ours"], ["ours"]),
        (["ours", "floor"], ["ours", "floor"]),
        (["stand-in"], ["ours, stand-in"]),
        (["mercurius"], []),
    ],
)
def test_gateways_are_chosen_by_name_or_part(only, names):
    assert [name for name in OWN if chosen(name, only)] == names
