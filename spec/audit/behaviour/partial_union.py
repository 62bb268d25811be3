"""partial-union: a union of which one subgraph knows a single member."""

from __future__ import annotations

from spec.audit.subgraph import Rules
from spec.audit.tables import Tables, pick


def subgraphs(tables: Tables, *, strict: bool = False) -> dict[str, Rules]:
    return {"a": Rules(fields={"Query.getResponse": lambda _: pick(tables, "message", "actions")})}
