"""A program as people read it."""

from __future__ import annotations

import msgspec

from kong_federation.executor.compiled.asking import KNOWN
from kong_federation.executor.compiled.program import Script, write_script
from kong_federation.executor.compiled.sources import UnsuitableError
from kong_federation.plan.nodes import QueryPlan


def show_code(plan: QueryPlan) -> str:
    """
    The program of a plan: what its fetches ask, what its functions refer to, and the functions.

    For a plan that is not compiled it says why.
    """
    try:
        script = write_script(plan)
    except UnsuitableError as error:
        return f"# This plan is not compiled, because it has {error}; the interpreter runs it."
    return "\n\n".join([_questions(script), _constants(script), *(text.rstrip() for text in script.texts)])


def _questions(script: Script) -> str:
    lines = []
    for number, (question, record) in enumerate(zip(script.questions, script.records.roots, strict=True)):
        asked = f"{question.subgraph}: " if question.subgraph else "the gateway itself: "
        lines.append(f"# fetch {number}, {asked}{question.document}")
        lines.append(f"#   parsed as {record}")
    return "\n".join(lines) or "# nothing is fetched"


def _constants(script: Script) -> str:
    lines = ["# S: the state of one execution"]
    for name, value in script.names.items():
        if name in KNOWN:
            continue
        if isinstance(value, msgspec.Struct):
            lines.append(f"# {name}: an entity that its subgraph does not know, with nulls for {_keys(value)}")
        elif isinstance(value, type):
            lines.append(f"# {name}: an object that is answered, with {_keys(value)}")
        elif callable(value):
            lines.append(f"# {name}: {value.__doc__}")
        else:
            lines.append(f"{name} = {dict(value) if isinstance(value, dict) else value!r}")
    return "\n".join(lines)


def _keys(record: msgspec.Struct | type[msgspec.Struct]) -> str:
    return ", ".join(record.__struct_encode_fields__) or "nothing"
