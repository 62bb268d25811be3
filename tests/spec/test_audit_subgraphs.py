"""The audit's subgraphs, asked directly: each rule of a `behaviour.md` that is worth it is a case in `subgraphs/`."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from spec.audit.suite import Suite, suites

CASES = Path(__file__).parent / "subgraphs"

# Answered by one fetch, but not by the client's own operation: the gateway hides a value of an enum, leaves out what a
# subgraph does not know, or adds what two subgraphs' views of a type make together.
RESHAPED = {
    "enum-intersection_2",
    "override-type-interface_1",
    "union-interface-distributed_0",
    "union-interface-distributed_1",
    "union-interface-distributed_7",
}


def cases():
    for path in sorted(CASES.glob("*.yml")):
        for case in yaml.safe_load(path.read_text()):
            yield pytest.param(Suite(path.stem), case, id=f"{path.stem}: {case['name']}")


def single_fetches():
    for suite in suites():
        for question in suite.questions():
            if question.apollo == 1:
                yield pytest.param(suite, question, id=question.id)


def operation(step):
    """The query and the variables of a step, which states them or lists representations."""
    if "query" in step:
        return step["query"], step.get("variables")
    query = (
        "query ($representations: [_Any!]!) {"
        f" _entities(representations: $representations) {{ {step['select']} }} }} {step.get('fragments', '')}"
    )
    return query, {"representations": step["entities"]}


def expected_data(step):
    if step["data"] is None or "query" in step:
        return step["data"]
    return {"_entities": step["data"]}


def located(error):
    return ".".join(str(part) for part in error["path"])


@pytest.mark.parametrize(("suite", "case"), list(cases()))
async def test_a_subgraph_behaves_as_described(suite, case):
    subgraphs = suite.subgraphs(strict=case.get("strict", False))
    for step in case.get("steps", [case]):
        answer = await subgraphs[step["of"]].answer(*operation(step))
        if "refused" in step:
            assert "data" not in answer
            assert any(step["refused"] in error["message"] for error in answer["errors"]), answer
            continue
        if "sdl" in step:
            assert answer["data"]["_service"]["sdl"] == suite.declarations()[step["of"]]
            continue
        assert answer["data"] == expected_data(step), answer.get("errors")
        wanted = sorted(entry.partition(": ") for entry in step.get("errors", []))
        found = sorted(answer.get("errors", []), key=located)
        assert [located(error) for error in found] == [path for path, _, _ in wanted]
        for error, (_, _, message) in zip(found, wanted, strict=True):
            assert not message or error["message"] == message


@pytest.mark.parametrize(("suite", "question"), list(single_fetches()))
async def test_a_single_fetch_is_answered_as_the_audit_expects(suite, question):
    fitting = []
    for subgraph in suite.subgraphs().values():
        answer = await subgraph.answer(question.query)
        errors = question.errors is None or question.errors is bool(answer.get("errors"))
        fitting.append(answer.get("data") == question.data and errors)
    assert any(fitting) is (question.id not in RESHAPED)


@pytest.mark.parametrize("suite", suites(), ids=lambda suite: suite.name)
def test_supergraph_and_subgraphs_belong_together(suite):
    graphs = suite.supergraph.read_text()
    for name in suite.declarations():
        assert f'@join__graph(name: "{name}", url: "http://127.0.0.1:4200/{suite.name}/{name}")' in graphs
    assert graphs.count('@join__graph(name: "') == len(suite.declarations())


def test_this_is_the_half_of_the_audit_it_says_it_is():
    assert len(suites()) == 24
    assert sum(len(suite.questions()) for suite in suites()) == 102


def test_every_suite_has_cases():
    assert {path.stem for path in CASES.glob("*.yml")} == {suite.name for suite in suites()}


def test_an_unknown_suite_is_named():
    with pytest.raises(LookupError, match="no such suite: nothing"):
        suites(["simple-override", "nothing"])
