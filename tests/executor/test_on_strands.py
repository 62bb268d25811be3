"""Executions on strands: answers come in any order, clients leave at any moment, and nothing is left behind."""

import asyncio
import gc
import random

import orjson
import pytest

from kong_federation.errors import FederationError
from kong_federation.errors.codes import SUBREQUEST_HTTP_ERROR
from kong_federation.executor import ExecutionContext, SubgraphTarget, prepare, write_json
from kong_federation.plan.nodes import Parallel, Sequence
from kong_federation.strands import Promise, Strand
from kong_federation.transport import SubgraphResponse
from tests.executor.kit import ID, STRING, by_id, entities, flatten, many, object_of, query, root

USER = object_of("User", id=ID, name=STRING)


def branch(number, key):
    by_key = flatten(f"{key}.@", representations=(by_id(typename="User"),))
    return Sequence(
        (root(number, "lists", f"{{{key}{{id}}}}"), entities(number + 1, "names", "...on User{name}", by_key))
    )


PLAN = query(
    Parallel((branch(0, "a"), branch(2, "b"), root(4, "lists", "{c}"), branch(5, "d"))),
    **dict.fromkeys("abd", many(USER)),
    c=STRING,
)
LISTS = {"data": {**{key: [{"id": "1"}, {"id": "2"}] for key in "abd"}, "c": "C"}}
NAMES = {"data": {"_e": [{"name": "Ada"}, {"name": "Bo"}]}}
WHOLE = {**{key: [{"id": "1", "name": "Ada"}, {"id": "2", "name": "Bo"}] for key in "abd"}, "c": "C"}


class Subgraphs:
    """Answers when it is told to."""

    def __init__(self):
        self.asked = []

    def send(self, request):
        promise = Promise()
        self.asked.append((request, promise))
        return promise

    def open(self):
        return [one for one in self.asked if not one[1].done()]

    def answer(self, chance, trouble):
        """Answer one of the requests, rightly or not; whoever waits goes on in here."""
        request, promise = chance.choice(self.open())
        answer = LISTS if request.subgraph == "lists" else NAMES
        if chance.random() >= trouble:
            promise.set_result(SubgraphResponse(200, (), orjson.dumps(answer)))
        elif chance.random() < 0.5:
            promise.set_exception(FederationError(SUBREQUEST_HTTP_ERROR, "no"))
        else:
            promise.set_result(
                SubgraphResponse(200, (), b'{"data":{"_e":[{}],"a":[{"id":3}]},"errors":[{"message":"m"}]}')
            )


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("trouble", [0.0, 0.3])
async def test_nothing_is_left_behind(recwarn, compiled, trouble):
    executable = prepare(PLAN)
    assert not compiled or executable.tier.compile()
    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    ends = {"whole": 0, "with errors": 0, "left": 0}
    for seed in range(150):
        ends[await one(random.Random(seed), executable, trouble)] += 1
    gc.collect()
    assert complaints == []
    # What a compiled coroutine that is cancelled is warned of is no loose end (`pyproject.toml`).
    loose = [str(one.message) for one in recwarn if one.category is not DeprecationWarning]
    assert loose == []
    assert ends["left"] > 20
    assert ends["with errors" if trouble else "whole"] > 20


async def one(chance, executable, trouble):
    """Run it once; the client leaves in one case of two."""
    subgraphs = Subgraphs()
    targets = {name: SubgraphTarget(f"http://{name}/", 1.0) for name in ("lists", "names")}
    ledger = [0]
    work = executable.execute(executable.coerce({}), ExecutionContext(subgraphs, targets, None))
    strand = Strand(work, ledger)
    strand.mark = 7
    strand.resume()
    leaves_at = chance.choice((chance.randrange(24), 1_000))
    for step in range(200):
        if strand.done():
            break
        if step == leaves_at:
            strand.cancel()
        # Who has left waits for no answer.
        if step < leaves_at and subgraphs.open() and chance.random() < 0.5:
            subgraphs.answer(chance, trouble)
        else:
            await asyncio.sleep(0)
        assert ledger == [0]
    assert strand.done()
    assert subgraphs.open() == []
    assert asyncio.all_tasks() == {asyncio.current_task()}
    if strand.cancelled():
        return "left"
    result = strand.result()
    data, errors = result.data, result.errors
    if errors:
        return "with errors"
    assert orjson.loads(write_json(data)) == WHOLE
    return "whole"
