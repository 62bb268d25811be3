"""The images and the compose file, as far as they can be checked without Docker."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest
import yaml

from kong_federation import __version__
from kong_federation.pluginserver.info import plugin_info
from kong_federation.settings import parse_settings
from spec.child import free_port
from tests.compiled import COMPILED
from tests.manifests.judge import deck_findings
from tests.manifests.test_kubernetes import PODS

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
IMAGES = (DOCKER / "Dockerfile", DOCKER / "Dockerfile.kong")
COMPOSE = yaml.safe_load((DOCKER / "compose.yml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]


def instructions(path):
    """The instructions of a Dockerfile as (word, rest), continuation lines joined."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def of(path, word):
    return [rest for found, rest in instructions(path) if found == word]


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.name)
def test_the_linter_finds_nothing(path):
    linter = Path(sys.executable).with_name("hadolint")
    if not linter.exists():
        pytest.skip("no hadolint on this platform")
    done = subprocess.run([linter, "--failure-threshold", "warning", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.name)
def test_no_image_runs_as_root_and_each_is_watched(path):
    assert of(path, "USER")[-1] in {"1000:1000", "kong"}
    assert of(path, "HEALTHCHECK")


@pytest.mark.parametrize("path", IMAGES, ids=lambda path: path.name)
def test_what_is_copied_is_there_and_not_ignored(path):
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for rest in of(path, "COPY"):
        if not rest.startswith("--from"):
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert source in allowed, source


def test_the_version_is_said_the_same_everywhere():
    """Images that are built here carry the package's version."""
    texts = [path.read_text(encoding="utf-8") for path in DOCKER.rglob("*") if path.suffix in {".yml", ".yaml", ".md"}]
    tags = {tag for text in texts for tag in re.findall(r"kong-federation(?:-demo)?:(\d[\w.]*)", text)}
    assert tags == {__version__}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A virtual environment made by the RUN line of the Dockerfile, with the image's paths moved to a directory."""
    folder = tmp_path_factory.mktemp("image")
    source = folder / "src"
    source.mkdir()
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "kong_federation", source / "kong_federation", ignore=shutil.ignore_patterns("__pycache__"))
    (steps,) = [one for one in of(DOCKER / "Dockerfile", "RUN") if one.startswith("pip wheel")]
    for path in ("/wheels", "/opt/kong-federation"):
        steps = steps.replace(path, f"{folder}{path}")
    binaries = Path(sys.executable).parent
    env = {**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(["sh", "-ec", steps], cwd=source, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_wheel_holds_the_package_and_nothing_else(installed):
    (wheel,) = (installed / "wheels").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    package = {str(path.relative_to(ROOT)) for path in (ROOT / "kong_federation").rglob("*.py")}
    plain = {name for name in names if not name.endswith(".so")}
    assert package | {"kong_federation/py.typed"} == {name for name in plain if name.startswith("kong_federation/")}
    assert {name.split("/")[0] for name in plain} == {"kong_federation", f"kong_federation-{__version__}.dist-info"}
    compiled = {name.split(".")[0] for name in names if name.endswith(".so")}
    if not compiled:
        assert wheel.name.endswith("-none-any.whl"), "no C compiler"
    else:
        assert compiled == {"kong_federation__mypyc", *(name.removesuffix(".py") for name in COMPILED)}


def test_what_the_image_runs_works_where_nothing_else_is_installed(installed, tmp_path):
    command = installed / "opt" / "kong-federation" / "bin" / "kong-federation"
    env = {"PATH": "/usr/bin:/bin"}

    def call(*words):
        return subprocess.run([command, *words], env=env, cwd=tmp_path, capture_output=True, text=True, check=False)

    dump = tmp_path / "dump.json"
    done = call("dump", "--output", str(dump))
    assert done.returncode == 0, done.stderr
    assert json.loads(dump.read_text()) == plugin_info()
    for words in (("serve", "--help"), ("healthcheck", "--help"), ("doctor", "--help"), ("schema",), ("--version",)):
        done = call(*words)
        assert done.returncode == 0, done.stderr
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "--python", command.with_name("python"), "list", "--format=json"],
        capture_output=True,
        text=True,
        check=True,
    )
    names = {package["name"].lower() for package in json.loads(listed.stdout)}
    assert "pyyaml" in names
    assert not names & {"kong-pdk", "gevent", "pytest", "strawberry-graphql", "pip"}


def test_the_server_is_started_by_words_it_knows(installed):
    command = installed / "opt" / "kong-federation" / "bin" / "kong-federation"
    said = subprocess.run([command, "serve", "--help"], capture_output=True, text=True, check=True).stdout
    lines = [of(DOCKER / "Dockerfile", "CMD")[-1], *of(DOCKER / "Dockerfile.kong", "ENV")]
    lines += [
        str(container["args"]) for pod in PODS.values() for container in pod["initContainers"] if "args" in container
    ]
    used = set(re.findall(r"(--[a-z-]+)", " ".join(line for line in lines if "serve" in line)))
    assert {"--socket", "--kong-prefix", "--drain-seconds", "--health"} <= used
    assert not {option for option in used if option not in said}


