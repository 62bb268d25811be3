"""
A plan as a program: functions that were written for it alone.

    read the documents   what each fetch asks for, and so where each value may be     sources, shapes
    walk                 to the objects that are asked for                            walking
    gather               who is asked for, by which identity                          keys, gathering
    project              the answer, read from where the values are                   projecting
    schedule             which fetch waits for which                                  scheduling

**No merging.** The interpreter merges all answers into one tree and then reads the client's answer from it. A program
leaves the answers as they were parsed: entities are kept in tables, and where the output needs a field of an entity,
the object's identity is looked up. So an entity that stands in a hundred places is taken in once, and nothing is
copied or written into.

**Only what is right.** A program gives data without errors, or gives up. It gives up at anything that is not as it is
nearly always: an error of a subgraph, a value of the wrong kind, a null where there must be none. The interpreter then
goes over the same answers (`State.sent`; no request is sent twice) and finds out what the client is to be told. So a
program has no error handling, and there is one place where the rules about errors are written.

A program is made of many small pieces of text, each compiled by itself, so that no compilation holds the loop for long.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from typing import Any

from kong_federation.errors import FederationError
from kong_federation.executor.compiled.asking import KNOWN
from kong_federation.executor.compiled.gathering import Gathering
from kong_federation.executor.compiled.projecting import Cases, Projecting
from kong_federation.executor.compiled.scheduling import Scheduling
from kong_federation.executor.compiled.scope import Tables
from kong_federation.executor.compiled.sources import Sources, UnsuitableError
from kong_federation.executor.compiled.state import State
from kong_federation.executor.compiled.support import OddError
from kong_federation.executor.compiled.writer import Functions, Names, TooManyError
from kong_federation.executor.context import ExecutionContext, JsonObject
from kong_federation.executor.projection import When, conditions_of, holds_one
from kong_federation.executor.request import Question, question_of
from kong_federation.plan.nodes import Fetch, QueryPlan

# Of one program. An interface of eighty types that is nested in itself is better interpreted: the interpreter prepares
# only the types that come.
MOST_FUNCTIONS = 300

# Bytes of answers. To project so many takes about five milliseconds; more is done in a thread, so that the loop gets
# its turn in between.
LARGE = 500_000

# What a value that is not what it is taken for makes Python raise, and what a fetch that failed raises.
GIVING_UP = (OddError, FederationError, KeyError, TypeError, AttributeError, ValueError, RecursionError)


@dataclass(frozen=True)
class Program:
    """
    A compiled plan.

    Args:
        questions: What its fetches ask.
        conditions: Of the output; their order is that of `State.flags`.
        empty: Attributes of `State` that begin as empty dictionaries.
        run: Sends the requests and takes in the answers.
        project: Gives the client's data.
        names: What the functions refer to, themselves included.
    """

    questions: tuple[Question, ...]
    conditions: tuple[When, ...]
    empty: tuple[str, ...]
    run: Callable[[State], Coroutine[Any, Any, None]]
    project: Callable[[State], JsonObject]
    names: dict[str, Any] = field(repr=False, compare=False)

    def __del__(self) -> None:
        # Functions and their global names hold each other, and the garbage collector is kept from plans.
        self.names.clear()

    def begin(self, variables: JsonObject, context: ExecutionContext) -> State:
        """
        The state for one execution: what `run` and then `project` take.

        Args:
            variables: The client's, coerced.
            context: The surroundings.
        """
        flags = tuple([holds_one(when, variables) for when in self.conditions]) if self.conditions else ()
        state = State(self.questions, variables, context, flags)
        if self.empty:
            attributes = state.__dict__
            for name in self.empty:
                attributes[name] = {}
        return state


@dataclass(frozen=True)
class Script:
    """
    A program as text.

    Args:
        texts: Its functions, callees first.
        names: What they refer to beside each other.
        questions: What its fetches ask.
        conditions: Of the output.
        empty: Attributes of `State` that begin as empty dictionaries.
    """

    texts: tuple[str, ...]
    names: dict[str, Any]
    questions: tuple[Question, ...]
    conditions: tuple[When, ...]
    empty: tuple[str, ...]


def write_script(plan: QueryPlan, breathe: Callable[[], None] = lambda: None) -> Script:
    """
    Write the text of a plan's program.

    Args:
        plan: The plan.
        breathe: Called between small pieces of the work.

    Raises:
        UnsuitableError: The plan has something that is left to the interpreter.
        RecursionError: It is nested too deeply.
    """
    try:
        return _write_script(plan, breathe)
    except TooManyError as error:
        raise UnsuitableError(f"a program of too many {error}") from None


def _write_script(plan: QueryPlan, breathe: Callable[[], None]) -> Script:
    sources = Sources(plan)
    names = Names(KNOWN)
    tables = Tables()
    functions = Functions(MOST_FUNCTIONS, breathe)
    gathering = Gathering(sources, tables, functions, names)
    texts = []
    for number, fetch in enumerate(sources.fetches):
        breathe()
        if isinstance(fetch, Fetch) and (fetch.flattens or fetch.path):
            texts.append(gathering.ask(number, fetch))
        if isinstance(fetch, Fetch) and fetch.flattens:
            texts.append(gathering.take(number, fetch))
    conditions = conditions_of(plan.output)
    projecting = Projecting(sources, tables, functions, names, conditions)
    project = projecting.root(plan.output)
    texts += [*functions.texts, project, *Scheduling().write(plan.node)]
    questions = tuple(map(question_of, sources.fetches))
    empty = (*_missing(sources, tables), *gathering.memories, *projecting.memories)
    return Script(tuple(texts), names.values, questions, tuple(conditions), empty)


def _missing(sources: Sources, tables: Tables) -> Iterator[str]:
    """The attributes for answers of fetches that may not be made."""
    for source in sources.all:
        if source.flatten is None and (source.conditional or source.steps):
            yield f"r{source.fetch}"
        elif source.conditional:
            yield from tables.of.get((source.fetch, source.order), ())


def compile_plan(plan: QueryPlan, breathe: Callable[[], None] = lambda: None) -> Program:
    """
    Compile a plan.

    Args:
        plan: The plan.
        breathe: Called between small pieces of the work, so that who works beside others can pause.

    Raises:
        UnsuitableError: It has something that is left to the interpreter.
        RecursionError: It is nested too deeply.
    """
    script = write_script(plan, breathe)
    space = script.names
    for text in script.texts:
        breathe()
        exec(compile(text, "<plan>", "exec"), space)  # noqa: S102 - the text is ours, and holds no text of clients
    for value in list(space.values()):
        if isinstance(value, Cases):
            value.bind(space.__getitem__)
    return Program(script.questions, script.conditions, script.empty, space["run"], space["project"], space)
