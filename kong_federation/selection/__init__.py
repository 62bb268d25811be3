"""Selection sets, the algebra that supergraph, operation and planner share."""

from kong_federation.selection.model import (
    Field,
    InlineFragment,
    Selection,
    SelectionSet,
    fields_on,
    narrow,
    show,
)
from kong_federation.selection.parse import arguments_text, parse_field_set

__all__ = [
    "Field",
    "InlineFragment",
    "Selection",
    "SelectionSet",
    "arguments_text",
    "fields_on",
    "narrow",
    "parse_field_set",
    "show",
]
