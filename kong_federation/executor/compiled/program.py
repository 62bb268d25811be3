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

from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from kong_federation.errors import FederationError
from kong_federation.executor.compiled.asking import KNOWN
from kong_federation.executor.compiled.gathering import Gathering
from kong_federation.executor.compiled.projecting import Cases, Projecting
from kong_federation.executor.compiled.records import CLASSES, Records
from kong_federation.executor.compiled.scheduling import Scheduling
from kong_federation.executor.compiled.scope import Tables
from kong_federation.executor.compiled.sources import Sources, UnsuitableError
from kong_federation.executor.compiled.state import State
from kong_federation.executor.compiled.support import OddError, encode
from kong_federation.executor.compiled.writer import Functions, Names, TooManyError
from kong_federation.executor.context import ExecutionContext, JsonObject
from kong_federation.executor.projection import When, conditions_of, holds_one
from kong_federation.executor.request import Question, question_of
from kong_federation.plan.nodes import Fetch, QueryPlan

# Bytes of memory. By least squares over programs of 200 to 15,000 characters it is 2.5, 500 and 3,500 (with what the
# parser knows of a class), within a quarter for each of them. The rest is for the classes that wait for the collector,
# and for what the allocator loses when programs come and go.
_PER_CHARACTER = 3
_PER_FUNCTION = 600
_PER_CLASS = 5_000

# Of one program. An interface of eighty types that is nested in itself is better interpreted: the interpreter prepares
# only the types that come.
MOST_FUNCTIONS = 300

# Bytes of answers. To project so many takes about five milliseconds; more is done in a thread, so that the loop gets
# its turn in between.
LARGE = 500_000

# What the parser raises where a value is of another kind than was claimed, or is not there.
UNLIKE_CLAIMED = msgspec.ValidationError

# What a value that is not what it is taken for makes Python raise, and what a fetch that failed raises.
GIVING_UP = (
    OddError,
    FederationError,
    msgspec.MsgspecError,
    KeyError,
    TypeError,
    AttributeError,
    ValueError,
    RecursionError,
)


