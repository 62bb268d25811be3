"""The command as people call it; the gateway behind it is the real one, without a supergraph."""

import json
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from kong_federation.cli.__main__ import main

from .client import Client
from .running import running, until

COMMAND = [sys.executable, "-m", "kong_federation.cli", "serve"]


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="kf-") as name:
        yield Path(name)


@pytest.fixture
def serve(folder):
    started = []

    def start(*arguments):
        log = (folder / "log").open("w")
        process = subprocess.Popen([*COMMAND, *map(str, arguments)], stderr=log)
        log.close()
        started.append(process)
        end = time.monotonic() + 20
        while "listens on" not in (folder / "log").read_text():
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < end
            time.sleep(0.02)
        return process

    yield start
    for process in started:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def test_it_serves_and_says_where(serve, folder):
    process = serve("--kong-prefix", folder, "--socket-name", "s", "--workers", 1, "--socket-mode", "600")
    answer = Client(folder / "s", b'{"supergraph":{"sdl":7}}').ask(b"{}")
    assert answer.status == 500
    assert json.loads(answer.body)["errors"][0]["extensions"]["code"] == "CONFIGURATION_INVALID"
    log = (folder / "log").read_text()
    assert f"listens on {folder / 's'} with 1 workers" in log
    assert "supergraph.sdl must be a string" in log
    assert (folder / "s.d").is_dir()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert not (folder / "s").exists()


def test_a_reload_takes_the_socket_over(serve, folder):
    old = serve("--socket", folder / "s", "--workers", 1)
    refused = subprocess.run([*COMMAND, "--socket", str(folder / "s")], capture_output=True, text=True, check=False)
    assert (refused.returncode, "another server listens" in refused.stderr) == (1, True)
    client = Client(folder / "s", b"{}")
    assert client.ask(b"{}").status == 500
    serve("--socket", folder / "s", "--workers", 1, "--replace")
    old.send_signal(signal.SIGTERM)
    assert old.wait(20) == 0
    assert client.ask(b"{}").status == 500
    assert client.starts == 1, "the new server knows the instances of the old one"


def test_a_parent_that_ends_while_the_server_starts_is_missed(folder):
    """Its socket is open long before it is ready."""
    socket, log = folder / "s", folder / "log"
    command = shlex.join([*COMMAND, "--socket", str(socket), "--workers", "1"])
    done = (
        f"{command} 2>{shlex.quote(str(log))} & while [ ! -S {shlex.quote(str(socket))} ]; do sleep 0.01; done; echo $!"
    )
    shell = subprocess.run(["/bin/sh", "-c", done], stdout=subprocess.PIPE, text=True, check=True)
    until(lambda: not running(int(shell.stdout)))
    assert "the parent process is gone" in log.read_text()


def call(arguments):
    try:
        return main(arguments)
    except SystemExit as leaving:
        return leaving.code


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        ([], 2, "either --socket or --kong-prefix"),
        (["--socket", "a", "--kong-prefix", "b"], 2, "either --socket or --kong-prefix"),
        (["--socket", "/missing/s"], 1, "directory does not exist"),
        (["--socket", "/tmp/" + "x" * 120], 1, "too long"),
        (["--workers", "0"], 2, "at least 1"),
        (["--workers", "many"], 2, "at least 1"),
        (["--socket-mode", "999"], 2, "octal"),
    ],
)
def test_what_is_wrong_is_said(arguments, status, text, capsys):
    assert call(["serve", *arguments]) == status
    assert text in capsys.readouterr().err


def test_a_runtime_directory_that_cannot_be_made(folder, capsys):
    (folder / "run").write_text("")
    assert main(["serve", "--socket", str(folder / "s"), "--runtime-directory", str(folder / "run")]) == 1
    assert "the runtime directory is no directory" in capsys.readouterr().err
    assert not (folder / "s").exists()


def test_help_has_an_example(capsys):
    with pytest.raises(SystemExit) as left:
        main(["serve", "--help"])
    assert left.value.code == 0
    assert "kong-federation serve --socket" in capsys.readouterr().out
