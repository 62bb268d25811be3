"""The benchmark's files are scripts beside each other; here they are imported as they import one another."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
sys.path.append(str(BENCH))


@pytest.fixture(scope="session")
def served():
    """The port of a process that serves the four subgraphs."""
    command = [sys.executable, str(BENCH / "subgraphs.py"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            yield json.loads(process.stdout.readline())["listening"]
        finally:
            process.terminate()
