"""What the supervisor does about workers that are stuck, grow, or die of a request; real processes, real signals."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from kong_federation.kong.pulse import LifeState, pulses
from kong_federation.pluginserver.health import respond
from spec.child import free_port
from spec.exchange import ask as ask_http

from .client import Client
from .running import SERVER, alive, code_of, until

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="Linux tells about processes")


def ids():
    return f"{int.from_bytes(os.urandom(16), 'big'):032x}"


def ask(running, body):
    """As a client of Kong: a connection that a dead worker had not read is an error, and no more."""
    try:
        return running.client.ask(body, ids())
    except ConnectionError:
        return None


def in_background(running, *bodies):
    answers = []
    threads = [threading.Thread(target=lambda body=body: answers.append(ask(running, body))) for body in bodies]
    for thread in threads:
        thread.start()
    return threads, answers


def test_a_worker_that_computes_without_end_is_killed_and_its_request_alone_refused(server):
    running = server(2, stuck=2.0)
    running.client.ask(b"pid")
    waiting, answers = in_background(running, *[b'sleep 3 #"query"'] * 6)
    time.sleep(0.2)
    poison = running.client.ask(b'spin #"query"', ids())
    assert (poison.status, code_of(poison)) == (503, "REQUEST_QUARANTINED")
    assert 0 < int(dict(poison.headers)["retry-after"]) <= 60
    for thread in waiting:
        thread.join()
    assert [answer.status for answer in answers] == [200] * 6, "what waited beside it ran again"
    again = running.client.ask(b'spin #"query"', ids())
    assert (again.status, code_of(again)) == (503, "REQUEST_QUARANTINED")
    assert running.text().count(", computing; it is killed") == 1, "one worker was lost"
    assert "in handle" in running.text(), "where it was stuck"


@LINUX
def test_a_stopped_worker_is_replaced_and_nobody_blamed(server):
    running = server(1, stuck=1.0)
    running.client.ask(b"pid")
    (victim,) = running.pids(1)
    waiting, answers = in_background(running, *[b'sleep 0.5 #"query"'] * 3)
    time.sleep(0.2)
    os.kill(victim, signal.SIGSTOP)
    for thread in waiting:
        thread.join()
    assert [answer.status for answer in answers] == [200] * 3
    assert not alive(victim)
    assert running.client.ask(b'sleep 0 #"query"', ids()).status == 200
    assert "refused for" not in running.text()


@pytest.mark.parametrize("how", [b'die #"query"', b'later #"query"'])
def test_a_deadly_query_costs_two_workers_whoever_sends_it_again(server, how):
    running = server(2)
    running.client.ask(b"pid")
    for _ in range(3):
        poison = until(lambda: ask(running, how))
        assert (poison.status, code_of(poison)) == (503, "REQUEST_QUARANTINED")
        until(lambda: "refused for" in running.text())
    assert len(running.pids(4)) == 4
    assert until(lambda: ask(running, b"pid")).status == 200


def test_a_deadly_query_costs_two_workers_however_late_the_supervisor_looks(server):
    """Whoever is told of the deaths before they are judged could ask again, and kill a third."""
    running = server(3)
    running.client.ask(b"pid")
    os.kill(running.process.pid, signal.SIGSTOP)
    waiting, answers = in_background(running, b'die #"query"')
    time.sleep(0.5)
    too_early = list(answers)
    os.kill(running.process.pid, signal.SIGCONT)
    assert too_early == []
    for thread in waiting:
        thread.join()
    again = running.client.ask(b'die #"query"', ids())
    assert [code_of(answer) for answer in (*answers, again)] == ["REQUEST_QUARANTINED"] * 2
    until(lambda: running.text().count(" ended with ") == 2)
    assert len(running.pids(5)) == 5


def test_quarantine_ends(server):
    running = server(2, quarantine=2)
    running.client.ask(b"pid")
    # Another worker that gets the request before the supervisor has heard of the first one's death dies of it, too.
    running.client.pause = 0.2
    for _ in range(2):
        assert until(lambda: ask(running, b'die #"query"')).status == 503
        until(lambda: "refused for" in running.text())
        time.sleep(2.1)
    assert len(running.pids(5)) == 5, "the second time, it is still a suspect and costs one"


@LINUX
def test_a_worker_that_has_grown_too_large_is_succeeded_without_a_loss(server, monkeypatch):
    running = server(2, memory=150)
    running.client.ask(b"pid")
    first = running.pids(2)
    fat = int(running.client.ask(b"grow 150").body)
    waiting, answers = in_background(running, *[b"sleep 1"] * 4)
    until(lambda: "it is succeeded" in running.text(), 20)
    statuses = []

    def gone():
        statuses.append(running.client.ask(b"pid").status)
        return not alive(fat)

    until(gone, 20)
    for thread in waiting:
        thread.join()
    assert set(statuses) == {200}
    assert [answer.status for answer in answers] == [200] * 4
    (other,) = {*first} - {fat}
    assert alive(other)
    assert f"process {fat}) has" in running.text()


def test_a_socket_that_was_removed_is_made_again(server, folder):
    running = server(2)
    running.client.ask(b"pid")
    old = running.pids(2)
    waiting, answers = in_background(running, *[b"sleep 1"] * 4)
    time.sleep(0.2)
    (folder / "s").unlink()
    until((folder / "s").exists, 2)
    assert running.client.ask(b"pid").status == 200
    for thread in waiting:
        thread.join()
    assert [answer.status for answer in answers] == [200] * 4
    new = running.pids(4)[2:]
    until(lambda: not any(map(alive, old)), 20)
    assert all(map(alive, new))
    assert running.stop() == 0
    assert not (folder / "s").exists()


def test_only_the_supervisor_holds_the_pipe_that_kong_reads(folder):
    """Kong starts another server when the pipe has ended, however many workers go on."""
    path = folder / "s"
    server = subprocess.Popen(
        [sys.executable, str(SERVER), str(path), str(folder / "run"), "2", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    with server:
        until(path.exists, 20)
        client = Client(path)
        assert client.ask(b"raise said by a worker").status == 500
        server.kill()
        assert b"worker-1 is process" in server.stdout.read(), "what it said until its end"
        assert client.ask(b"pid").status == 200
    path.unlink()  # the workers leave


def test_a_taken_over_server_finishes_and_then_waits_to_be_told(server):
    old = server(2)
    old.client.ask(b"pid")
    pids = old.pids(2)
    waiting, answers = in_background(old, *[b"sleep 1"] * 8)
    time.sleep(0.2)
    new = server(2, log="new", replace=True)
    statuses = [new.client.ask(b"pid").status for _ in range(50)]
    for thread in waiting:
        thread.join()
    assert [answer.status for answer in answers] == [200] * 8
    assert statuses == [200] * 50
    until(lambda: not any(map(alive, pids)))
    assert old.process.poll() is None
    assert new.path.exists()
    assert old.stop() == 0
    assert new.path.exists(), "it is not the old one's any more"


@LINUX
def test_a_mutation_whose_worker_dies_after_a_takeover_is_not_run_by_the_new_server(server):
    old = server(1)
    old.client.ask(b"pid")
    waiting, answers = in_background(old, b"sleep 5 #mutation")
    time.sleep(0.3)
    new = server(1, log="new", replace=True)
    new.client.ask(b"pid")
    os.kill(old.pids(1)[0], signal.SIGKILL)
    waiting[0].join()
    assert (answers[0].status, code_of(answers[0])) == (500, "REQUEST_INTERRUPTED")


def test_a_mutation_older_than_a_server_that_knows_nothing_of_the_one_before(server):
    started = time.time()
    running = server(1)
    old = running.client.ask(b"pid #mutation", ids(), started)
    assert (old.status, code_of(old)) == (500, "REQUEST_INTERRUPTED")
    assert running.client.ask(b"pid #mutation", ids()).status == 200
    assert running.client.ask(b'pid #"query"', ids(), started).status == 200


def test_hangup_is_passed_on(server):
    running = server(1)
    assert running.client.ask(b"refreshed").body == b"0"
    running.process.send_signal(signal.SIGHUP)
    until(lambda: running.client.ask(b"refreshed").body == b"1")
    assert running.process.poll() is None


def test_everything_that_connected_is_answered_when_the_server_stops(server):
    """Those still in the socket's queue, too."""
    running = server(1)
    running.client.ask(b"pid")
    (worker,) = running.pids(1)
    os.kill(worker, signal.SIGSTOP)
    waiting, answers = in_background(running, *[b"pid"] * 20)
    time.sleep(0.3)
    running.process.send_signal(signal.SIGTERM)
    until(lambda: not running.path.exists())
    os.kill(worker, signal.SIGCONT)
    for thread in waiting:
        thread.join()
    assert [answer and answer.status for answer in answers] == [200] * 20
    assert running.process.wait(20) == 0


