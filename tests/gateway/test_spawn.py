"""How a builder's process is started."""

import os
import signal

from kong_federation.gateway.spawn import _NICE, BuilderProgram


def test_a_builder_is_less_urgent_from_its_first_moment(run_directory):
    path = run_directory / "builders" / "socket"
    process = BuilderProgram(grace=0.1).start(path, "it does not matter")
    try:
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == min(os.nice(0) + _NICE, 19)
    finally:
        os.kill(process.pid, signal.SIGKILL)
