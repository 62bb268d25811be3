"""Plans survive the whole server, are shared by workers and builders, and are made anew where they cannot."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from kong_federation.errors import FederationError
from kong_federation.errors.codes import SERVICE_UNAVAILABLE
from kong_federation.gateway.builder import host, keeper, pool
from kong_federation.gateway.builder.store import FILE_NAME
from kong_federation.gateway.messages import (
    Order,
    PlanJob,
    PopularJob,
    UsesJob,
    pack_job,
    plan_digest,
    unpack_operations,
)
from kong_federation.limits import Limits
from tests.gateway.gateway_world import post, read, until
from tests.gateway.scripted_planner import ScriptedPlanner
from tests.gateway.test_store import MEGABYTE, SPACE, plan

COLD = {"warmup": {"on_start": False}}


class Server:
    """Workers of one node, that are stopped as a whole and started again."""

    def __init__(self, world, tmp_path):
        self.world = world
        self.log = tmp_path / "planned"
        self.script = world.script(log=str(self.log))

    async def start(self, planning=COLD, script=None):
        gateway = self.world.gateway(script or self.script, planning=planning)
        gateway.start()
        return gateway

    async def stop(self, *gateways):
        for gateway in gateways:
            await gateway.close()
        await until(self._are_builders_gone)

    def _are_builders_gone(self):
        try:
            return not list(self.world.directory.glob("builders/*"))
        except FileNotFoundError:
            # The last one has just removed the directory.
            return True

    def planned(self):
        """What was planned, in order, without what a builder tries out."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if line != "{ __typename }"]


def ask(gateway, *names):
    return asyncio.gather(*(gateway.handle(post(f"{{ {name} }}")) for name in names))


async def test_a_restart_answers_known_operations_without_planning(world, tmp_path):
    server = Server(world, tmp_path)
    first = await server.start()
    before = await ask(first, "me", "you", "them")
    assert sorted(server.planned()) == ["{ me }", "{ them }", "{ you }"]
    await server.stop(first)

    second = await server.start()
    after = await ask(second, "me", "you", "them")
    assert len(server.planned()) == 3
    assert [answer.body for answer in after] == [answer.body for answer in before]
    assert read(after[0])[1] == {"data": {"me": "Ada"}}
    await ask(second, "another")
    assert len(server.planned()) == 4


async def test_workers_share_plans(world, tmp_path):
    server = Server(world, tmp_path)
    one, other = await server.start(), await server.start()
    await ask(one, "me")
    await ask(other, "me")
    assert server.planned() == ["{ me }"]


async def test_without_a_store_each_worker_plans(world, tmp_path):
    server = Server(world, tmp_path)
    off = {"store": {"enabled": False}}
    one, other = await server.start(off), await server.start(off)
    await ask(one, "me")
    await ask(other, "me")
    assert server.planned() == ["{ me }"] * 2
    assert not (world.directory / "plans").exists()


async def test_the_store_may_be_elsewhere(world, tmp_path):
    server = Server(world, tmp_path)
    planning = {**COLD, "store": {"path": str(tmp_path / "kept" / "here"), "max_bytes": 2 * MEGABYTE}}
    first = await server.start(planning)
    await ask(first, "me")
    await server.stop(first)
    assert (tmp_path / "kept" / "here" / FILE_NAME).exists()
    await ask(await server.start(planning), "me")
    assert server.planned() == ["{ me }"]


async def test_limits_hold_for_plans_that_are_kept(world, tmp_path):
    server = Server(world, tmp_path)
    await ask(await server.start(), "a b c d")
    strict = world.gateway(server.script, planning=COLD, limits={"max_root_fields": 2, "deadline": 5_000})
    (answer,) = await ask(strict, "a b c d")
    assert read(answer)[1]["errors"][0]["extensions"]["code"] == "DOCUMENT_LIMIT_EXCEEDED"
    other = world.gateway(server.script, planning=COLD, limits={"deadline": 5_000})
    await ask(other, "a b c d")
    assert server.planned() == ["{ a b c d }"]


async def test_refusals_are_not_kept(world, tmp_path):
    server = Server(world, tmp_path)
    for _ in range(2):
        gateway = await server.start()
        await ask(gateway, "invalid")
        await server.stop(gateway)
    assert server.planned() == ["{ invalid }"] * 2


async def test_a_damaged_file_costs_planning_anew(world, tmp_path):
    server = Server(world, tmp_path)
    first = await server.start()
    await ask(first, "me")
    await server.stop(first)
    file = world.directory / "plans" / FILE_NAME
    await until(lambda: not Path(f"{file}-wal").exists())
    file.write_bytes(os.urandom(file.stat().st_size))
    second = await server.start()
    assert [answer.status for answer in await ask(second, "me")] == [200]
    await server.stop(second)
    await ask(await server.start(), "me")
    assert server.planned() == ["{ me }"] * 2


async def test_a_store_that_cannot_be_used_costs_nothing_else(world, tmp_path):
    world.directory.mkdir()
    (world.directory / "plans").write_text("in the way")
    server = Server(world, tmp_path)
    gateway = await server.start()
    assert [answer.status for answer in await ask(gateway, "me", "you")] == [200, 200]


