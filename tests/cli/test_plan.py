from pathlib import Path

import pytest

from kong_federation.cli.__main__ import main
from kong_federation.plan import decode_plan

ROOT = Path(__file__).parents[2]
SUPERGRAPH = str(ROOT / "bench" / "workload" / "supergraph.graphql")
OPERATION = str(ROOT / "bench" / "workload" / "operation.graphql")


def test_a_plan_is_shown_with_its_cost(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", SUPERGRAPH, OPERATION]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "# 6 fetches in 4 waves"


@pytest.mark.parametrize(
    ("stage", "says"),
    [
        ("normalized", "topProducts: [Product]"),
        ("paths", "Product.inStock from inventory (by key { upc }"),
        ("fetches", "wave 1 inventory needs #0"),
        ("plan", 'Fetch(service: "inventory")'),
        ("code", "async def run(S):"),
    ],
)
def test_every_stage_can_be_seen(stage: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", SUPERGRAPH, "{ topProducts { inStock } }", "--stage", stage]) == 0
    assert says in capsys.readouterr().out


def test_the_bytes_are_the_caches_bytes(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["plan", SUPERGRAPH, "{ me { name } }", "--stage", "msgpack"]) == 0
    assert decode_plan(capfdbinary.readouterr().out).operation_name == ""


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        ([SUPERGRAPH, "{ nobody }"], 1, 'GRAPHQL_VALIDATION_FAILED: Cannot query field "nobody"'),
        ([SUPERGRAPH, "{ me"], 1, "GRAPHQL_PARSE_FAILED"),
        ([OPERATION, "{ me { name } }"], 1, "SUPERGRAPH_INVALID"),
        (["no-such-file.graphql", "{ me { name } }"], 2, "No such file"),
        ([SUPERGRAPH, "no-such-operation.graphql"], 2, "No such file"),
        ([SUPERGRAPH, "{ me\n { nobody } }"], 1, "kong-federation plan: 2:4: GRAPHQL_VALIDATION_FAILED"),
        ([SUPERGRAPH, " "], 2, "OPERATION: there is no document"),
        ([SUPERGRAPH, "{ me { name } }", "--label", "percent(5)"], 2, "no field has the override label percent(5)"),
    ],
)
def test_what_is_wrong_is_said_in_one_place(
    arguments: list[str], status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", *arguments]) == status
    captured = capsys.readouterr()
    assert says in captured.err.replace("'", '"')
    assert captured.out == ""


def test_a_file_that_is_no_text_is_named(tmp_path, capsys):
    operation = tmp_path / "operation.graphql"
    operation.write_bytes(b"{ me \xff }")
    assert main(["plan", SUPERGRAPH, str(operation)]) == 2
    assert f"{operation}: is not UTF-8 from byte 6 on" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["plan", "serve", "dump", "schema", "dev", "doctor"])
def test_every_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert f"kong-federation {command}" in capsys.readouterr().out


def test_the_help_names_all_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    text = capsys.readouterr().out
    for command in ("plan", "serve", "dump", "schema", "dev", "doctor"):
        assert command in text


@pytest.mark.parametrize(
    "arguments",
    [
        ["healthcheck", "--socket", "s", "--timeout", "-1"],
        ["healthcheck", "--socket", "s", "--timeout", "0"],
        ["healthcheck", "--socket", "s", "--timeout", "soon"],
        ["plan", "s", "{ a }", "--timeout", "-1"],
        ["serve", "--socket", "s", "--workers", "0"],
        ["dev", "kong.yml", "--workers", "0"],
        ["dev", "kong.yml", "--port", "65536"],
        ["dev", "kong.yml", "--port=-1"],
        ["dev", "kong.yml", "--admin-port", "no"],
    ],
)
def test_numbers_that_make_no_sense_are_told(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert arguments[-1].rpartition("=")[2] in capsys.readouterr().err
