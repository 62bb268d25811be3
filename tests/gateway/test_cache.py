"""The plan cache's bounds, and the estimate they rest on."""

import gc
import tracemalloc
from pathlib import Path

import pytest

from kong_federation.errors import FederationError
from kong_federation.errors.codes import GRAPHQL_PARSE_FAILED
from kong_federation.executor import prepare
from kong_federation.executor.compiled.records import CLASSES
from kong_federation.gateway.builder.planning import make_planner
from kong_federation.gateway.cache import PlanCache, PlanKey, Refused, Sizes, weigh_plan, weigh_refusal
from kong_federation.plan import decode_plan, encode_plan
from tests.gateway.gateway_world import prepared

EXAMPLES = Path(__file__).parents[2] / "examples"


def key(document, name=None, labels=()):
    return PlanKey(document, name, frozenset(labels))


def refusal(document):
    return Refused((FederationError(GRAPHQL_PARSE_FAILED, "no"),), weigh_refusal(key(document)))


def test_a_plan_depends_on_document_name_and_labels():
    cache = PlanCache(1_000, 10)
    cache.put(key("a"), prepared(1))
    assert cache.get(key("a")) is not None
    assert cache.get(key("a", "A")) is cache.get(key("a", labels=["l"])) is cache.get(key("b")) is None


def test_bytes_and_entries_are_bounded_and_the_least_recently_used_goes_first():
    cache = PlanCache(100, 10)
    cache.put(key("a"), prepared(50))
    cache.put(key("b"), prepared(50))
    cache.get(key("a"))
    cache.put(key("c"), prepared(50))
    assert [bool(cache.get(key(name))) for name in "abc"] == [True, False, True]
    cache = PlanCache(100, 2)
    for name in "abc":
        cache.put(key(name), prepared(1))
    assert [bool(cache.get(key(name))) for name in "abc"] == [False, True, True]
    assert repr(cache) == "<PlanCache: 2 plans of 2 bytes, 0 refusals>"


def test_requests_are_remembered_no_longer_than_their_plans():
    cache = PlanCache(100, 2)
    cache.put(key("a"), prepared(1))
    found = cache.get(key("a"))
    cache.remember(b"body", found, {"x": 1})
    cache.remember(b"long" * 2_000, found, {})
    assert cache.requests == {b"body": (found, {"x": 1})}
    cache.put(key("b"), prepared(1))
    assert not cache.requests
    for number in range(2_000):
        cache.remember(b"%d" % number, found, {})
        assert len(cache.requests) <= 512
    counts = set()
    for number in range(500):
        cache.remember(b"%4000d" % number, found, {})
        assert sum(map(len, cache.requests)) <= 524_288
        counts.add(len(cache.requests))
    assert max(counts) > 100
    assert cache.give_up_one()
    assert not cache.requests


@pytest.mark.parametrize("cache", [PlanCache(0, 10), PlanCache(10, 10), PlanCache(1_000, 0)])
def test_what_does_not_fit_is_not_kept(cache):
    cache.put(key("a"), prepared(11))
    assert cache.get(key("a")) is None


def test_refusals_push_out_no_plan():
    cache = PlanCache(1_000, 10)
    cache.put(key("a"), prepared(1_000))
    for number in range(10_000):
        cache.put(key(f"{number}"), refusal(f"{number}"))
    assert cache.get(key("a")) is not None
    assert len(cache._refusals) < 5_000
    cache.put(key("large"), refusal("x" * 10_000_000))
    assert cache.get(key("large")) is None or cache._refusals.currsize <= 4_000_000


def test_plans_need_no_garbage_collector_but_for_their_classes(request):
    planner = make_planner((EXAMPLES / "supergraph.graphql").read_text(encoding="utf-8"))
    document = (EXAMPLES / "query.graphql").read_text(encoding="utf-8")
    encoded = encode_plan(planner.plan(document, None, frozenset()))
    gc.collect()
    gc.disable()
    request.addfinalizer(gc.enable)
    kept = [compiled(encoded) for _ in range(10)]
    for executable in kept:
        executable.coerce({})
    # Reading documents leaves some garbage at once, which is young when the cache freezes what it has.
    gc.collect()
    classes = len(CLASSES)
    del kept, executable
    # They have them in common.
    assert gc.collect() < 20 * (classes - len(CLASSES))


def compiled(encoded):
    executable = prepare(decode_plan(encoded))
    assert executable.tier.compile()
    return executable


def test_the_estimate_of_a_plans_memory_is_within_a_factor_of_two():
    planner = make_planner((EXAMPLES / "supergraph.graphql").read_text(encoding="utf-8"))
    document = (EXAMPLES / "query.graphql").read_text(encoding="utf-8")
    encoded = encode_plan(planner.plan(document, None, frozenset()))
    kept = [compiled(encoded)]
    gc.collect()
    tracemalloc.start()
    for _ in range(10):
        CLASSES._known.clear()  # as if it had nothing in common with another
        kept.append(compiled(encoded))
    gc.collect()
    measured = tracemalloc.get_traced_memory()[0] / 10
    tracemalloc.stop()
    estimated = weigh_plan(key(document), encoded) - weigh_refusal(key(document))
    assert measured / 2 < estimated < measured * 2


def test_what_is_large_is_looked_at_now_and_then():
    sizes = Sizes()
    assert sizes.are_large(0)
    assert not sizes.are_large(1_000), "nothing is known"
    sizes.last = 1_000
    passed = [sizes.are_large(1_000) for _ in range(1_000)]
    assert passed.count(False) == 10
    sizes.last = 999
    assert not any(sizes.are_large(1_000) for _ in range(10))