def test_the_images_own_words_make_a_server_that_is_healthy(installed, tmp_path):
    """CMD and HEALTHCHECK as they stand, in the clean virtual environment, with nothing in the environment."""
    command = str(installed / "opt" / "kong-federation" / "bin" / "kong-federation")
    port = free_port()

    def words(text):
        moved = text.replace("/run/kong-federation", str(tmp_path)).replace("0.0.0.0:8101", f"127.0.0.1:{port}")
        return [
            word.replace("kong-federation", command, 1) if word == "kong-federation" else word
            for word in json.loads(moved)
        ]

    def healthy():
        asked = words(of(DOCKER / "Dockerfile", "HEALTHCHECK")[-1].partition("CMD ")[2])
        return subprocess.run(asked, env={}, capture_output=True, check=False).returncode == 0

    def answered(path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10) as response:
                return response.status == 200
        except OSError:
            return False

    assert not healthy()
    serve = words(of(DOCKER / "Dockerfile", "CMD")[-1])
    with subprocess.Popen([command, *serve, "--workers=1"], env={}, cwd=tmp_path, stderr=subprocess.PIPE) as server:
        try:
            until = time.monotonic() + 60
            while not (healthy() and answered("livez") and answered("readyz")):
                assert server.poll() is None, server.stderr.read()
                assert time.monotonic() < until, "it does not become healthy"
            assert (tmp_path / "graphql-federation.socket").stat().st_mode & 0o777 == 0o666
        finally:
            server.terminate()
            server.communicate(timeout=60)
    assert server.returncode == 0


def test_kong_and_the_plugin_server_meet():
    kong, server = SERVICES["kong"], SERVICES["federation"]
    environment = kong["environment"]
    (default,) = (rest for rest in of(DOCKER / "Dockerfile", "CMD") if "serve" in rest)
    options = dict(word[2:].split("=", 1) for word in json.loads(default)[1:])
    assert kong["image"] == "kong:3.9"
    assert environment["KONG_PLUGINS"] == "bundled,graphql-federation"
    assert environment["KONG_PLUGINSERVER_NAMES"] == "graphql-federation"
    assert environment["KONG_PLUGINSERVER_GRAPHQL_FEDERATION_SOCKET"] == options["socket"]
    query = environment["KONG_PLUGINSERVER_GRAPHQL_FEDERATION_QUERY_CMD"]
    assert query == f"cat {SERVICES['dump']['command'][-1]}"
    for service in (kong, server, SERVICES["dump"]):
        assert "runtime:/run/kong-federation" in service["volumes"]
    assert kong["depends_on"] == {
        "dump": {"condition": "service_completed_successfully"},
        "federation": {"condition": "service_healthy"},
    }
    limit = parse_settings({"supergraph": {"sdl": "x"}}).limits.max_body_size
    assert int(environment["KONG_NGINX_HTTP_CLIENT_BODY_BUFFER_SIZE"].removesuffix("m")) << 20 > limit


def test_kongs_settings_are_those_of_the_documentation():
    """The same names as README, docs/kong.md and the Helm values use; one that stands alone is a mistake."""
    documented = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/kong.md")).lower()
    for name in SERVICES["kong"]["environment"]:
        if "PLUGIN" in name or "BODY" in name:
            assert name.removeprefix("KONG_").lower() in documented, name


def test_services_say_only_what_compose_knows():
    known = {"build", "cap_drop", "command", "depends_on", "environment", "healthcheck", "image", "ports"}
    known |= {"read_only", "restart", "security_opt", "stop_grace_period", "volumes"}
    assert COMPOSE.keys() == {"name", "services", "volumes"}
    for name, service in SERVICES.items():
        assert service.keys() <= known, name
        for dependency in service.get("depends_on", ()):
            assert dependency in SERVICES


def test_the_files_that_are_mounted_are_there():
    for service in SERVICES.values():
        for mount in service.get("volumes", ()):
            source, *_ = mount.split(":")
            assert source in COMPOSE["volumes"] or (DOCKER / source).exists(), mount


def test_the_subgraphs_are_those_of_kong_yml():
    declared = yaml.safe_load((DOCKER / "kong.yml").read_text(encoding="utf-8"))
    assert deck_findings(declared) == []
    (route,) = declared["routes"]
    config = route["plugins"][0]["config"]
    for subgraph in config["subgraphs"]:
        service = SERVICES[subgraph["name"]]
        host, port = subgraph["url"].removeprefix("http://").removesuffix("/graphql").split(":")
        assert host == subgraph["name"]
        script, *options = service["command"]
        assert options == ["--host", "0.0.0.0", "--port", port]
        assert (ROOT / "examples" / script).is_file()
    mounted = {mount.split(":")[1] for mount in SERVICES["federation"]["volumes"]}
    assert config["supergraph"]["path"] in mounted


def test_it_is_the_shop_of_the_root():
    """One example, two sets of names: what differs is where things are."""
    inside = yaml.safe_load((DOCKER / "kong.yml").read_text(encoding="utf-8"))["routes"][0]
    outside = yaml.safe_load((ROOT / "kong.yml").read_text(encoding="utf-8"))["routes"][0]
    for route in (inside, outside):
        config = route["plugins"][0]["config"]
        config["supergraph"].pop("path")
        config["subgraphs"] = [subgraph["name"] for subgraph in config["subgraphs"]]
    assert inside == outside
