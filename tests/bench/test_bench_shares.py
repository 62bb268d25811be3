"""Processes that get a share of a core; what is started here is ended here."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what a process has had")


@pytest.fixture
def burner():
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        yield process.pid
        process.kill()


def had(pid):
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def state(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_process_gets_no_more_than_its_share_and_is_free_afterwards(burner):
    command = [sys.executable, "-m", "bench.shares", "0.1", str(burner)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as shares:
        assert shares.stdout.readline() == b"1 processes have 0.1 of a core each\n"
        before, began = had(burner), time.monotonic()
        time.sleep(1)
        used, passed = had(burner) - before, time.monotonic() - began
        shares.terminate()
    assert 0 < used < 0.3 * passed
    assert state(burner) != "T"
    assert shares.returncode == 0


def test_it_ends_with_what_it_was_to_look_after():
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    command = [sys.executable, "-m", "bench.shares", "0.1", str(gone.pid)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 1
    assert f"process {gone.pid} has ended" in done.stderr.decode()
