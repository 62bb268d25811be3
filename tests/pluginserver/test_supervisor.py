"""Real processes on a real socket; every process started here is ended by its id."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from kong_federation.kong import HandleEvent, encode_call, frame
from kong_federation.kong.flights import Flights
from kong_federation.kong.pulse import LifeState, pulses
from kong_federation.kong.quarantine import Quarantine
from kong_federation.pluginserver.children import Child
from kong_federation.pluginserver.inquest import Inquest
from kong_federation.pluginserver.supervisor import Supervisor, SupervisorOptions

from .client import Client
from .running import SERVER, alive, code_of, running, until


def test_all_workers_answer_on_one_socket_and_share_instances(server):
    running = server(3)
    assert running.client.ask(b"pid").headers == (("x-sdl", "type Query { a: Int }"),)
    answered = set()

    def ask():
        answered.add(running.client.ask(b"sleep 0.2").body)

    def all_answered():
        threads = [threading.Thread(target=ask) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return len(answered) == 3

    until(all_answered, 20)
    assert running.client.starts == 1
    assert {int(pid) for pid in answered} == set(running.pids(3))
    assert running.stop() == 0
    assert not running.path.exists()
    assert "Traceback" not in running.text()


def test_a_killed_worker_is_replaced_and_the_others_go_on(server):
    running = server(2)
    victim, other = running.pids(2)
    running.client.ask(b"pid")
    os.kill(victim, signal.SIGKILL)
    failures = 0
    answered = set()
    for _ in range(100):
        try:
            answered.add(int(running.client.ask(b"pid").body))
        except ConnectionError:
            failures += 1  # what the dead worker had not read
    assert failures <= 2
    assert victim not in answered
    replacement = running.pids(3)[2]
    assert alive(other)
    assert alive(replacement)
    assert "ended with signal 9; replaced in 0.0 s" in running.text()


@pytest.mark.parametrize(
    ("body", "deaths", "told"),
    [(b"die", 1, (500, "REQUEST_INTERRUPTED")), (b'die #"query"', 2, (503, "REQUEST_QUARANTINED"))],
)
def test_a_request_that_kills_its_worker_comes_again_only_if_it_is_a_query(server, body, deaths, told):
    running = server(2)
    running.client.ask(b"pid")
    answer = _answer(running, body, "b55f5f0d1bc813098bcbe461fff74902")
    assert (answer.status, code_of(answer)) == told
    assert len(running.pids(2 + deaths)) == 2 + deaths
    assert _answer(running, b"pid", "1").status == 200
    until(lambda: "comes again after the death of its worker" in running.text())


def _answer(running, body, request_id):
    """Until Kong, too, would have an answer: connections that a dead worker had not read are reset."""

    def asked():
        with contextlib.suppress(ConnectionError):
            return running.client.ask(body, request_id)
        return None

    return until(asked)


def test_workers_that_keep_dying_are_replaced_ever_more_slowly(server):
    running = server(1)
    for death in range(4):
        os.kill(running.pids(death + 1)[-1], signal.SIGKILL)
    delays = until(lambda: _delays(running, 4))
    assert delays == ["0.0", "0.2", "0.4", "0.8"]


def _delays(running, least):
    delays = [line.split()[-2] for line in running.text().splitlines() if "replaced in" in line]
    return delays if len(delays) >= least else None


def test_an_exception_is_answered_and_logged_in_one_line(server):
    running = server(1)
    answer = running.client.ask(b"raise sec\nret")
    assert answer.status == 500
    assert b"INTERNAL_SERVER_ERROR" in answer.body
    assert b"sec" not in answer.body
    (line,) = until(lambda: [line for line in running.text().splitlines() if "a request failed" in line])
    assert line.startswith("error worker-1[")
    assert "ValueError: sec | ret [fake_server.py:" in line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopping_lets_requests_finish(server, number):
    running = server(2)
    running.client.ask(b"pid")
    answers = []
    thread = threading.Thread(target=lambda: answers.append(running.client.ask(b"sleep 1")))
    thread.start()
    time.sleep(0.3)
    assert running.stop(number) == 0
    thread.join()
    assert answers[0].status == 200
    assert not running.path.exists()
    assert "gateway closed" in running.text()


@pytest.mark.parametrize(
    ("body", "told"),
    [(b'sleep 60 #"query"', (503, "SERVICE_UNAVAILABLE")), (b"sleep 60", (500, "REQUEST_INTERRUPTED"))],
)
def test_what_does_not_finish_in_time_is_answered(server, body, told):
    """Only what has changed nothing is told to try again."""
    running = server(1, drain=0.2)
    running.client.ask(b"pid")
    answers = []
    thread = threading.Thread(target=lambda: answers.append(running.client.ask(body)))
    thread.start()
    time.sleep(0.3)
    assert running.stop() == 0
    thread.join()
    assert (answers[0].status, code_of(answers[0])) == told
    assert ("retry-after" in dict(answers[0].headers)) == (told[0] == 503)


def test_workers_serve_on_when_their_supervisor_is_killed_until_another_server_comes(server):
    running = server(2)
    running.client.ask(b"pid")
    pids = running.pids(2)
    running.process.kill()
    running.process.wait()
    for _ in range(20):
        assert int(running.client.ask(b"pid").body) in pids
    answers = []
    slow = threading.Thread(target=lambda: answers.append(running.client.ask(b"sleep 1")))
    slow.start()
    time.sleep(0.2)
    successor = server(1, log="successor")
    (served,) = successor.pids(1)
    assert int(successor.client.ask(b"pid").body) == served
    slow.join()
    assert answers[0].status == 200, "what was under way is finished"
    until(lambda: not any(map(alive, pids)))


def test_workers_do_not_outlive_their_supervisor_for_ever(server, folder):
    running = server(2)
    pids = running.pids(2)
    running.process.kill()
    running.process.wait()
    (folder / "s").unlink()
    until(lambda: not any(map(alive, pids)))


def start_below_a_shell(folder, before=""):
    """The shell, and the ids of the supervisor and its worker."""
    log = folder / "log"
    server = f"{before} '{sys.executable}' '{SERVER}' '{folder / 's'}' '{folder / 'run'}' 1 1"
    shell = ["/bin/sh", "-c", f"{server} 2>'{log}' & echo $!; read forever"]
    parent = subprocess.Popen(shell, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    supervisor = int(parent.stdout.readline())
    until((folder / "s").exists)
    worker = until(lambda: [line.split()[-1] for line in log.read_text().splitlines() if "is process" in line])
    return parent, supervisor, int(worker[0])


def end(parent):
    parent.kill()
    parent.wait()
    parent.stdin.close()
    parent.stdout.close()


def test_the_server_ends_with_its_parent(folder):
    parent, supervisor, worker = start_below_a_shell(folder)
    end(parent)
    until(lambda: not alive(worker))
    until(lambda: not (folder / "s").exists())
    assert "the parent process is gone" in (folder / "log").read_text()
    until(lambda: not running(supervisor))


def test_nohup_keeps_the_server_when_its_parent_ends(folder):
    parent, supervisor, _ = start_below_a_shell(folder, "nohup")
    end(parent)
    time.sleep(1.5)  # longer than the supervisor takes to look
    assert Client(folder / "s").ask(b"pid").status == 200
    os.kill(supervisor, signal.SIGTERM)
    until(lambda: not running(supervisor))


def test_a_worker_that_cannot_be_forked_is_tried_again(monkeypatch, caplog):
    def refuse():
        raise BlockingIOError(11, "Resource temporarily unavailable")

    inquest = Inquest(Flights(1), Quarantine(), 0)
    supervisor = Supervisor(None, lambda *_: None, SupervisorOptions(2, 0), inquest, pulses(5))
    monkeypatch.setattr(os, "fork", refuse)
    supervisor._fill()
    assert [slot.child for slot in supervisor._slots] == [None, None]
    assert all(slot.due > time.monotonic() + 5 for slot in supervisor._slots)
    assert "worker-2 cannot be started: [Errno 11] Resource temporarily unavailable" in caplog.text


def test_a_successor_that_starts_while_the_socket_is_taken_over_leaves_as_well():
    class TakenOver:
        ours = gone = False

        def sign(self):
            pass

    board = pulses(3)
    for pulse in board:
        pulse.reset()
    inquest = Inquest(Flights(1), Quarantine(), 60.0)
    supervisor = Supervisor(TakenOver(), lambda *_: None, SupervisorOptions(1, 0), inquest, board)
    processes = [subprocess.Popen(["sleep", "60"]) for _ in range(2)]
    (slot,) = supervisor._slots
    slot.child, slot.successor = (
        Child("worker-1", process.pid, pulse) for process, pulse in zip(processes, board[1:], strict=True)
    )
    try:
        supervisor._look()
        slot.successor.pulse.state = LifeState.SERVING
        supervisor._look()
        assert [process.wait(10) for process in processes] == [-signal.SIGTERM] * 2
        assert [child.pid for child in supervisor._leaving] == [process.pid for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_a_restarted_server_knows_the_instances_kong_remembers(server):
    first = server(1)
    instance = first.client.start()
    assert first.stop() == 0
    second = server(1)
    second.client.instance = instance
    assert second.client.ask(b"pid").status == 200
    assert second.client.starts == 0


def test_an_instance_nobody_knows_costs_kong_one_start(server):
    started = server(2)
    started.client.instance = 5
    assert started.client.ask(b"pid").status == 200
    assert started.client.starts == 1


def test_random_bytes_crash_no_worker(server):
    started = server(1)
    started.client.ask(b"pid")
    chance = random.Random(7)
    event = frame(encode_call(HandleEvent(2, started.client.instance, "access")))
    for _ in range(200):
        with started.client.connection() as stream:
            stream.sendall(event + chance.randbytes(chance.randrange(60)))
            if chance.random() < 0.5:
                stream.shutdown(socket.SHUT_WR)
            stream.recv(chance.choice((1, 10, 1000)))
    assert started.client.ask(b"pid").body == str(started.pids(1)[0]).encode()
    assert len(started.pids(1)) == 1


def test_many_connections_at_once_are_all_answered(server):
    started = server(2)
    started.client.ask(b"pid")
    statuses = []

    def ask():
        statuses.append(started.client.ask(b"sleep 0.3").status)

    threads = [threading.Thread(target=ask) for _ in range(300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 300
