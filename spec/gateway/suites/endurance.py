"""What happens when something dies or changes: nothing slips by, nothing is lost, nothing runs twice."""

from __future__ import annotations

import time

from spec.gateway.case import Scene, Suite, equal, true
from spec.gateway.client import query
from spec.gateway.host import end, until
from spec.gateway.load import Load
from spec.gateway.suites.answers import ANSWER, FEDERATED

SUITE = Suite("endurance")

_CLIENTS = 4
_BEFORE, _AFTER = 0.5, 1.5  # seconds of load


def _load(scene: Scene) -> Load:
    right = query(f"{scene.url}/plain", FEDERATED)
    equal(right.json, ANSWER)
    return Load(f"{scene.url}/plain", FEDERATED, right.body)


@SUITE.case("a reload under load loses no request")
def _(scene: Scene) -> None:
    load = _load(scene)
    with load.running(_CLIENTS):
        time.sleep(_BEFORE)
        scene.host.reload()
        time.sleep(_AFTER)
    equal(load.wrong, [])
    equal(load.outcomes["error"], 0, "errors")
    until(lambda: scene.host.answers() or None, "it answers after the reload")


@SUITE.case("a plugin server that is replaced under load costs at most what was on its way to it", modes=("external",))
def _(scene: Scene) -> None:
    load = _load(scene)
    with load.running(_CLIENTS):
        time.sleep(_BEFORE)
        scene.host.replace_server()
        time.sleep(_AFTER)
    equal(load.wrong, [])
    # Kong may send an event over an idle connection in the moment in which the old server closes it.
    true(load.outcomes["error"] <= _CLIENTS, f"{load.outcomes} with {_CLIENTS} requests under way")


@SUITE.case("another configuration under load loses no request and holds from then on")
def _(scene: Scene) -> None:
    load = _load(scene)
    changed = {**scene.host.document, "routes": [*scene.host.document["routes"], _ROUTE]}
    with load.running(_CLIENTS):
        time.sleep(_BEFORE)
        equal(scene.host.admin("POST", "/config", changed).status, 201)
        time.sleep(_AFTER)
    equal(load.wrong, [])
    equal(load.outcomes["error"], 0, "errors")
    until(lambda: query(f"{scene.url}/added", "{ me { id } }").status == 503 or None, "the new route is there")
    equal(scene.host.admin("POST", "/config", scene.host.document).status, 201)
    until(lambda: query(f"{scene.url}/added", "{ me { id } }").status == 404 or None, "the new route is gone")


# Without a service and without the plugin.
_ROUTE = {"name": "added", "paths": ["/added"]}


@SUITE.case("a killed worker costs at most what it had in hand, and no mutation runs twice")
def _(scene: Scene) -> None:
    mutation = Load(f"{scene.url}/plain", "mutation { count }", b"")
    load = _load(scene)
    before = scene.record.mutations
    with load.running(_CLIENTS):
        time.sleep(_BEFORE)
        counted = [query(mutation.url, mutation.text) for _ in range(5)]
        end(scene.host.server_pids()[-1])
        counted += [query(mutation.url, mutation.text) for _ in range(5)]
        time.sleep(_AFTER)
    equal(load.wrong, [])
    true(load.outcomes["error"] <= _CLIENTS, f"{load.outcomes} with {_CLIENTS} requests under way")
    answered = sum(answer.status == 200 for answer in counted)
    true(answered <= scene.record.mutations - before <= len(counted), "each mutation ran once at most")


@SUITE.case("when the plugin server is gone, nothing reaches the service behind the route")
def _(scene: Scene) -> None:
    true(scene.host.answers(), "it answers before")
    scene.record.forget()
    if scene.host.mode == "external":
        scene.host.stop_server()
    else:
        scene.host.kill_server()
    statuses = [query(f"{scene.url}/{route}", FEDERATED).status for route in ("guarded", "plain", "passed") * 3]
    if scene.host.mode == "external":
        equal(set(statuses), {500})
        scene.host.start_server()
    true(set(statuses) <= {200, 500, 503}, f"statuses {statuses}")
    equal(scene.record.to("/void"), [], "requests that were let pass")
    until(lambda: scene.host.answers() or None, "it answers again")
    equal(query(f"{scene.url}/guarded", FEDERATED).json, ANSWER)
    equal(scene.record.to("/void"), [], "requests that were let pass")
