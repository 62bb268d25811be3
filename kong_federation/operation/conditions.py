"""
When a field is asked for: `@skip` and `@include` with variables, as a disjunction of conjunctions.

    name @include(if: $a)                     {($a)}
    ... @skip(if: $b) { name @include(if: $a) }   {($a, not $b)}
    both of the above in one selection        {($a)}, since it covers the other

`ALWAYS` is the empty disjunction's stand-in: a field without conditions. A field that can never be asked for does not
get this far.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

# A conjunction: pairs of a variable's name and the value it must have.
Conjunction: TypeAlias = frozenset[tuple[str, bool]]
# Alternatives; empty means always.
When: TypeAlias = tuple[Conjunction, ...]

ALWAYS: When = ()
NO_CONDITION: Conjunction = frozenset()


def either(alternatives: Iterable[Conjunction]) -> When:
    """The shortest form of a disjunction, in a fixed order."""
    found = set(alternatives)
    if NO_CONDITION in found:
        return ALWAYS
    kept = [one for one in found if not any(other < one for other in found)]
    return tuple(sorted(kept, key=sorted))


def union(first: When, second: When) -> When:
    """When at least one of two holds."""
    if ALWAYS in {first, second}:
        return ALWAYS
    return first if first == second else either((*first, *second))


def conjoin(first: Conjunction, second: Conjunction) -> Conjunction | None:
    """Both of two conjunctions; None if they contradict each other."""
    both = first | second
    if len({variable for variable, _ in both}) != len(both):
        return None
    return both


def variables_of(when: When) -> frozenset[str]:
    """The variables that decide."""
    return frozenset(variable for conjunction in when for variable, _ in conjunction)
