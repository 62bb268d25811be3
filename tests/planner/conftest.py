"""Python's stack is as deep as in a new process, whatever ran before in this one: hypothesis leaves it deeper."""

import sys

import pytest

USUAL = 1_000


@pytest.fixture(autouse=True)
def usual_stack():
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(USUAL)
    yield
    sys.setrecursionlimit(before)
