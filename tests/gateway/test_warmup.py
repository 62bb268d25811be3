"""The most used operations are planned before they are asked for, one after the other, behind live requests."""

import asyncio
import contextlib
import gc
import os

import pytest

from kong_federation.errors import FederationError, FederationErrors
from kong_federation.errors.codes import GRAPHQL_VALIDATION_FAILED, SERVICE_UNAVAILABLE
from kong_federation.gateway.builder import host, pool
from kong_federation.gateway.cache import PlanCache, PlanKey, Uses
from kong_federation.gateway.messages import Order, PlanJob, pack_job
from kong_federation.gateway.warmup import warm_up
from kong_federation.limits import Limits
from kong_federation.settings import WarmupSettings
from tests.gateway.gateway_world import Watched, post, prepared, until
from tests.gateway.scripted_planner import ScriptedPlanner

FAST = {"items_per_second": 10_000}


def wanted(count):
    return [(PlanKey(f"{{ a{number} }}", None, frozenset()), 100 - number) for number in range(count)]


class Recording:
    """A generation, as far as warming is concerned."""

    def __init__(self, behave=None):
        self.warmed = []
        self.at_once = self.most_at_once = 0
        self._behave = behave or {}

    async def warm(self, key, uses, _known=None):
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            await asyncio.sleep(0)
            self.warmed.append((key.document, uses))
            behave = self._behave.get(key.document)
            if behave is not None:
                await behave()
        finally:
            self.at_once -= 1
        return True


class Pauses(list):
    async def __call__(self, seconds):
        self.append(seconds)


