"""
The order of an answer's fields where it depends on variables.

A field stands where its response key is selected first (GraphQL specification, section 6.3.2, CollectFields). If it is
selected in several places under different conditions, which of them comes first follows from the variables:

    { a @include(if: $x) b a }      a b if $x, otherwise b a

So a field may have several turns, each with the condition that it stands here and no earlier; they exclude each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import TypeAlias

from kong_federation.limits import Budget
from kong_federation.operation.conditions import NO_CONDITION, Conjunction, When, conjoin, either, union

# A response key, and when it stands here.
Turn: TypeAlias = tuple[str, When]


def find_turns(selected: Iterable[tuple[str, Conjunction]], budget: Budget) -> list[Turn] | None:
    """
    The turns of an object's fields.

    Args:
        selected: Response keys and conditions as they are written, from first to last.
        budget: One step is one test that is negated.

    Returns:
        The turns in order; a key has more than one only if another key stands between. None where no key has.
    """
    groups = [(key, either(one for _, one in group)) for key, group in groupby(selected, key=itemgetter(0))]
    places = Counter(key for key, _ in groups)
    if len(places) == len(groups):
        return None
    before: dict[str, list[Conjunction]] = {}
    turns: list[Turn] = []
    for key, conditions in groups:
        when = conditions
        if places[key] > 1:
            earlier = before.setdefault(key, [])
            cases = [case for one in conditions or (NO_CONDITION,) for case in _without(one, earlier, budget)]
            if not cases:
                continue
            earlier += conditions or (NO_CONDITION,)
            when = either(cases)
        if turns and turns[-1][0] == key:
            turns[-1] = (key, union(turns[-1][1], when))
        else:
            turns.append((key, when))
    return turns if len(turns) > len(places) else None


def _without(condition: Conjunction, others: Iterable[Conjunction], budget: Budget) -> list[Conjunction]:
    """The cases in which a condition holds and none of some others do."""
    cases = [condition]
    for other in others:
        budget.spend(len(cases) * len(other))
        negated = [frozenset({(variable, not wanted)}) for variable, wanted in other]
        both = (conjoin(case, one) for case in cases for one in negated)
        # `either` drops cases that others cover.
        cases = list(either(case for case in both if case is not None))
    return cases