@dataclass(frozen=True)
class Program:
    """
    A compiled plan.

    Args:
        questions: What its fetches ask.
        conditions: Of the output; their order is that of `State.flags`.
        decoders: What parses their answers.
        empty: Attributes of `State` that begin as empty dictionaries.
        absent: Attributes of `State` for data that may not come, and what stands for them.
        run: Sends the requests and takes in the answers.
        project: Gives the client's data, a record for `encode`.
        names: What the functions refer to, themselves included.
        weight: What it is estimated to hold in memory, in bytes.
        classes: How many were made for it.
    """

    questions: tuple[Question, ...]
    conditions: tuple[When, ...]
    decoders: tuple[Any, ...]
    empty: tuple[str, ...]
    absent: dict[str, Any]
    run: Callable[[State], Coroutine[Any, Any, None]]
    project: Callable[[State], Any]
    names: dict[str, Any] = field(repr=False, compare=False)
    weight: int = 0
    classes: int = 0

    def __del__(self) -> None:
        # Functions and their global names hold each other, and the garbage collector is kept from plans.
        self.names.clear()
        CLASSES.leave(self.classes)

    def begin(self, variables: JsonObject, context: ExecutionContext) -> State:
        """
        The state for one execution: what `run` and then `project` take.

        Args:
            variables: The client's, coerced.
            context: The surroundings.
        """
        flags = tuple([holds_one(when, variables) for when in self.conditions]) if self.conditions else ()
        state = State(self.questions, self.decoders, variables, context, flags)
        attributes = state.__dict__
        for name in self.empty:
            attributes[name] = {}
        if self.absent:
            attributes.update(self.absent)
        return state

    def answer(self, state: State) -> bytes:
        """The whole answer to the client, as JSON."""
        return encode({"data": self.project(state)})


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
        absent: Attributes of `State` for data that may not come, and the fetches.
        records: What its answers are parsed into.
    """

    texts: tuple[str, ...]
    names: dict[str, Any]
    questions: tuple[Question, ...]
    conditions: tuple[When, ...]
    empty: tuple[str, ...]
    absent: dict[str, int]
    records: Records


def write_script(plan: QueryPlan, breathe: Callable[[], None] = lambda: None, *, trusting: bool = True) -> Script:
    """
    Write the text of a plan's program.

    Args:
        plan: The plan.
        breathe: Called between small pieces of the work.
        trusting: Whether the parser looks at the kinds of values. It does so with less tolerance than the program.

    Raises:
        UnsuitableError: The plan has something that is left to the interpreter.
        RecursionError: It is nested too deeply.
    """
    try:
        return _write_script(plan, breathe, trusting=trusting)
    except TooManyError as error:
        raise UnsuitableError(f"a program of too many {error}") from None


def _write_script(plan: QueryPlan, breathe: Callable[[], None], *, trusting: bool) -> Script:
    sources = Sources(plan)
    names = Names(KNOWN)
    tables = Tables(names)
    records = Records(sources, trusting=trusting)
    functions = Functions(MOST_FUNCTIONS, breathe)
    gathering = Gathering(sources, tables, functions)
    texts = []
    for number, fetch in enumerate(sources.fetches):
        breathe()
        if isinstance(fetch, Fetch) and (fetch.flattens or fetch.path):
            texts.append(gathering.ask(number, fetch))
        if isinstance(fetch, Fetch) and fetch.flattens:
            texts.append(gathering.take(number, fetch))
    conditions = conditions_of(plan.output)
    projecting = Projecting(sources, tables, records, functions, names, conditions)
    project = projecting.root(plan.output)
    texts += [*functions.texts, project, *Scheduling().write(plan.node)]
    questions = tuple(map(question_of, sources.fetches))
    empty = (*_missing(sources, tables), *gathering.memories, *projecting.memories)
    absent = {f"r{source.fetch}": source.fetch for source in sources.all if source.may_be_absent}
    for source in sources.all:
        name = tables.nulls.get((source.fetch, source.order)) if source.flatten is not None else None
        if name is not None:
            names.values[name] = records.entities(source).of_nulls()
    return Script(tuple(texts), names.values, questions, tuple(conditions), empty, absent, records)


def _missing(sources: Sources, tables: Tables) -> Iterator[str]:
    """The tables of fetches that may not be made."""
    for source in sources.all:
        if source.flatten is not None and source.conditional:
            yield from tables.of.get((source.fetch, source.order), ())


def compile_plan(plan: QueryPlan, breathe: Callable[[], None] = lambda: None, *, trusting: bool = True) -> Program:
    """
    Compile a plan.

    Args:
        plan: The plan.
        breathe: Called between small pieces of the work, so that who works beside others can pause.
        trusting: As for `write_script`.

    Raises:
        UnsuitableError: It has something that is left to the interpreter.
        RecursionError: It is nested too deeply.
    """
    made = CLASSES.made
    script = write_script(plan, breathe, trusting=trusting)
    space = script.names
    for text in script.texts:
        breathe()
        exec(compile(text, "<plan>", "exec"), space)  # noqa: S102 - the text is ours, and holds no text of clients
    for value in list(space.values()):
        if isinstance(value, Cases):
            value.bind(space.__getitem__)
    breathe()
    decoders = script.records.decoders()
    absent = {name: script.records.roots[number].of_nothing() for name, number in script.absent.items()}
    classes = CLASSES.made - made
    return Program(
        script.questions,
        script.conditions,
        decoders,
        script.empty,
        absent,
        space["run"],
        space["project"],
        space,
        _weigh(script.texts, classes),
        classes,
    )


def _weigh(texts: Sequence[str], classes: int) -> int:
    """Estimate what a program holds; of the classes, those that were made for it."""
    return _PER_CHARACTER * sum(map(len, texts)) + _PER_FUNCTION * len(texts) + _PER_CLASS * classes
