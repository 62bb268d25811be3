"""Worlds made of a supergraph: deterministic data, strict subgraphs in memory, and a monolith that must agree."""

from spec.testkit.check import Checker
from spec.testkit.check_answer import deciding
from spec.testkit.extract import extract
from spec.testkit.facts import Facts
from spec.testkit.parts import first_answer, in_one, without_defer
from spec.testkit.truth import Thing, Truth
from spec.testkit.whole import Whole
from spec.testkit.world import Answer, World

__all__ = [
    "Answer",
    "Checker",
    "Facts",
    "Thing",
    "Truth",
    "Whole",
    "World",
    "deciding",
    "extract",
    "first_answer",
    "in_one",
    "without_defer",
]
