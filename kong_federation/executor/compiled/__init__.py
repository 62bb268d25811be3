"""Plans as programs: Python written for one plan, compiled, and run instead of the interpreter."""

from kong_federation.executor.compiled.program import GIVING_UP, LARGE, Program, Script, compile_plan, write_script
from kong_federation.executor.compiled.show import show_code
from kong_federation.executor.compiled.sources import UnsuitableError
from kong_federation.executor.compiled.state import State

__all__ = [
    "GIVING_UP",
    "LARGE",
    "Program",
    "Script",
    "State",
    "UnsuitableError",
    "compile_plan",
    "show_code",
    "write_script",
]
