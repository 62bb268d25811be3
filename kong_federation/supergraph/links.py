"""
`@link` and `@core`: which specifications a supergraph uses, and what their elements are called in it.

A specification marked `for: EXECUTION` or `for: SECURITY` must be understood by whoever runs the schema; one that this
gateway does not carry out is refused rather than ignored, because ignoring `@authenticated` would open what its author
closed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from graphql import DocumentNode, SchemaDefinitionNode, SchemaExtensionNode, value_from_ast_untyped

from kong_federation.supergraph.model import Link

# What this gateway carries out: name of the specification -> newest version it knows.
CARRIED_OUT = {
    "core": (0, 2),
    "link": (1, 0),
    "join": (0, 5),
    "context": (0, 1),
    "inaccessible": (0, 2),
    "tag": (0, 3),
}

_URL = re.compile(r"^(?P<identity>https?://.*?/(?P<name>[A-Za-z][\w-]*))/v(?P<major>\d+)\.(?P<minor>\d+)/?$")


def read_links(document: DocumentNode) -> dict[str, Link]:
    """
    The specifications a schema uses, by name.

    Raises:
        ValueError: A specification that must be understood is not, or none is declared at all.
    """
    links: dict[str, Link] = {}
    for definition in document.definitions:
        if not isinstance(definition, SchemaDefinitionNode | SchemaExtensionNode):
            continue
        for directive in definition.directives or ():
            arguments = {
                argument.name.value: value_from_ast_untyped(argument.value) for argument in directive.arguments or ()
            }
            url = arguments.get("url") or arguments.get("feature")
            if url is not None and directive.name.value in {"link", "core"}:
                link = _link(str(url), arguments)
                if link is not None:
                    links[link.name] = link
    if "join" not in links:
        raise ValueError("not a supergraph: its schema does not link the join specification")
    for link in links.values():
        _refuse_unknown(link)
    return links


def spec_name(links: Mapping[str, Link], name: str) -> str:
    """
    A directive's or type's name in its specification, from its name in the document.

    `join__field` stays `join__field`; where join is linked `as: "j"`, `j__field` becomes `join__field` too. Imported
    elements get their own name back.
    """
    for link in links.values():
        if name.startswith(f"{link.prefix}__"):
            return f"{link.name}__{name.removeprefix(f'{link.prefix}__')}"
        if name == link.prefix:
            return link.name
        for original, local in link.imports.items():
            if local.removeprefix("@") == name:
                return original.removeprefix("@")
    return name


def _link(url: str, arguments: Mapping[str, Any]) -> Link | None:
    match = _URL.match(url)
    if match is None:
        return None  # a link may name anything; only versioned specifications are features
    name = match["name"]
    imports: dict[str, str] = {}
    for item in arguments.get("import") or ():
        if isinstance(item, Mapping):
            imports[str(item["name"])] = str(item.get("as") or item["name"])
        else:
            imports[str(item)] = str(item)
    return Link(
        identity=match["identity"],
        name=name,
        version=(int(match["major"]), int(match["minor"])),
        prefix=str(arguments.get("as") or name),
        imports=imports,
        purpose=arguments.get("for"),
    )


def _refuse_unknown(link: Link) -> None:
    known = CARRIED_OUT.get(link.name)
    if link.name == "join":
        supported = known is not None and link.version <= known
    else:
        supported = known is not None or link.purpose is None
    if not supported:
        version = ".".join(map(str, link.version))
        raise ValueError(
            f"the supergraph needs {link.name} v{version}"
            f"{f' (for {link.purpose})' if link.purpose else ''}, which this gateway does not carry out"
        )
