import os

import pytest

from kong_federation.kong import quarantine as module
from kong_federation.kong.quarantine import Quarantine, digest_of


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    return now


def digest(number):
    return digest_of(b"graph", str(number).encode())


def test_a_request_is_known_by_what_it_asks_and_of_whom():
    assert len({digest_of(b"a", b"x"), digest_of(b"a", b"y"), digest_of(b"b", b"x")}) == 3
    assert digest_of(b"a" * 64, b"x") == digest_of(b"a" * 64, b"x")


def test_who_is_in_quarantine_is_known_in_all_processes_until_it_is_over(clock):
    quarantine = Quarantine()
    assert quarantine.left(digest(1)) == 0
    quarantine.impose(digest(1), 60)
    child = os.fork()
    if not child:
        os._exit(int(quarantine.left(digest(1))) + (quarantine.left(digest(2)) != 0))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 60
    clock[0] += 60
    assert quarantine.left(digest(1)) == 0


def test_an_answer_clears_a_suspect():
    quarantine = Quarantine()
    assert quarantine.was_answered(digest(1)), "nobody watched"
    quarantine.watch(digest(1))
    quarantine.answered(digest(2))
    assert not quarantine.was_answered(digest(1))
    assert quarantine.left(digest(1)) == 0, "a suspicion refuses nothing"
    quarantine.answered(digest(1))
    assert quarantine.was_answered(digest(1))
    quarantine.watch(digest(1))
    assert not quarantine.was_answered(digest(1))


def test_being_watched_does_not_free():
    quarantine = Quarantine()
    quarantine.impose(digest(1), 60)
    quarantine.watch(digest(1))
    assert quarantine.left(digest(1)) > 50


def test_what_is_only_watched_gives_way():
    quarantine = Quarantine()
    for number in range(40):
        quarantine.impose(digest(number), 60)
    for number in range(40, 200):
        quarantine.watch(digest(number))
    assert all(quarantine.left(digest(number)) for number in range(40))
    assert not quarantine.was_answered(digest(199))
    assert quarantine.was_answered(digest(100))


def test_forgetting():
    quarantine = Quarantine()
    quarantine.impose(digest(1), 60)
    quarantine.forget(digest(1))
    quarantine.forget(digest(2))
    assert quarantine.left(digest(1)) == 0
    assert repr(quarantine) == "<Quarantine: 0>"