def test_probes(server):
    port = free_port()
    running = server(2, health=port)
    url = f"http://127.0.0.1:{port}"

    def ready():
        answer = ask_http("GET", f"{url}/readyz")
        return answer if answer.status == 200 and answer.body["workers"] == {"serving": 2} else None

    answer = until(ready, 20)
    assert (answer.body["server"], answer.body["pid"]) == ("serving", running.process.pid)
    assert ask_http("GET", f"{url}/livez").status == 200
    assert ask_http("GET", f"{url}/").status == 404
    assert ask_http("POST", f"{url}/livez").status == 405
    running.client.ask(b"pid")
    waiting, _ = in_background(running, b"sleep 2")
    time.sleep(0.3)
    running.process.send_signal(signal.SIGTERM)
    leaving = until(lambda: ask_http("GET", f"{url}/readyz").status == 503)
    assert leaving
    assert ask_http("GET", f"{url}/livez").status == 200
    waiting[0].join()
    assert running.process.wait(20) == 0


def test_a_new_server_gets_the_probes_of_the_one_it_replaces(server):
    port = free_port()
    url = f"http://127.0.0.1:{port}/readyz"
    old = server(1, health=port)
    until(lambda: ask_http("GET", url).status == 200)
    new = server(1, log="new", health=port, replace=True)
    until(lambda: (ask_http("GET", url).body or {}).get("pid") == new.process.pid)
    assert old.process.poll() is None


def test_healthcheck(server, folder):
    running = server(1, stuck=0)
    command = [sys.executable, "-m", "kong_federation.cli", "healthcheck", "--timeout", "0.5", "--socket"]

    def check():
        done = subprocess.run([*command, str(running.path)], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    assert check() == (0, f"{running.path}: a worker answers\n")
    (worker,) = running.pids(1)
    os.kill(worker, signal.SIGSTOP)
    status, told = check()
    assert (status, "no answer within 0.5 s" in told) == (1, True)
    os.kill(worker, signal.SIGCONT)
    running.stop()
    status, told = check()
    assert (status, "No such file" in told) == (1, True)


def test_answers_of_probes_are_json():
    supervisor, worker, other = pulses(3)
    assert respond("GET", "/livez", supervisor, [worker, other])[0] == 503, "it has shown no sign of life"
    supervisor.live()
    supervisor.state = LifeState.SERVING
    assert respond("GET", "/readyz", supervisor, [worker, other])[0] == 503
    worker.reset()
    worker.state = LifeState.SERVING
    other.reset()
    status, told = respond("GET", "/readyz", supervisor, [worker, other])
    assert (status, told["workers"]) == (200, {"starting": 1, "serving": 1})
    assert json.dumps(told)
