"""Runs a plan: fetches in waves, merges their answers, and gives the client its data and errors."""

from kong_federation.executor.compiled import is_collection_due, show_code
from kong_federation.executor.context import PROTOCOL_HEADERS, ExecutionContext, JsonObject, Result, SubgraphTarget
from kong_federation.executor.exact import Number, read_json, write_json
from kong_federation.executor.execute import Executable, prepare

__all__ = [
    "PROTOCOL_HEADERS",
    "Executable",
    "ExecutionContext",
    "JsonObject",
    "Number",
    "Result",
    "SubgraphTarget",
    "is_collection_due",
    "prepare",
    "read_json",
    "show_code",
    "write_json",
]
