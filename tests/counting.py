"""Calls of Python functions and built-in ones, counted: what a request costs, whatever else the machine does."""

import contextlib
import json
import sys
from pathlib import Path

TOLERANCE = 1.1


class Count:
    """How many calls were made."""

    def __init__(self):
        self.calls = 0

    def __call__(self, _frame, event, _argument):
        self.calls += event in {"call", "c_call"}


@contextlib.contextmanager
def counting():
    """Count the calls of a block, and the few that leaving it takes."""
    count = Count()
    sys.setprofile(count)
    try:
        yield count
    finally:
        sys.setprofile(None)


def assert_no_dearer(test, name, calls):
    """
    Hold a count to what `effort.json` beside a test has recorded.

    Whoever makes something cheaper lowers the figure; whoever makes it dearer by more than a tenth has to say why in
    the commit that raises it.
    """
    recorded = json.loads(Path(test).with_name("effort.json").read_text())[name]
    assert calls <= recorded * TOLERANCE, f"{name} makes {calls} calls; {recorded} are recorded"
