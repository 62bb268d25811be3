"""The demonstration as a person starts it: one process that starts all the others."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from examples.children import tree

ROOT = Path(__file__).parents[2]
DEMO = [sys.executable, str(ROOT / "examples" / "demo.py")]


@pytest.fixture
def ports():
    """Five ports in a row that were free a moment ago: the stand-in's, then the subgraphs'."""
    for first in range(20_000 + os.getpid() % 9_000, 32_000, 7):
        sockets = [socket.socket() for _ in range(5)]
        try:
            for place, one in enumerate(sockets):
                one.bind(("127.0.0.1", first + place))
        except OSError:
            continue
        finally:
            for one in sockets:
                one.close()
        return ["--port", str(first), "--subgraph-port", str(first + 1)]
    return pytest.fail("no five free ports in a row")


def alive(processes):
    return {pid for pid, started in processes.items() if tree(pid).get(pid) == started}


def test_once_is_right(ports):
    done = subprocess.run([*DEMO, "--once", *ports], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for part in ("The operation", "Its plan", "The answer", "The answer is right."):
        assert part in done.stdout
    assert done.stderr == ""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_stays_behind(ports, how):
    with subprocess.Popen([*DEMO, *ports], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as demo:
        said = []
        for line in demo.stdout:
            said.append(line)
            if line.startswith("Ctrl-C"):
                break
        else:
            pytest.fail("".join(said))
        started = {pid: ticks for pid, ticks in tree(demo.pid).items() if pid != demo.pid}
        assert len(started) >= 6, "four subgraphs, the stand-in, the plugin server"
        demo.send_signal(how)
        rest = demo.stdout.read()
    assert demo.returncode == (-how if how is signal.SIGKILL else 0), rest
    end = time.monotonic() + 15
    while alive(started) and time.monotonic() < end:
        time.sleep(0.05)
    assert not alive(started)


def test_a_taken_port_is_named_before_anything_starts(ports):
    with socket.create_server(("127.0.0.1", int(ports[1]))):
        done = subprocess.run([*DEMO, "--once", *ports], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.split("\n")[1:3] == [
        f"Port {ports[1]} for the stand-in for Kong is taken.",
        f"Choose another with: python examples/demo.py --port {int(ports[1]) + 100}",
    ]
