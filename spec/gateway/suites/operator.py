"""The Admin API and mistakes in configurations."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from spec.child import ROOT
from spec.gateway.case import Scene, Suite, equal, true
from spec.gateway.client import query
from spec.gateway.host import until

SUITE = Suite("operator")

_PLUGIN = "graphql-federation"


@SUITE.case("the Admin API knows the plugin's schema")
def _(scene: Scene) -> None:
    answer = scene.host.admin("GET", f"/schemas/plugins/{_PLUGIN}")
    equal(answer.status, 200)
    config = next(field["config"] for field in answer.json["fields"] if "config" in field)
    names = [name for field in config["fields"] for name in field]
    true({"supergraph", "subgraphs", "passthrough", "identity", "telemetry"} <= set(names), f"fields: {names}")
    undescribed = [name for field in config["fields"] for name, one in field.items() if "description" not in one]
    equal(undescribed, [])


@SUITE.case("a mistake is refused with its path before it is configured")
def _(scene: Scene) -> None:
    config = {"supergraph": {"path": "/x"}, "limits": {"deadline": 55_001}, "lmits": {}}
    answer = scene.host.admin("POST", "/schemas/plugins/validate", {"name": _PLUGIN, "config": config})
    equal(answer.status, 400)
    wrong = answer.json["fields"]["config"]
    equal(wrong["lmits"], "unknown field")
    equal(wrong["limits"]["deadline"], "value should be between 1 and 55000")
    right = {"name": _PLUGIN, "config": {"supergraph": {"path": "/x"}}}
    equal(scene.host.admin("POST", "/schemas/plugins/validate", right).status, 200)


@SUITE.case("rules between fields are refused, too")
def _(scene: Scene) -> None:
    rule = {"op": "insert", "matching": "^x-", "value": "a", "value_from": "groups"}
    config = {"supergraph": {"path": "/x", "sdl": "y"}, "subgraph_defaults": {"headers": {"request": [rule]}}}
    answer = scene.host.admin("POST", "/schemas/plugins/validate", {"name": _PLUGIN, "config": config})
    equal(answer.status, 400)
    wrong = answer.json["fields"]["config"]
    true("sdl" in str(wrong["supergraph"]), str(wrong))
    true("value_from" in str(wrong["subgraph_defaults"]), str(wrong))


@SUITE.case("a configuration with a mistake changes nothing")
def _(scene: Scene) -> None:
    plugin = {"name": _PLUGIN, "config": {"supergraph": {"path": "/x"}, "limits": {"max_tokens": "many"}}}
    document = {"_format_version": "3.0", "routes": [{"name": "r", "paths": ["/plain"], "plugins": [plugin]}]}
    answer = scene.host.admin("POST", "/config", document)
    equal(answer.status, 400)
    true("max_tokens" in answer.body.decode(), answer.body.decode())
    true(scene.host.answers(), "the old one holds")


@SUITE.case("what only the plugin can see is answered with its code, and only there")
def _(scene: Scene) -> None:
    answer = query(f"{scene.url}/contradictory", "{ me { id } }")
    equal((answer.status, answer.code), (500, "CONFIGURATION_INVALID"))
    true(scene.host.answers(), "the others answer")


@SUITE.case("the doctor finds the socket, the supergraph and the subgraphs, and says what does not answer")
def _(scene: Scene) -> None:
    host = scene.host
    command = host.command("doctor", "--admin-url", host.admin_url, "--socket", str(host.server_socket()), "--json")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=ROOT)
    findings = json.loads(done.stdout)["findings"]
    failed = [finding for finding in findings if finding["state"] == "failed"]
    # One route has a configuration that contradicts itself, another one a subgraph that is down.
    equal(done.returncode, 1, done.stderr)
    told = json.dumps(failed)
    true("reviews" in told, told)
    true(len(findings) > len(failed) + 5, f"most is well: {done.stdout}")


@SUITE.case("the example's Admin API calls do what they say")
def _(scene: Scene) -> None:
    supergraph = scene.host.directory / "supergraph.graphql"
    command = [sys.executable, str(ROOT / "examples" / "admin_api.py"), scene.host.admin_url, "--replace"]
    command += ["--supergraph", str(supergraph)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=environment)
    equal((done.returncode, done.stderr), (0, ""), done.stdout[-2_000:])
    equal(scene.host.admin("POST", "/config", scene.host.document).status, 201)
    until(lambda: scene.host.answers() or None, "the configuration is back")


@SUITE.case("the doctor finds what is broken on purpose, and nothing else")
def _(scene: Scene) -> None:
    command = scene.host.command("doctor", "--admin-url", scene.host.admin_url, "--socket", str(scene.host.socket))
    if scene.host.name == "standin" and scene.host.mode == "managed":
        command = command[:-2]  # its socket lies elsewhere; the Admin API says where
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False, timeout=120, cwd=ROOT)
    findings = json.loads(done.stdout)["findings"]
    failed = [finding["text"] for finding in findings if finding["state"] == "failed"]
    equal(len(failed), 2, str(failed))
    true("contradictory: subgraphs.1.name is there twice" in failed[0], failed[0])
    true("127.0.0.1:9/reviews: the connection was refused" in failed[1], failed[1])
    equal(done.returncode, 1)
    well = {finding["check"] for finding in findings if finding["state"] == "ok"}
    equal(well, {"versions", "kong", "server", "supergraph", "subgraphs"})
