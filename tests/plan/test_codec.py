from pathlib import Path

import msgpack
import pytest

from kong_federation.plan import (
    Composite,
    InputField,
    Leaf,
    LeafKind,
    OperationKind,
    OutputField,
    PlanFormatError,
    QueryPlan,
    Variant,
    codec,
    decode_plan,
    encode_plan,
)
from kong_federation.plan.codec import VERSION
from kong_federation.planner import Planner
from kong_federation.supergraph import load_supergraph

BENCH = Path(__file__).parents[2] / "bench" / "workload"

SMALL = QueryPlan(
    OperationKind.QUERY,
    "",
    None,
    Composite("Query", False, (Variant(("Query",), (OutputField("x", "x", Leaf(LeafKind.INT, "Int")),)),)),
    variables=(InputField("a", "JSON", {"b": [1, [None, "c"]]}), InputField("d", "Int"), InputField("e", "Int", None)),
)


def test_a_plan_survives() -> None:
    planner = Planner(load_supergraph((BENCH / "supergraph.graphql").read_text()))
    plan = planner.plan((BENCH / "operation.graphql").read_text())

    for one in (plan, SMALL):
        assert decode_plan(encode_plan(one)) == one
        assert encode_plan(decode_plan(encode_plan(one))) == encode_plan(one)


def test_no_default_is_not_the_default_null() -> None:
    variables = decode_plan(encode_plan(SMALL)).variables

    assert variables[2].default is None
    assert repr(variables[1].default) == "NO_DEFAULT"


def test_enums_come_back_as_enums() -> None:
    plan = decode_plan(encode_plan(SMALL))

    assert plan.kind is OperationKind.QUERY
    field = plan.output.variants[0].fields[0]
    assert isinstance(field.type, Leaf)
    assert field.type.kind is LeafKind.INT


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage",
        b"\xc1",
        msgpack.packb(1),
        msgpack.packb([VERSION]),
        msgpack.packb([VERSION, None]),
        msgpack.packb([VERSION, [0]]),
        msgpack.packb([VERSION, [99]]),
        msgpack.packb([VERSION, [10]]),
        msgpack.packb([VERSION, [10, "query", "", None, None, [0], [0], False, 1]]),
        msgpack.packb([VERSION, [10, "nonsense", "", None, [51, "Q", False, [0]], [0], [0], False]]),
        msgpack.packb([VERSION, []]),
        msgpack.packb([VERSION + 1, msgpack.unpackb(encode_plan(SMALL))[1]]),
        encode_plan(SMALL)[:-1],
        encode_plan(SMALL) + b"\x00",
    ],
)
def test_foreign_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(PlanFormatError):
        decode_plan(data)


def test_plans_share_their_names_and_no_more_than_so_many(monkeypatch):
    monkeypatch.setattr(codec, "_names", {})
    monkeypatch.setattr(codec, "_MOST_NAMES", 3)
    first, second = (codec._shared(b"upc".decode()) for _ in range(2))
    assert first is second
    for number in range(10):
        assert codec._shared(f"alias{number}") == f"alias{number}"
        assert len(codec._names) <= 3
    long = "x" * 100
    assert codec._shared(long) is long
    assert long not in codec._names
