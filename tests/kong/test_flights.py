import os
import subprocess
import sys
import time

import pytest

from kong_federation.kong import flights as module
from kong_federation.kong.flights import Flights

DIGEST = b"d" * 16


def request_id(number):
    return f"{number:032x}"


def begin(flights, number, digest=DIGEST):
    return flights.begin(request_id(number), digest)


def in_a_child(work):
    """What a forked process makes of it, a small number, and the process's id."""
    child = os.fork()
    if not child:
        os._exit(work())
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), child


def test_a_request_that_was_answered_may_come_again():
    flights = Flights(10)
    for _ in range(3):
        flight = begin(flights, 1)
        assert flight.deaths == 0
        flights.end(flight)


def test_what_a_dead_process_had_under_way_is_known_to_the_others():
    flights = Flights(10)
    for death in range(3):
        assert in_a_child(lambda: begin(flights, 1).deaths)[0] == death
    flight = begin(flights, 1)
    assert flight.deaths == 3
    assert begin(flights, 2).deaths == 0
    flights.end(flight)
    assert begin(flights, 1).deaths == 0


def test_who_died_with_what_is_told_once():
    flights = Flights(10)

    def two():
        begin(flights, 1, b"a" * 16)
        begin(flights, 2, b"b" * 16)
        flights.end(begin(flights, 3))
        return 0

    _, dead = in_a_child(two)
    begin(flights, 4)
    again = begin(flights, 2, b"b" * 16)
    left = flights.left_by(dead)
    assert {(one.digest, one.deaths) for one in left} == {(b"a" * 16, 0), (b"b" * 16, 0)}, "also what came again"
    assert flights.left_by(dead) == []
    flights.end(again)
    assert [one.digest for one in flights.left_by(os.getpid())] == [DIGEST]


def test_the_second_death_of_a_request_is_told_from_the_first():
    flights = Flights(10)
    _, first = in_a_child(lambda: begin(flights, 1).deaths)
    _, second = in_a_child(lambda: begin(flights, 1).deaths)
    assert [one.deaths for one in flights.left_by(first)] == [0]
    assert [one.deaths for one in flights.left_by(second)] == [1]


def test_a_request_is_judged_when_both_its_former_workers_are():
    flights = Flights(10)
    _, first = in_a_child(lambda: begin(flights, 1).deaths)
    _, second = in_a_child(lambda: begin(flights, 1).deaths)
    third = begin(flights, 1)
    assert not flights.is_judged(third)
    assert [one.deaths for one in flights.left_by(second)] == [1]
    assert not flights.is_judged(third)
    assert [one.deaths for one in flights.left_by(first)] == [0]
    assert flights.is_judged(third)


def test_a_worker_that_lives_has_no_death_to_be_judged():
    flights = Flights(10)
    mine = os.getpid()
    first = begin(flights, 1)
    again = begin(flights, 1)
    assert not flights.is_judged(again)
    flights.survive(first, mine)
    assert flights.is_judged(again)
    assert [one.deaths for one in flights.left_by(mine)] == [1], "the later one may still die of it"
    flights.survive(first, mine)
    flights.end(again)
    flights.survive(first, mine)
    assert begin(flights, 1).deaths == 0


def test_what_is_not_in_the_table_waits_for_no_judgement():
    flights = Flights(1)
    assert flights.is_judged(flights.begin("odd", DIGEST))
    begin(flights, 1)
    gone = begin(flights, 1)
    flights.end(gone)
    assert flights.is_judged(gone)


def test_an_end_that_comes_late_takes_nobody_elses_place():
    flights = Flights(1)
    late = begin(flights, 1)
    flights.end(late)
    other = begin(flights, 2)
    assert other.place == late.place
    flights.end(late)
    assert begin(flights, 2).deaths == 1


def test_deaths_are_counted_no_further_than_a_byte():
    flights = Flights(1)
    assert [begin(flights, 1).deaths for _ in range(300)][-1] == 255


def test_a_full_table_forgets_nothing_that_is_in_it(monkeypatch):
    flights = Flights(1)
    places = {begin(flights, number).place for number in range(8)}
    assert places == set(range(1, 9))
    assert [begin(flights, 8) for _ in range(2)] == [(0, 0, b""), (0, 0, b"")], "there was no place for it"
    assert begin(flights, 7).deaths == 1
    later = module.monotonic() + 1000
    monkeypatch.setattr(module, "monotonic", lambda: later)
    assert [begin(flights, 8).deaths for _ in range(2)] == [0, 1]


@pytest.mark.parametrize("odd", ["", "1", "x" * 33, "x" * 32, "\xe9" * 32])
def test_only_ids_of_kong_are_trusted_to_be_unique(odd):
    flights = Flights(10)
    assert [flights.begin(odd, DIGEST), flights.begin(odd, DIGEST)] == [(0, 0, b""), (0, 0, b"")]
    flights.end(flights.begin(odd, DIGEST))


@pytest.mark.skipif(sys.platform != "linux", reason="the table can be found on Linux only")
def test_a_successor_knows_what_is_under_way_in_the_server_before():
    # In a process that has no other tables.
    code = """if True:
        import os
        from kong_federation.kong.flights import Flights
        mine = Flights(10)
        mine.begin("1" * 32, b"d" * 16)
        if not os.fork():
            theirs = Flights(500, predecessor=os.getppid())
            os._exit(theirs.begin("1" * 32, b"d" * 16).deaths * 10 + (theirs.since == 0.0))
        print(os.waitstatus_to_exitcode(os.wait()[1]), mine.since > 0)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("11 True\n", "")


@pytest.mark.skipif(sys.platform != "linux", reason="the table can be found on Linux only")
def test_connections_that_the_server_before_closes_meanwhile_hide_no_table():
    code = """if True:
        import os
        from pathlib import Path
        from kong_federation.kong.flights import Flights
        mine = Flights(10)
        listed = Path.iterdir
        Path.iterdir = lambda folder: [folder / "1000000", *listed(folder)]
        print(Flights(10, predecessor=os.getpid()).since)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("0.0\n", "")


def test_a_server_that_cannot_be_reached_leaves_a_date():
    _, dead = in_a_child(lambda: 0)
    assert Flights(1, predecessor=dead).since == pytest.approx(time.time(), abs=5)
    assert Flights(1, predecessor=dead, since=7.0).since == 7.0
