"""Plans as programs: Python written for one plan, compiled, and run instead of the interpreter."""

from kong_federation.executor.compiled.program import GaveUp, Program, Script, compile_plan, write_script
from kong_federation.executor.compiled.show import show_code
from kong_federation.executor.compiled.sources import UnsuitableError

__all__ = ["GaveUp", "Program", "Script", "UnsuitableError", "compile_plan", "show_code", "write_script"]
