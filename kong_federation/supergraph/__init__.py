"""What the subgraphs offer: the supergraph's SDL as a model, and the schema clients see."""

from kong_federation.supergraph.api_schema import api_schema, request_schema
from kong_federation.supergraph.catalog import Catalog
from kong_federation.supergraph.keys import key_fields
from kong_federation.supergraph.labels import override_labels
from kong_federation.supergraph.load import load_supergraph
from kong_federation.supergraph.model import (
    Applied,
    ContextArgument,
    FieldInfo,
    JoinField,
    Key,
    Kind,
    Link,
    Membership,
    Subgraph,
    Supergraph,
    TypeInfo,
    list_depth,
    named_type,
)

__all__ = [
    "Applied",
    "Catalog",
    "ContextArgument",
    "FieldInfo",
    "JoinField",
    "Key",
    "Kind",
    "Link",
    "Membership",
    "Subgraph",
    "Supergraph",
    "TypeInfo",
    "api_schema",
    "key_fields",
    "list_depth",
    "load_supergraph",
    "named_type",
    "override_labels",
    "request_schema",
]
