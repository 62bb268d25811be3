"""
The order of the fetches, as a coroutine.

A fetch that nothing waits for is sent before anything is awaited, so that most parallel fetches need no task: of a
parallel node, only branches of several steps get one, and one of these is run without.
"""

from __future__ import annotations

from kong_federation.executor.compiled.writer import Writer
from kong_federation.plan.nodes import Condition, Fetch, Introspect, Node, Parallel, Sequence


class Scheduling:
    """The coroutines of one plan: `run`, and one for each branch that is a task of its own."""

    def __init__(self) -> None:
        self._fetches = 0
        self._texts: list[str] = []

    def write(self, node: Node | None) -> list[str]:
        """The text of `run` after those of its branches."""
        write = Writer()
        if node is not None:
            self._node(write, node)
        return [*self._texts, write.text("async def run(S):")]

    def _node(self, write: Writer, node: Node) -> None:
        match node:
            case Fetch() | Introspect():
                number = self._send(write, node)
                self._receive(write, node, number)
            case Sequence(nodes):
                for inner in nodes:
                    self._node(write, inner)
            case Parallel(nodes):
                self._parallel(write, nodes)
            case Condition(variable, when_true, when_false):
                self._condition(write, variable, when_true, when_false)
            case _:
                raise AssertionError(node)

    def _parallel(self, write: Writer, nodes: tuple[Node, ...]) -> None:
        single: list[tuple[Fetch | Introspect, int]] = []
        branches: list[str] = []
        for inner in nodes:
            if isinstance(inner, Fetch | Introspect):
                single.append((inner, self._send(write, inner)))
            else:
                branches.append(self._branch(inner))
        *others, own = branches or [""]
        tasks = [write.fresh("task") for _ in others]
        for task, name in zip(tasks, others, strict=True):
            write(f"{task} = S.start({name}(S))")
        if own:
            write(f"await {own}(S)")
        for inner, number in single:
            self._receive(write, inner, number)
        for task in tasks:
            write(f"await {task}")

    def _branch(self, node: Node) -> str:
        name = f"branch{len(self._texts)}"
        self._texts.append("")
        place = len(self._texts) - 1
        write = Writer()
        self._node(write, node)
        self._texts[place] = write.text(f"async def {name}(S):")
        return name

    def _condition(self, write: Writer, variable: str, when_true: Node | None, when_false: Node | None) -> None:
        test = f"S.variables.get({variable!r}) is True"
        if when_true is not None:
            with write.block(f"if {test}:"):
                self._node(write, when_true)
        if when_false is not None:
            with write.block("else:" if when_true is not None else f"if not ({test}):"):
                self._node(write, when_false)

    def _send(self, write: Writer, node: Fetch | Introspect) -> int:
        number = self._fetches
        self._fetches += 1
        if isinstance(node, Introspect):
            # Nothing is sent.
            return number
        if not _needs_objects(node):
            write(f"a{number} = sent(S, {number}, body_of(S, {number}))")
            return number
        write(f"b{number} = ask{number}(S)")
        with write.block(f"if b{number} is not None:"):
            write(f"a{number} = sent(S, {number}, b{number})")
        return number

    def _receive(self, write: Writer, node: Fetch | Introspect, number: int) -> None:
        if isinstance(node, Introspect):
            write(f"S.r{number} = await introspected(S, {number})")
        elif _needs_objects(node):
            with write.block(f"if b{number} is not None:"):
                data = f"data_of(S, {number}, await a{number})"
                write(f"take{number}(S, {data})" if node.flattens else f"S.r{number} = {data}")
        else:
            write(f"S.r{number} = data_of(S, {number}, await a{number})")


def _needs_objects(fetch: Fetch) -> bool:
    return bool(fetch.flattens or fetch.path)