async def test_builders_of_two_supergraphs_share_the_file(world, tmp_path):
    server = Server(world, tmp_path)
    script = world.script(log=str(server.log), version=2)
    one, other = await server.start(), await server.start(script=script)
    await asyncio.gather(*(ask(gateway, *(f"f{number}" for number in range(20))) for gateway in (one, other)))
    assert len(server.planned()) == 40
    await server.stop(one, other)
    one, other = await server.start(), await server.start(script=script)
    await asyncio.gather(*(ask(gateway, *(f"f{number}" for number in range(20))) for gateway in (one, other)))
    assert len(server.planned()) == 40


# --- The keeper ---


def place(directory):
    return keeper.StorePlace(directory / "plans", MEGABYTE, SPACE)


async def test_a_keeper_that_dies_is_lived_without_and_replaced(tmp_path, caplog, monkeypatch):
    made = keeper.Keeper(place(tmp_path))
    await made.keep(b"d" * 32, b"o", plan("{ a }"))
    assert await made.find(b"d" * 32) == plan("{ a }")
    os.kill(made._process.pid, signal.SIGKILL)
    await until(lambda: made._process.ended)
    assert await made.find(b"d" * 32) is None
    assert "has ended" in caplog.text
    assert made._process is None
    monkeypatch.setattr(made, "_rests_until", 0.0)
    assert await made.find(b"d" * 32) == plan("{ a }")
    made.close()


async def test_a_keeper_that_hangs_is_not_waited_for(tmp_path, caplog, monkeypatch):
    made = keeper.Keeper(place(tmp_path))
    await made.start()
    hanging = made._process.pid
    os.kill(hanging, signal.SIGSTOP)
    monkeypatch.setattr(keeper, "_PATIENCE_SECONDS", 0.05)
    assert await asyncio.gather(*(made.find(b"d" * 32) for _ in range(3))) == [None] * 3
    assert caplog.text.count("is late") == 1
    await until(lambda: not (made._reap() or made._killed))
    with pytest.raises(ProcessLookupError):
        os.kill(hanging, 0)
    made.close()


async def test_a_keeper_that_is_too_slow_is_not_given_more_than_it_can_take(tmp_path, monkeypatch):
    made = keeper.Keeper(place(tmp_path))
    await made.start()
    os.kill(made._process.pid, signal.SIGSTOP)
    monkeypatch.setattr(keeper, "_MOST_UNWRITTEN", 1_000_000)
    for _ in range(100):
        await made.keep(b"d" * 32, b"o", bytes(100_000))
    assert made._process._writer.transport.get_write_buffer_size() < 2_000_000
    monkeypatch.setattr(keeper, "_PATIENCE_SECONDS", 0.05)
    assert await made.find(b"d" * 32) is None
    made.close()


async def test_what_was_given_before_the_end_is_kept(tmp_path):
    made = keeper.Keeper(place(tmp_path))
    for number in range(50):
        await made.keep(bytes([number]) * 32, b"o", plan("{ a }"))
    made.close()
    again = keeper.Keeper(place(tmp_path))

    async with asyncio.timeout(20):
        while await again.find(bytes([49]) * 32) is None:  # noqa: ASYNC110 - the keeper before is another process
            await asyncio.sleep(0.02)
    again.close()


async def test_uses_decide_what_is_popular(tmp_path):
    planner = ScriptedPlanner({"subgraphs": {"a": "http://a.test"}})
    work = host._Work(planner, place(tmp_path))
    await work.start()
    jobs = [PlanJob(f"{{ {name} }}", None, frozenset(), Limits()) for name in "abc"]
    for job in jobs:
        await work.do(Order(1, 20_000, 20_000, pack_job(job)))
    await work.do(Order(0, 0, 0, pack_job(UsesJob(((plan_digest(jobs[1]), 50), (plan_digest(jobs[2]), 5))))))
    done, content = await work.do(Order(2, 0, 0, pack_job(PopularJob(2))))
    assert done
    assert [(one.document, uses) for one, uses in unpack_operations(content)] == [("{ b }", 51), ("{ c }", 6)]
    work.close()


async def test_without_a_store_nothing_is_popular():
    work = host._Work(ScriptedPlanner({"subgraphs": {"a": "http://a.test"}}), None)
    await work.start()
    assert unpack_operations((await work.do(Order(1, 0, 0, pack_job(PopularJob(2)))))[1]) == []
    assert await work.do(Order(0, 0, 0, pack_job(UsesJob(((b"d", 1),))))) == (True, b"")
    work.close()


async def test_a_keeper_that_cannot_be_started_is_done_without(tmp_path, monkeypatch, caplog):
    def refuse(*_):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(keeper, "fork_process", refuse)
    made = keeper.Keeper(place(tmp_path))
    await made.start()
    await made.keep(b"d" * 32, b"operation", b"plan")
    assert await made.find(b"d" * 32) is None
    assert caplog.text.count("the plan store cannot be started: [Errno 11]") == 1


async def test_planning_that_cannot_be_started_is_unavailable(monkeypatch):
    def refuse(*_, **__):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(pool, "fork_planning", refuse)
    with pytest.raises(FederationError) as raised:
        await pool.Pool(ScriptedPlanner({"subgraphs": {}})).run(Order(1, 1_000, 1_000, b"job"))
    assert raised.value.code is SERVICE_UNAVAILABLE
