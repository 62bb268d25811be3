"""A server in a corner: another user, no environment, no place to write but its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from .client import Client
from .running import until

ROOT = Path(__file__).parents[2]
SERVE = ["-m", "kong_federation.cli", "serve", "--workers", "1", "--health", "0"]
SUPERGRAPH = (ROOT / "spec" / "http" / "supergraph.graphql").read_text()
CONFIGURATION = json.dumps({"supergraph": {"sdl": SUPERGRAPH}}).encode()

# Runs in each Python that is started, before anything else, and in all its forks.
AUDIT = """
import os, sys
_record = os.open(os.environ["RECORD"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
_paths = {"os.mkdir": 1, "os.remove": 1, "os.rmdir": 1, "os.chmod": 1, "os.chown": 1, "os.truncate": 1, "os.utime": 1,
          "os.rename": 2, "os.link": 2, "os.symlink": 2}
def _hook(event, arguments):
    if event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        written = arguments[:1]
    elif event == "socket.bind" and isinstance(arguments[1], str):
        written = arguments[1:2]
    else:
        written = arguments[: _paths.get(event, 0)]
    for path in written:
        if isinstance(path, (str, bytes)) or hasattr(path, "__fspath__"):
            os.write(_record, os.fsencode(path) + b"\\n")
sys.addaudithook(_hook)
"""


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="kf-") as name:
        yield Path(name)


def serve_one_request(command, folder, environment):
    """Start, answer a query that needs the builder, and stop."""
    (folder / "here").mkdir()
    socket = folder / "here" / "s"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--socket", str(socket)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            cwd="/",
        )
    try:
        until(lambda: socket.exists() or process.poll() is not None, 30)
        client = Client(socket, CONFIGURATION, {"content-type": "application/json"})
        answer = until(lambda: one if (one := client.ask(b'{"query":"{ __typename }"}')).status == 200 else None, 30)
        assert json.loads(answer.body) == {"data": {"__typename": "Query"}}
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(30)
    assert status == 0, (folder / "log").read_text()
    return socket


def test_it_writes_nowhere_else_and_needs_no_environment(folder):
    (folder / "audit").mkdir()
    (folder / "audit" / "sitecustomize.py").write_text(AUDIT)
    record = folder / "record"
    environment = {
        "PYTHONPATH": f"{folder / 'audit'}:{ROOT}",
        "PYTHONDONTWRITEBYTECODE": "1",  # what pip has compiled is not compiled again
        "RECORD": str(record),
    }
    socket = serve_one_request([sys.executable, *SERVE], folder, environment)
    written = {Path(line) for line in record.read_text().splitlines()}
    here = folder / "here"
    assert any(path.parent == socket.with_name("s.d") / "instances" for path in written), "the hook sees nothing"
    assert any("builders" in path.parts for path in written), "the hook does not see the builder"
    # Nothing of `/proc` is on a disk: a process says its name and its priority there, and that of a builder.
    written = {path for path in written if not path.match("/proc/*/autogroup")}
    allowed = {Path("/dev/null"), Path("/proc/self/comm"), record}
    outside = {path for path in written - allowed if path.is_absolute() and not path.is_relative_to(here)}
    assert not outside


@pytest.mark.skipif(sys.platform != "linux" or not shutil.which("unshare"), reason="needs unshare(1)")
def test_it_runs_as_a_user_that_nobody_knows(folder):
    stranger = ["unshare", "--user", "--map-user=54321", "--map-group=54321"]
    if subprocess.run([*stranger, "true"], capture_output=True, check=False).returncode:
        pytest.skip("user namespaces are not to be had here")
    socket = serve_one_request([*stranger, sys.executable, *SERVE], folder, {"PATH": os.defpath})
    assert not socket.exists()


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_it_needs_no_standard_streams(folder, closed):
    """Some hosts start their children without one or the other."""
    shell = ["/bin/sh", "-c", f'exec "$0" "$@" {closed}>&-']
    serve_one_request([*shell, sys.executable, *SERVE], folder, {"PATH": os.defpath})
