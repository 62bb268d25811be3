import asyncio
import json
import logging

import pytest

from kong_federation.gateway import HttpRequest
from kong_federation.kong import runtime as module
from kong_federation.kong.guard import lone_guard
from kong_federation.kong.instances import InstanceFiles
from kong_federation.kong.runtime import Runtime


def configuration(text, sequence=1):
    return json.dumps({"supergraph": {"sdl": text}, "__seq__": sequence}).encode()


class Gateway:
    def __init__(self, settings):
        self.name = settings.supergraph.sdl
        self.started = self.closed = self.refreshed = 0

    def start(self):
        self.started += 1

    def refresh(self):
        self.refreshed += 1

    async def handle(self, request):
        raise AssertionError(request)

    async def close(self):
        self.closed += 1
        if self.name == "stuck":
            raise OSError("stuck")


@pytest.fixture
def made():
    return []


@pytest.fixture
def worker(tmp_path, made):
    def make(settings):
        made.append(Gateway(settings))
        return made[-1]

    return lambda: Runtime(InstanceFiles(tmp_path / "run"), make, lone_guard())


def test_instances_of_one_configuration_share_a_gateway(worker, made):
    runtime = worker()
    one, two = (runtime.start_instance(configuration("a", sequence)) for sequence in (1, 2))
    assert one != two
    assert runtime.find(one) is runtime.find(two)
    assert len(made) == 1
    assert made[0].started == 2


def test_all_gateways_are_refreshed(worker, made):
    runtime = worker()
    for name in ("a", "b"):
        runtime.start_instance(configuration(name))
    runtime.start_instance(b'{"supergraph":{"sdl":7}}')
    runtime.refresh()
    assert [gateway.refreshed for gateway in made] == [1, 1]


def test_another_worker_makes_its_own_gateway_once(worker, made):
    instance = worker().start_instance(configuration("a"))
    other = worker()
    assert other.find(instance) is other.find(instance)
    assert [gateway.name for gateway in made] == ["a", "a"]
    assert worker().find(instance + 1) is None


def test_a_gateway_is_started_before_its_first_request_in_every_worker(worker, made):
    instance = worker().start_instance(configuration("a"))
    worker().find(instance)
    assert [one.started for one in made] == [1, 1]


def test_a_closed_instance_is_unknown_everywhere_and_its_gateway_stays(worker, made):
    runtime = worker()
    instance = runtime.start_instance(configuration("a"))
    runtime.close_instance(instance)
    assert runtime.find(instance) is None
    assert worker().find(instance) is None
    runtime.find(runtime.start_instance(configuration("a")))
    assert len(made) == 1


@pytest.mark.parametrize(
    ("sent", "finding"),
    [
        (b'{"supergraph":{"sdl":5}}', "must be a string"),
        (b"nonsense", "not what Kong sends"),
        (b"[]", "not a JSON object"),
    ],
)
async def test_a_wrong_configuration_is_accepted_and_every_request_refused(worker, made, caplog, sent, finding):
    runtime = worker()
    with caplog.at_level(logging.ERROR):
        tenant = runtime.find(runtime.start_instance(sent))
    assert finding in caplog.text
    answer = await tenant.gateway.handle(HttpRequest("POST"))
    assert answer.status == 500
    assert json.loads(answer.body)["errors"][0]["extensions"]["code"] == "CONFIGURATION_INVALID"
    assert not made
    await runtime.close()


async def test_a_gateway_that_cannot_be_made_refuses_too(tmp_path):
    def fail(settings):
        raise RuntimeError("secret")

    runtime = Runtime(InstanceFiles(tmp_path), fail, lone_guard())
    answer = await runtime.find(runtime.start_instance(configuration("a"))).gateway.handle(HttpRequest("POST"))
    assert answer.status == 500
    assert b"secret" not in answer.body


async def test_the_least_recently_used_gateway_is_closed_later(worker, made, monkeypatch):
    monkeypatch.setattr(module, "_MOST_GATEWAYS", 2)
    monkeypatch.setattr(module, "_LONGEST_REQUEST", 0.02)
    runtime = worker()
    a, _ = (runtime.start_instance(configuration(text)) for text in "ab")
    runtime.find(a)
    runtime.start_instance(configuration("c"))
    by_name = {gateway.name: gateway for gateway in made}
    assert by_name["b"].closed == 0
    await asyncio.sleep(0.05)
    assert {name: gateway.closed for name, gateway in by_name.items()} == {"a": 0, "b": 1, "c": 0}
    await runtime.close()
    assert {name: gateway.closed for name, gateway in by_name.items()} == {"a": 1, "b": 1, "c": 1}


async def test_an_evicted_gateway_is_made_again_when_its_instance_is_asked(worker, made, monkeypatch):
    monkeypatch.setattr(module, "_MOST_GATEWAYS", 1)
    runtime = worker()
    a = runtime.start_instance(configuration("a"))
    runtime.start_instance(configuration("b"))
    runtime.find(a)
    assert [gateway.name for gateway in made] == ["a", "b", "a"]
    await runtime.close()
    assert [gateway.closed for gateway in made] == [1, 1, 1]


async def test_idle_gateways_are_closed_and_files_expired(worker, made, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_IDLE", 0.03)
    monkeypatch.setattr(module, "_TIDYING", 0.0)
    monkeypatch.setattr(module, "_LONGEST_REQUEST", 0.0)
    runtime = worker()
    runtime.start_instance(configuration("idle"))
    busy = runtime.start_instance(configuration("busy"))
    for _ in range(10):
        await asyncio.sleep(0.01)
        runtime.find(busy)
    assert {gateway.name: gateway.closed for gateway in made} == {"idle": 1, "busy": 0}
    await runtime.close()


async def test_a_gateway_that_cannot_be_closed_does_not_keep_the_others(worker, made):
    runtime = worker()
    for text in ("stuck", "a"):
        runtime.start_instance(configuration(text))
    await runtime.close()
    assert [gateway.closed for gateway in made] == [1, 1]


def test_a_request_restarts_an_instance_once(worker, monkeypatch):
    monkeypatch.setattr(module, "_MOST_RESTARTS", 2)
    runtime = worker()
    assert [runtime.may_restart(request) for request in ("a", "a", "b", "")] == [True, False, True, False]
    assert [runtime.may_restart(request) for request in ("c", "a")] == [True, True]


def test_remembered_instances_are_bounded_but_not_lost(worker, monkeypatch):
    monkeypatch.setattr(module, "_MOST_INSTANCES", 3)
    runtime = worker()
    ids = [runtime.start_instance(configuration("a", sequence)) for sequence in range(10)]
    assert len(runtime._instances) == 3
    assert all(runtime.find(instance) for instance in ids)
