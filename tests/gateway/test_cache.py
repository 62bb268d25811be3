"""The plan cache's bounds, and the estimate they rest on."""

import asyncio
import gc
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from kong_federation.errors import FederationError
from kong_federation.errors.codes import GRAPHQL_PARSE_FAILED
from kong_federation.executor import prepare
from kong_federation.executor.compiled.records import CLASSES
from kong_federation.executor.tier import COMPILED_AT, COMPILED_AT_LAST
from kong_federation.gateway.builder.planning import make_planner
from kong_federation.gateway.cache import PlanCache, PlanKey, Refused, Sizes, weigh_entry
from kong_federation.plan import decode_plan, encode_plan
from tests.gateway.gateway_world import prepared

EXAMPLES = Path(__file__).parents[2] / "examples"


def key(document, name=None, labels=()):
    return PlanKey(document, name, frozenset(labels))


def refusal(document):
    return Refused((FederationError(GRAPHQL_PARSE_FAILED, "no"),), weigh_entry(key(document)))


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


def test_a_refusal_weighs_all_that_the_client_has_sent():
    """An operation's name may be as long as a body, and the text quotes it."""
    name = "N" * 100_000
    finding = FederationError(GRAPHQL_PARSE_FAILED, f"There is no operation {name}.")
    assert weigh_entry(key("{a}", name), (finding,)) > 2 * 200_000


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
    executable = used(encoded)
    assert executable.tier.compile()
    return executable


def used(encoded):
    executable = prepare(decode_plan(encoded))
    executable.projection({}, {})
    return executable


@pytest.mark.parametrize("make", [lambda encoded: prepare(decode_plan(encoded)), used, compiled])
def test_the_estimate_of_a_plans_memory_is_within_a_factor_of_two(make):
    planner = make_planner((EXAMPLES / "supergraph.graphql").read_text(encoding="utf-8"))
    document = (EXAMPLES / "query.graphql").read_text(encoding="utf-8")
    encoded = encode_plan(planner.plan(document, None, frozenset()))
    kept = [make(encoded)]
    gc.collect()
    tracemalloc.start()
    for _ in range(10):
        CLASSES._known.clear()  # as if it had nothing in common with another
        kept.append(make(encoded))
    gc.collect()
    measured = tracemalloc.get_traced_memory()[0] / 10
    tracemalloc.stop()
    assert measured / 2 < kept[-1].weigh(len(encoded)) < measured * 2


def example(entry=0):
    planner = make_planner((EXAMPLES / "supergraph.graphql").read_text(encoding="utf-8"))
    document = (EXAMPLES / "query.graphql").read_text(encoding="utf-8")
    encoded = encode_plan(planner.plan(document, None, frozenset()))
    return replace(prepared(entry), executable=prepare(decode_plan(encoded)), size=len(encoded))


def held(cache):
    return cache._plans.currsize


def test_what_was_used_is_weighed_again():
    plan = example()
    cache = PlanCache(1_000_000, 10)
    cache.put(key("a"), plan)
    whole = held(cache)
    assert whole == plan.weight
    plan.executable.projection({}, {})
    assert cache.get(key("a")) is plan
    cache.put(key("b"), prepared())
    assert held(cache) < whole / 2, "it has let go of its projection"
    plan.executable.tier.compile()
    cache.put(key("c"), prepared())
    assert held(cache) < whole / 2, "nobody has used it, so it has not grown"
    cache.get(key("a"))
    cache.put(key("d"), prepared())
    assert held(cache) == plan.weight > whole / 2


async def test_what_is_being_compiled_is_weighed_when_it_has_been():
    plan = example()
    cache = PlanCache(1_000_000, 10)
    cache.put(key("a"), plan)
    plan.executable.projection({}, {})
    tier = plan.executable.tier
    assert not tier.is_compiling
    tier._compiling = asyncio.get_running_loop().create_future()
    assert tier.is_compiling
    cache.get(key("a"))
    cache.put(key("b"), prepared())
    before = held(cache)
    assert tier.compile()
    tier._compiling.set_result(True)
    cache.put(key("c"), prepared())
    assert held(cache) == plan.weight > before


def test_who_grows_pushes_out_those_that_were_used_before_it():
    plan = example()
    cache = PlanCache(plan.weight + 200, 10)
    for name in "bcd":
        cache.put(key(name), prepared(50))
    cache.put(key("a"), plan)
    cache.get(key("a"))
    cache.get(key("b"))
    plan.entry = 60
    cache.put(key("e"), prepared(1))
    assert [cache.knows(key(name)) for name in "abcde"] == [True, True, False, True, True]
    assert held(cache) <= cache._plans.maxsize


def test_what_pushes_out_others_is_compiled_later():
    cache = PlanCache(100, 2)
    plans = [prepared(40) for _ in range(4)]
    for number, plan in enumerate(plans[:3]):
        cache.put(key(f"{number}"), plan)
    assert [plan.executable.tier._due for plan in plans[:3]] == [COMPILED_AT, COMPILED_AT, COMPILED_AT_LAST]
    assert cache.give_up_one()
    cache.put(key("3"), plans[3])
    assert plans[3].executable.tier._due == COMPILED_AT


def test_what_grows_larger_than_the_cache_is_given_up():
    plan = example()
    cache = PlanCache(plan.weight, 10)
    cache.put(key("a"), plan)
    cache.get(key("a"))
    plan.executable.tier.compile()
    cache.put(key("b"), prepared(1))
    assert not cache.knows(key("a"))
    assert cache.knows(key("b"))
    assert held(cache) == 1


def test_what_is_large_is_looked_at_now_and_then():
    sizes = Sizes()
    assert sizes.are_large(0)
    assert not sizes.are_large(1_000), "nothing is known"
    sizes.last = 1_000
    passed = [sizes.are_large(1_000) for _ in range(1_000)]
    assert passed.count(False) == 10
    sizes.last = 999
    assert not any(sizes.are_large(1_000) for _ in range(10))
