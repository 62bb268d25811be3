"""
The catalogue as a page of the documentation.

    python -m kong_federation.errors.reference > docs/errors.md
"""

from __future__ import annotations

from collections.abc import Iterator

from kong_federation.errors.codes import CATALOGUE, Fault

_OUTSIDE = """\
The rest of the answer is there; `extensions.service` names the subgraph. What a subgraph says of its errors is shown
only where `security.mask_errors` is off."""
_INSIDE = "Clients see the general sentence below; the log has the details."
_TITLES = {
    Fault.CLIENT: ("The client's fault", "The message says what is wrong with the request."),
    Fault.SUBGRAPH: ("A subgraph's fault", _OUTSIDE),
    Fault.OPERATOR: ("The operator's fault", _INSIDE),
    Fault.INTERNAL: ("The gateway's fault", _INSIDE),
}
_INTRODUCTION = """\
# Error codes

Each error of an answer carries its code in `extensions.code`. The HTTP status is that of an answer which consists of
this error alone, with the media type `application/graphql-response+json`; errors beside data do not change it. Answers
with 503 say in `Retry-After` when another try is worth it.

This page is printed from `kong_federation/errors/codes.py`."""


def page() -> str:
    """The page's Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    for fault, (title, text) in _TITLES.items():
        yield ""
        yield f"## {title}"
        yield ""
        yield text
        yield ""
        yield "| code | status | meaning |"
        yield "|---|---|---|"
        for code in CATALOGUE.values():
            if code.fault is fault:
                yield f"| `{code.name}` | {code.status} | {code.meaning} |"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 - this is what it is for
