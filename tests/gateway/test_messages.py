"""What workers and builders say to each other survives the way, in pieces of any size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kong_federation.errors import CATALOGUE, FederationError
from kong_federation.gateway.messages import (
    Failed,
    Hello,
    IntrospectionJob,
    Order,
    PlanJob,
    Reader,
    Reply,
    pack_findings,
    pack_greeting,
    pack_job,
    pack_order,
    pack_reply,
    pack_work,
    unpack_findings,
    unpack_greeting,
    unpack_job,
    unpack_order,
    unpack_reply,
    unpack_work,
)
from kong_federation.limits import Limits

FINDINGS = (
    FederationError(CATALOGUE["GRAPHQL_VALIDATION_FAILED"], "no", ("me", 0), ((1, 2), (3, 4)), {"a": [1, None]}),
    FederationError(CATALOGUE["NO_PLAN"], "none"),
)


def as_values(findings):
    return [(one.code, one.message, one.path, one.locations, one.extensions) for one in findings]


@given(st.lists(st.binary(max_size=50), max_size=5), st.integers(1, 20))
def test_messages_arrive_whole_whatever_the_pieces(jobs, size):
    stream = b"".join(pack_order(Order(number, 1, 2, job)) for number, job in enumerate(jobs, 1))
    reader = Reader()
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    found = [unpack_order(message) for piece in pieces for message in reader.feed(piece)]
    assert [order.job for order in found] == jobs
    assert [order.number for order in found] == list(range(1, len(jobs) + 1))


@pytest.mark.parametrize(
    "job",
    [
        PlanJob("{ me }", None, frozenset(), Limits()),
        PlanJob("{ ü }\0", "A", frozenset({"b", "a"}), Limits(max_depth=3)),
        IntrospectionJob("{ __schema }", {"v": [1, None, {"w": 2.5}]}),
    ],
)
def test_jobs_survive(job):
    timeout, message = unpack_work(next(Reader().feed(pack_work(Order(1, 500, 600, pack_job(job))))))
    assert (timeout, unpack_job(message)) == (500, job)


def test_equal_jobs_are_equal_bytes():
    one = PlanJob("{ me }", None, frozenset(["a", "b", "c"]), Limits())
    other = PlanJob("{ me }", None, frozenset(["c", "b", "a"]), Limits())
    assert pack_job(one) == pack_job(other)


def test_replies_and_findings_survive():
    reply = Reply(5, done=True, content=b"\x00\xff")
    assert unpack_reply(next(Reader().feed(pack_reply(reply)))) == reply
    assert as_values(unpack_findings(pack_findings(FINDINGS))) == as_values(FINDINGS)


def test_greetings_survive():
    for hello in (Hello({"a": "http://a.test/"}), Hello({}, ("a", "percent(5)"))):
        assert unpack_greeting(next(Reader().feed(pack_greeting(hello)))) == hello
    failed = unpack_greeting(next(Reader().feed(pack_greeting(Failed(FINDINGS)))))
    assert as_values(failed.findings) == as_values(FINDINGS)


def test_nonsense_is_an_error_of_its_own():
    with pytest.raises(ValueError, match="not msgpack"):
        list(Reader().feed(b"\xc1"))
