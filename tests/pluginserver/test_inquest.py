"""Deaths, and who is blamed; workers are processes that have ended."""

import os

import pytest

from kong_federation.kong.flights import Flights
from kong_federation.kong.quarantine import Quarantine
from kong_federation.pluginserver import inquest as module
from kong_federation.pluginserver.inquest import Death, Inquest

POPULAR, POISON, OTHER = (name * 16 for name in (b"p", b"x", b"o"))


class Server:
    def __init__(self, seconds=60.0):
        self.flights = Flights(100)
        self.quarantine = Quarantine()
        self.inquest = Inquest(self.flights, self.quarantine, seconds)
        self.number = 0

    def die(self, under_way, on_cpu=None, caught=False, judge=True):
        """
        A worker begins these requests and dies; on_cpu says which of them ran.

        Args:
            under_way: Digests, or (digest, request id) for what comes again.
        """
        reader, writer = os.pipe()
        self.number += 1
        child = os.fork()
        if not child:
            place = 0
            for number, one in enumerate(under_way):
                digest, name = one if isinstance(one, tuple) else (one, f"{self.number:016x}{number:016x}")
                flight = self.flights.begin(name, digest)
                if digest == on_cpu:
                    place = flight.place
            os.write(writer, place.to_bytes(4, "little"))
            os._exit(0)
        os.waitpid(child, 0)
        place = int.from_bytes(os.read(reader, 4), "little")
        os.close(reader)
        os.close(writer)
        if judge:
            self.inquest.hold(Death(child, place, caught))
        return child, place

    def refused(self):
        return [digest for digest in (POPULAR, POISON, OTHER) if self.quarantine.left(digest)]


@pytest.fixture
def server():
    return Server()


def test_what_runs_at_two_deaths_is_refused(server):
    server.die([POPULAR] * 9 + [POISON], POISON)
    assert server.refused() == []
    server.die([POPULAR] * 9 + [POISON], POISON)
    assert server.refused() == [POISON]


def test_a_popular_query_that_is_killed_by_others_is_not_refused(server):
    """A person kills workers; the popular query is always under way, and on the processor by chance."""
    for _ in range(20):
        server.die([POPULAR] * 9 + [OTHER], POPULAR)
        server.quarantine.answered(POPULAR)
    assert server.refused() == []


def test_workers_that_are_killed_at_the_same_time_prove_nothing(server):
    dead = [server.die([POPULAR] * 3, POPULAR, judge=False) for _ in range(4)]
    for pid, place in dead:
        server.inquest.hold(Death(pid, place))
    assert server.refused() == []


def test_a_replay_that_is_faster_than_the_inquest_counts(server):
    name = f"{7:032x}"
    first, place = server.die([(POISON, name)], POISON, judge=False)
    second, again = server.die([(POISON, name)], POISON, judge=False)
    server.inquest.hold(Death(first, place))
    server.inquest.hold(Death(second, again))
    assert server.refused() == [POISON]


@pytest.mark.parametrize("turned", [False, True])
def test_two_deaths_that_are_noticed_at_once_are_judged_in_their_order(server, turned):
    name = f"{7:032x}"
    deaths = [Death(*server.die([POPULAR, (POISON, name)], POISON, judge=False)) for _ in range(2)]
    server.inquest.hold(*(reversed(deaths) if turned else deaths))
    assert server.refused() == [POISON]


@pytest.mark.parametrize("at_once", [False, True])
def test_deaths_are_told_apart_when_the_request_has_come_a_third_time_meanwhile(server, at_once):
    name = f"{7:032x}"
    deaths = [Death(*server.die([(POISON, name)], POISON, judge=False)) for _ in range(2)]
    assert server.flights.begin(name, POISON).deaths == 2
    if at_once:
        server.inquest.hold(*deaths)
    else:
        for death in deaths:
            server.inquest.hold(death)
    assert server.refused() == [POISON]


def test_what_was_caught_is_refused_at_once(server):
    server.die([POPULAR, POISON], POISON, caught=True)
    assert server.refused() == [POISON]


def test_standing_still_without_computing_needs_two_deaths(server):
    server.die([POPULAR], POPULAR)
    assert server.refused() == []


def test_where_nothing_ran_what_is_rare_and_was_never_answered_is_refused(server):
    server.die([POPULAR] * 9 + [POISON, OTHER])
    server.quarantine.answered(OTHER)
    server.die([POPULAR] * 9 + [POISON, OTHER])
    assert server.refused() == [POISON]


def test_alone_is_rare(server):
    server.die([POISON])
    server.die([POISON])
    assert server.refused() == [POISON]


def test_a_slow_popular_query_survives_deaths_between_two_steps(server):
    """It is never answered between the two, but neither did it run, nor is it rare."""
    server.die([POPULAR] * 50)
    server.die([POPULAR] * 50 + [OTHER])
    assert server.refused() == []


def test_what_ran_but_was_answered_elsewhere_by_now_is_not_blamed(server):
    dead, place = server.die([POPULAR], POPULAR, judge=False)
    again = server.flights.begin(f"{1:016x}{0:016x}", POPULAR)
    server.flights.end(again)
    server.inquest.hold(Death(dead, place))
    server.die([POPULAR], POPULAR)
    assert server.refused() == []


def test_who_is_refused_stays_refused_when_another_worker_dies(server):
    for _ in range(2):
        server.die([POISON], POISON)
    server.die([POISON, POISON, POPULAR])
    assert server.refused() == [POISON]


def test_suspicions_are_forgotten(server, monkeypatch):
    server.die([POISON], POISON)
    later = module.monotonic() + 10_000
    monkeypatch.setattr(module, "monotonic", lambda: later)
    server.inquest.tidy()
    server.die([POISON], POISON)
    assert server.refused() == []
    assert repr(server.inquest) == "<Inquest: 1 suspects>"


def test_who_is_refused_for_long_is_refused_to_the_end(monkeypatch):
    server = Server(3_600.0)
    server.die([POISON], POISON, caught=True)
    now = module.monotonic()
    monkeypatch.setattr(module, "monotonic", lambda: now + 3_000)
    server.inquest.tidy()
    assert server.refused() == [POISON]
    monkeypatch.setattr(module, "monotonic", lambda: now + 4_000)
    server.inquest.tidy()
    assert server.refused() == []


def test_it_can_be_switched_off():
    server = Server(0.0)
    for _ in range(3):
        server.die([POISON], POISON, caught=True)
    assert server.refused() == []
