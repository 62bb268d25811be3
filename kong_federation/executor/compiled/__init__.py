"""Plans as programs: Python written for one plan, compiled, and run instead of the interpreter."""

from kong_federation.executor.compiled.program import (
    GIVING_UP,
    LARGE,
    UNLIKE_CLAIMED,
    Program,
    Script,
    compile_plan,
    write_script,
)
from kong_federation.executor.compiled.records import CLASSES
from kong_federation.executor.compiled.show import show_code
from kong_federation.executor.compiled.sources import UnsuitableError
from kong_federation.executor.compiled.state import State

is_collection_due = CLASSES.is_collection_due

__all__ = [
    "GIVING_UP",
    "LARGE",
    "UNLIKE_CLAIMED",
    "Program",
    "Script",
    "State",
    "UnsuitableError",
    "compile_plan",
    "is_collection_due",
    "show_code",
    "write_script",
]
