import os

import pytest

from kong_federation.kong import flights as module
from kong_federation.kong.flights import Flights


def request_id(number):
    return f"{number:032x}"


def test_a_request_that_was_answered_may_come_again():
    flights = Flights(10)
    for _ in range(3):
        assert flights.begin(request_id(1)) == 0
        flights.end(request_id(1))


def test_what_a_dead_process_had_under_way_is_known_to_the_others():
    flights = Flights(10)
    for death in range(3):
        child = os.fork()
        if not child:
            os._exit(flights.begin(request_id(1)))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == death
    assert flights.begin(request_id(1)) == 3
    assert flights.begin(request_id(2)) == 0
    flights.end(request_id(1))
    assert flights.begin(request_id(1)) == 0


def test_deaths_are_counted_no_further_than_a_byte():
    flights = Flights(1)
    assert [flights.begin(request_id(1)) for _ in range(300)][-1] == 255


def test_a_full_table_forgets_nothing_that_is_in_it(monkeypatch):
    flights = Flights(1)
    for number in range(8):
        assert flights.begin(request_id(number)) == 0
    assert [flights.begin(request_id(8)) for _ in range(2)] == [0, 0], "there was no place for it"
    assert flights.begin(request_id(7)) == 1
    later = module.monotonic() + 1000
    monkeypatch.setattr(module, "monotonic", lambda: later)
    assert [flights.begin(request_id(8)) for _ in range(2)] == [0, 1]


@pytest.mark.parametrize("odd", ["", "1", "x" * 33])
def test_only_ids_of_kong_are_trusted_to_be_unique(odd):
    flights = Flights(10)
    assert [flights.begin(odd), flights.begin(odd)] == [0, 0]
    flights.end(odd)
