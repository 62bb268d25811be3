from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from examples.children import ChildDiedError, Children, tree

ROOT = Path(__file__).parents[2]
SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]
# A process that starts another in a session of its own and says its id; asked to end, it leaves it behind.
LEAVE = "print(subprocess.Popen(['sleep', '60'], start_new_session=True).pid, flush=True)"
CARELESS = [sys.executable, "-c", f"import subprocess, time; {LEAVE}; time.sleep(60)"]


def wait_for_output(children, child):
    children.wait_until(lambda: child.output.read_text().endswith("\n"), child.name, 20)


def gone(pid, seconds=10.0):
    """Whether a process ends in time; one that nobody waits for counts as ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def test_children_end_with_their_folder():
    with Children() as children:
        first, second = children.start("first", SLEEP, ROOT), children.start("second", SLEEP, ROOT)
        for child in (first, second):
            wait_for_output(children, child)
        children.check()
        folder = children.folder
    assert first.process.returncode == second.process.returncode == -signal.SIGTERM
    assert not folder.exists()


def test_who_does_not_end_when_asked_is_killed(monkeypatch):
    monkeypatch.setattr("examples.children.GRACE", 0.2)
    with Children() as children:
        child = children.start("stubborn", STUBBORN, ROOT)
        wait_for_output(children, child)
    assert child.process.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_what_a_child_left_behind_ends_too():
    with Children() as children:
        child = children.start("careless", CARELESS, ROOT)
        wait_for_output(children, child)
        grandchild = int(child.output.read_text())
        assert grandchild in tree(child.process.pid)
    assert gone(grandchild)


def test_a_child_that_dies_is_reported_with_its_last_lines():
    with Children() as children:
        code = "import sys; print('\\n'.join(map(str, range(40)))); sys.exit('no such luck')"
        child = children.start("unlucky", [sys.executable, "-c", code], ROOT)
        child.process.wait(20)
        with pytest.raises(ChildDiedError) as caught:
            children.check()
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("unlucky ended with status 1")
    assert len(lines) == 16
    assert lines[-1] == "  | 39" or "  | no such luck" in lines


def test_a_child_that_is_killed_is_reported_with_the_signal():
    with Children() as children:
        child = children.start("killed", SLEEP, ROOT)
        wait_for_output(children, child)
        child.process.kill()
        child.process.wait(20)
        with pytest.raises(ChildDiedError, match="was ended by SIGKILL"):
            children.check()


def test_waiting_has_an_end():
    with Children() as children:
        children.start("idle", SLEEP, ROOT)
        with pytest.raises(TimeoutError, match="The gateway did not answer within 0 s"):
            children.wait_until(lambda: False, "The gateway", 0.1)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")
def test_children_end_when_the_parent_is_killed(tmp_path):
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from examples.children import Children\n"
        f"child = Children().start('orphan', {SLEEP!r}, Path('.'))\n"
        "print(child.process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment) as parent:
        child = int(parent.stdout.readline())
        parent.kill()
    assert gone(child)
