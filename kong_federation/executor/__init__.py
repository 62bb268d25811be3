"""Runs a plan: fetches in waves, merges their answers, and gives the client its data and errors."""

from kong_federation.executor.context import ExecutionContext, Result, SubgraphTarget
from kong_federation.executor.execute import Executable, prepare

__all__ = ["Executable", "ExecutionContext", "Result", "SubgraphTarget", "prepare"]