async def test_one_after_the_other_with_a_pause_after_each():
    generation, pauses = Recording(), Pauses()
    settings = WarmupSettings(max_operations=20, items_per_second=10)
    assert await warm_up(generation, wanted(30), settings, pause=pauses) == 20
    assert generation.warmed == [(f"{{ a{number} }}", (100 - number) // 2) for number in range(20)]
    assert generation.most_at_once == 1
    assert len(pauses) == 20
    # No more than ten in a second, however quick they are; where the machine is slow, as much rest as work.
    assert all(pause > 0 for pause in pauses)


async def refuse():
    raise FederationErrors([FederationError(GRAPHQL_VALIDATION_FAILED, "no")])


async def unavailable():
    raise FederationError(SERVICE_UNAVAILABLE, "no builder")


async def mistake():
    raise ValueError("a mistake")


async def test_what_cannot_be_planned_is_passed_over(caplog):
    generation, pauses = Recording({"{ a1 }": refuse, "{ a2 }": mistake}), Pauses()
    assert await warm_up(generation, wanted(5), WarmupSettings(), pause=pauses) == 3
    assert [document for document, _ in generation.warmed] == [f"{{ a{number} }}" for number in range(5)]
    # It is no secret, and no news either: the supergraph is another one.
    assert "no" not in [record.getMessage() for record in caplog.records]
    # Refusals cost time, too.
    assert len(pauses) == 5


async def test_without_a_builder_it_ends():
    generation = Recording({"{ a1 }": unavailable})
    assert await warm_up(generation, wanted(5), WarmupSettings(), pause=Pauses()) == 1
    assert len(generation.warmed) == 2


async def test_it_ends_when_the_time_is_over():
    async def slow():
        await asyncio.sleep(20)

    generation = Recording({"{ a1 }": slow})
    assert await warm_up(generation, wanted(5), WarmupSettings(timeout=50), pause=Pauses()) == 1
    assert len(generation.warmed) == 2
    assert await warm_up(generation, wanted(5), WarmupSettings(timeout=0), pause=Pauses()) == 0


# --- The cache counts ---


def test_uses_are_counted_and_told_once():
    uses = Uses(b"d", 10)
    assert uses.untold() == 0
    uses.count += 3
    assert [uses.untold(), uses.untold()] == [3, 0]


def test_looking_at_the_cache_is_no_use():
    cache = PlanCache(100, 10)
    for name in "abc":
        cache.put(PlanKey(name, None, frozenset()), prepared(30))
    assert [key.document for key, _ in cache.uses()] == ["a", "b", "c"]
    assert cache.knows(PlanKey("a", None, frozenset()))
    assert cache.has_room(10)
    assert not cache.has_room(11)
    cache.put(PlanKey("d", None, frozenset()), prepared(30))
    assert [key.document for key, _ in cache.uses()] == ["b", "c", "d"]


# --- With builders ---


class Graph:
    """A supergraph in a file that is replaced, and what was planned for each version."""

    def __init__(self, world, tmp_path):
        self.world = world
        self.folder = tmp_path
        self.version = 0
        self.file = tmp_path / "supergraph"

    def write(self, **script):
        self.version += 1
        self.file.write_text(self.world.script(log=str(self.folder / f"planned-{self.version}"), **script))
        return self.version

    def planned(self, version):
        log = self.folder / f"planned-{version}"
        return [line for line in log.read_text().splitlines() if line != "{ __typename }"] if log.exists() else []

    def gateway(self, **planning):
        planning = {"warmup": FAST, **planning}
        gateway = self.world.gateway(supergraph={"path": str(self.file), "poll_interval": 10}, planning=planning)
        gateway.start()
        return gateway

    async def replaced(self, gateway, before):
        await until(lambda: gateway._generation is not before)


@pytest.fixture
def graph(world, tmp_path):
    made = Graph(world, tmp_path)
    made.write()
    return made


async def ask(gateway, name, times=1):
    for _ in range(times):
        assert (await gateway.handle(post(f"{{ {name} }}"))).status == 200


@pytest.mark.parametrize("store", [{"enabled": True}, {"enabled": False}], ids=["with a store", "without"])
async def test_a_new_supergraph_is_taken_when_the_most_used_are_planned(graph, store):
    gateway = graph.gateway(store=store)
    for name, times in (("rare", 1), ("often", 5), ("seldom", 2)):
        await ask(gateway, name, times)
    before = gateway._generation
    second = graph.write(second=True)
    await graph.replaced(gateway, before)
    assert graph.planned(second) == ["{ often }", "{ seldom }", "{ rare }"]
    assert [uses for _, uses in gateway._generation.most_used(3)] == [2, 1, 0]
    # What comes again is compiled before it comes.
    often = gateway._generation.recall(PlanKey("{ often }", None, frozenset())).executable
    await until(lambda: often.tier.program() is not None)
    for name in ("rare", "often", "seldom"):
        await ask(gateway, name)
    assert len(graph.planned(second)) == 3


async def test_what_was_prepared_is_taken_over_where_the_plan_is_the_same(graph):
    gateway = graph.gateway()
    await ask(gateway, "often", 5)
    before = gateway._generation
    was = before.prepared(PlanKey("{ often }", None, frozenset()))
    graph.write()
    await graph.replaced(gateway, before)
    found = gateway._generation.prepared(PlanKey("{ often }", None, frozenset()))
    assert found.executable is was.executable
    assert found.uses is not was.uses
    await ask(gateway, "often")


async def test_a_plan_of_another_supergraph_is_not_taken_for_its_own(graph):
    gateway = graph.gateway()
    await ask(gateway, "often", 5)
    await ask(gateway, "me", 5)
    generation = gateway._generation
    # As if the plan for another supergraph had been that of another operation.
    me = generation.prepared(PlanKey("{ me }", None, frozenset()))
    assert await generation.warm(PlanKey(" { often }", None, frozenset()), 5, me)
    found = generation.prepared(PlanKey(" { often }", None, frozenset()))
    assert found.executable is not me.executable


async def test_so_many_and_no_more(graph):
    gateway = graph.gateway(warmup={**FAST, "max_operations": 1})
    await ask(gateway, "rare")
    await ask(gateway, "often", 2)
    before = gateway._generation
    second = graph.write()
    await graph.replaced(gateway, before)
    assert graph.planned(second) == ["{ often }"]


async def test_it_can_be_switched_off(graph):
    gateway = graph.gateway(warmup={"on_reload": False})
    await ask(gateway, "often", 2)
    before = gateway._generation
    second = graph.write()
    await graph.replaced(gateway, before)
    assert graph.planned(second) == []


async def test_operations_that_have_become_invalid_are_passed_over_in_silence(graph, caplog):
    gateway = graph.gateway()
    await ask(gateway, "gone", 3)
    await ask(gateway, "stays")
    before = gateway._generation
    second = graph.write(refused=["gone"])
    await graph.replaced(gateway, before)
    assert graph.planned(second) == ["{ gone }", "{ stays }"]
    assert gateway._generation.recall(PlanKey("{ stays }", None, frozenset())) is not None
    # A busy machine may make the log speak of other things.
    assert "gone" not in caplog.text
    assert "planned: " not in caplog.text
    # It is not remembered as refused, either.
    assert gateway._generation._cache.get(PlanKey("{ gone }", None, frozenset())) is None


async def test_a_supergraph_that_takes_long_to_warm_is_taken_in_time(graph):
    gateway = graph.gateway(warmup={**FAST, "timeout": 200})
    await ask(gateway, "sticky", 2)
    before = gateway._generation
    graph.write(slow_fields=["sticky"])
    await graph.replaced(gateway, before)


async def test_clients_are_answered_by_the_old_supergraph_meanwhile(graph):
    gateway = graph.gateway(warmup={**FAST, "timeout": 5_000})
    await ask(gateway, "sticky", 2)
    before = gateway._generation
    second = graph.write(slow_fields=["sticky"])
    await until(lambda: graph.planned(second))
    await ask(gateway, "me")
    assert gateway._generation is before
    assert "{ me }" not in graph.planned(second)


async def test_labels_that_are_gone_are_off(graph):
    graph.write(labels=["a", "b"])
    gateway = graph.world.gateway(
        supergraph={"path": str(graph.file), "poll_interval": 10},
        planning={"warmup": FAST},
        override_labels=[{"label": "a", "enabled": True}, {"label": "b", "enabled": True}],
    )
    await ask(gateway, "me", 2)
    assert gateway._generation.most_used(1)[0][0].labels == {"a", "b"}
    before = gateway._generation
    graph.write(labels=["b"])
    await graph.replaced(gateway, before)
    assert gateway._generation.most_used(1)[0][0].labels == {"b"}


async def test_after_a_restart_the_most_used_come_to_memory_unasked(graph):
    gateway = graph.gateway()
    await ask(gateway, "rare")
    await ask(gateway, "often", 5)
    await gateway.close()
    await until(lambda: not list(graph.world.directory.glob("builders/*")))

    again = graph.gateway()
    await until(lambda: again._generation is not None and len(again._generation.most_used(9)) == 2)
    assert [key.document for key, _ in again._generation.most_used(9)] == ["{ often }", "{ rare }"]
    assert again._generation.recall(PlanKey("{ often }", None, frozenset())).executable.tier.program() is not None
    assert len(graph.planned(1)) == 2


async def test_a_supergraph_that_came_while_nobody_was_there_is_warmed_too(graph):
    gateway = graph.gateway()
    await ask(gateway, "often", 5)
    await gateway.close()
    await until(lambda: not list(graph.world.directory.glob("builders/*")))
    second = graph.write(second=True)

    again = graph.gateway()
    await until(lambda: again._generation is not None and again._generation.most_used(9))
    assert graph.planned(second) == ["{ often }"]
    await ask(again, "often")
    assert graph.planned(second) == ["{ often }"]


async def test_nothing_is_fetched_ahead_if_that_is_switched_off(graph):
    gateway = graph.gateway()
    await ask(gateway, "often", 5)
    await gateway.close()
    again = graph.gateway(warmup={"on_start": False})
    await ask(again, "__typename")
    await asyncio.sleep(0.3)
    assert len(again._generation.most_used(9)) == 1


async def test_nothing_is_left_of_a_generation_that_was_replaced(graph):
    gateway = graph.gateway()
    await ask(gateway, "me", 3)
    gone = Watched(gateway._generation)
    for _ in range(2):
        before = gateway._generation
        graph.write()
        await graph.replaced(gateway, before)
        del before
    gc.collect()
    assert gone(gateway._generation) is None


async def test_the_plans_before_are_let_go_of_one_by_one(graph):
    gateway = graph.gateway(warmup={"on_reload": False})
    for number in range(5):
        await ask(gateway, f"a{number}")
    before = gateway._generation
    cache = before._cache
    graph.write()
    await graph.replaced(gateway, before)
    await until(lambda: not len(cache))


async def test_warming_gives_up_no_plan(graph):
    gateway = graph.gateway(cache_max_entries=1)
    await ask(gateway, "me")
    generation = gateway._generation
    assert not await generation.warm(PlanKey("{ other }", None, frozenset()), 5)
    assert [key.document for key, _ in generation.most_used(9)] == ["{ me }"]
    assert not await generation.warm(PlanKey("{ me }", None, frozenset()), 5)


# --- Who goes first ---


def order(number, query, *, background, timeout=20_000):
    job = pack_job(PlanJob(query, None, frozenset(), Limits()))
    return Order(number, timeout, 20_000, job, background)


class Replies:
    """A worker's connection, as far as the builder writes to it."""

    def __init__(self):
        self.written = 0

    def is_closing(self):
        return False

    def write(self, _data):
        self.written += 1


async def test_a_live_request_does_not_wait_for_the_background_not_even_for_its_own_operation(tmp_path):
    script = {"subgraphs": {"a": "http://a.test"}, "log": str(tmp_path / "log"), "once_slow": str(tmp_path / "once")}
    made = host.Host(ScriptedPlanner(script), 1.0)
    replies, live = Replies(), Replies()
    made._take(order(1, "{ waits }", background=True), replies)
    made._take(order(2, "{ other }", background=True), replies)
    await until((tmp_path / "once").exists)
    made._take(order(3, "{ waits }", background=False), live)
    await until(lambda: live.written)
    planned = (tmp_path / "log").read_text().splitlines()
    # One at a time in the background: the other one has not begun.
    assert planned == ["{ waits }", "{ waits }"]
    assert not replies.written
    made._work.close()
    for task in (*made._jobs.values(), *made._replies):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await task


async def test_the_background_process_is_less_urgent_than_the_others():
    work = host._Work(ScriptedPlanner({"subgraphs": {"a": "http://a.test"}}), None)
    for background in (True, False):
        assert (await work.do(order(1, "{ a }", background=background)))[0]
    (slow,), (quick,) = work._background._all, work._live._all
    urgency = [os.getpriority(os.PRIO_PROCESS, process.pid) for process in (slow, quick)]
    assert urgency == [min(os.nice(0) + host._BACKGROUND_NICE, 19), os.nice(0)]
    work.close()


async def test_the_background_process_ends_when_there_is_nothing_to_do(monkeypatch):
    monkeypatch.setattr(pool, "_LINGER", 0.05)
    work = host._Work(ScriptedPlanner({"subgraphs": {"a": "http://a.test"}}), None)
    assert (await work.do(order(1, "{ a }", background=True)))[0]
    await until(lambda: not work._background._all)
    assert (await work.do(order(2, "{ b }", background=True)))[0]
    assert (await work.do(order(3, "{ b }", background=False)))[0]
    assert len(work._live._all) == 1
    work.close()
