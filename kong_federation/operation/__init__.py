"""What the client asked: the document validated, the operation normalised to wants per runtime type."""

from kong_federation.operation.collect import variables_in
from kong_federation.operation.conditions import ALWAYS, NO_CONDITION, Conjunction, When, either, union, variables_of
from kong_federation.operation.deferrals import AT_ONCE, Deferral, Deferrals
from kong_federation.operation.document import (
    Operation,
    check_document,
    choose_operation,
    normalize,
    parse_document,
)
from kong_federation.operation.measure import measure_document
from kong_federation.operation.shape import Shape, Want

__all__ = [
    "ALWAYS",
    "AT_ONCE",
    "NO_CONDITION",
    "Conjunction",
    "Deferral",
    "Deferrals",
    "Operation",
    "Shape",
    "Want",
    "When",
    "check_document",
    "choose_operation",
    "either",
    "measure_document",
    "normalize",
    "parse_document",
    "union",
    "variables_in",
    "variables_of",
]
