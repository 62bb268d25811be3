import logging
import signal
import tempfile
from pathlib import Path

import pytest

from kong_federation.kong import runtime as runtime_module
from kong_federation.kong.guard import lone_guard
from kong_federation.kong.instances import InstanceFiles
from kong_federation.kong.runtime import Runtime
from kong_federation.pluginserver.events import Events
from kong_federation.pluginserver.session import Session
from kong_federation.settings import Settings, parse_settings

from .kong import Gateway, Kong
from .running import Server

SETTINGS = parse_settings({"supergraph": {"sdl": "type Query { a: Int }"}})


@pytest.fixture(autouse=True, scope="session")
def _children_hear_hangups():
    """Also where the tests run under nohup: what is ignored is inherited, and the server then means to stay."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture(autouse=True)
def _keep_the_logging_of_the_tests():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


@pytest.fixture
def gateway():
    return Gateway()


@pytest.fixture
def settings() -> Settings:
    return SETTINGS


@pytest.fixture
def files(tmp_path):
    return InstanceFiles(tmp_path / "run")


@pytest.fixture
def runtime(files, gateway, settings, monkeypatch):
    """Any configuration is right, and all share one gateway."""
    monkeypatch.setattr(runtime_module, "parse_settings", lambda _: settings)
    return Runtime(files, lambda _: gateway, lone_guard())


@pytest.fixture
def events(runtime):
    return Events(100, runtime.guard.pulse)


@pytest.fixture
async def kong(runtime, events):
    return Kong(Session(runtime, events))


@pytest.fixture
async def connect(runtime, events):
    return lambda: Kong(Session(runtime, events))


@pytest.fixture
def folder():
    # pytest's own temporary paths are too long for a socket on some machines.
    with tempfile.TemporaryDirectory(prefix="kf-") as name:
        yield Path(name)


@pytest.fixture
def server(folder):
    started = []

    def start(workers, **options):
        started.append(Server(folder, workers, **options))
        return started[-1]

    yield start
    for one in started:
        one.stop()
