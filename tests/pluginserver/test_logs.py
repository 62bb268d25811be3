import logging
import subprocess
import sys

import pytest

from kong_federation.pluginserver import logs


def fail():
    raise ValueError("two\nlines")


def test_one_thing_is_one_line(capsys):
    log = logging.getLogger("kong_federation.test")
    logs.configure("info")
    logs.name_process("worker-7")
    log.debug("not shown")
    log.warning("what a client\nsent: %s", "a\r\nerror: forged\u2028b")
    try:
        fail()
    except ValueError:
        log.exception("it failed")
    log.error("and again", exc_info=(None, None, None))
    lines = capsys.readouterr().err.split("\n")
    assert len(lines) == 4
    assert lines[0].startswith("warning worker-7[")
    assert lines[0].endswith("what a client | sent: a | error: forged | b")
    assert "]: it failed; ValueError: two | lines [test_logs.py:" in lines[1]


def test_what_children_say_is_passed_on_and_nobody_waits(tmp_path):
    code = """if True:
        import os, sys, time
        from kong_federation.pluginserver.logs import Relay
        relay = Relay()
        if not os.fork():
            relay.adopt()
            print("to stdout", flush=True)
            print("to stderr", file=sys.stderr)
            for _ in range(1000):
                try:
                    os.write(2, b"x" * 1000)  # far more than a pipe holds
                except BlockingIOError:
                    pass
            os._exit(0)
        os.wait()
        assert relay.pump()
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("to stdout\nto stderr\nxxx")


def test_a_slow_reader_stops_nobody():
    code = """if True:
        import os
        from kong_federation.pluginserver.logs import Relay
        relay = Relay()
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        try:
            while True:
                os.write(writer, b"x" * 4096)
        except BlockingIOError:
            pass
        os.dup2(writer, 2)
        os.write(relay._writer, b"line")
        assert not relay.pump()
        os.read(reader, 1 << 20)
        assert relay.pump()
        print(os.read(reader, 1 << 20).decode())
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "line\n")


def test_a_reader_who_takes_a_little_stops_nobody_either():
    """Standard error blocks, as a pipe does; there is place in it for less than the children have said."""
    code = """if True:
        import os
        from kong_federation.pluginserver.logs import Relay
        relay = Relay()
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        try:
            while True:
                os.write(writer, b"x" * 4096)
        except BlockingIOError:
            pass
        os.set_blocking(writer, True)
        os.dup2(writer, 2)
        os.write(relay._writer, b"line" * 10_000)
        os.read(reader, 8192)
        assert not relay.pump()
        print("went on")
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=20)
    assert (done.returncode, done.stdout) == (0, "went on\n")


@pytest.mark.parametrize("closed", ["0", "1", "2"])
def test_the_places_of_the_standard_streams_are_kept(closed):
    code = (
        "import os; from kong_federation.pluginserver import logs; logs.configure('info'); os._exit(os.pipe()[0] < 3)"
    )
    shell = f'exec "$0" -c "$1" {closed}>&-'
    done = subprocess.run(["/bin/sh", "-c", shell, sys.executable, code], capture_output=True, check=False)
    assert done.returncode == 0
