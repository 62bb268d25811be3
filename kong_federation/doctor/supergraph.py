"""The supergraph as this machine sees it, and the subgraphs behind it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from kong_federation.doctor.finding import Finding, failed, ok, skipped, warning
from kong_federation.doctor.graphs import Graph
from kong_federation.doctor.http import Answer, NoAnswerError, send
from kong_federation.errors import FederationError, FederationErrors
from kong_federation.settings import Settings
from kong_federation.supergraph import Supergraph, load_supergraph

SUPERGRAPH = "supergraph"
SUBGRAPHS = "subgraphs"

_AT_ONCE = 16
_QUESTION = b'{"query":"{__typename}"}'
_WHERE = "Set `url` under `subgraphs`, or compose the supergraph with the address."


@dataclass(frozen=True, slots=True)
class Address:
    """Where a subgraph of a graph is."""

    graph: str
    subgraph: str
    url: str


def examine_supergraph(graph: Graph) -> tuple[list[Address], list[Finding]]:
    """Load what a configuration names, and find its subgraphs."""
    if graph.settings is None:
        text = f"{graph.name}: not loaded, its configuration refers to a vault"
        return [], [skipped(SUPERGRAPH, text, "Only Kong resolves such references.")]
    sdl = graph.settings.supergraph.sdl
    if sdl is None:
        path = Path(graph.settings.supergraph.path or "")
        try:
            sdl = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            text = f"{graph.name}: {path} cannot be read here: {why}"
            advice = "Run the doctor where the plugin server runs, from the same directory; or put the file there."
            return [], [warning(SUPERGRAPH, text, advice)]
    try:
        supergraph = load_supergraph(sdl)
    except (FederationError, FederationErrors) as error:
        first = str(error).splitlines()[0]
        text = f"{graph.name}: the supergraph is refused: {first}"
        return [], [
            failed(SUPERGRAPH, text, "Compose it anew; the composed supergraph is needed, not a subgraph's schema.")
        ]
    addresses, findings = _addresses(graph.name, graph.settings, supergraph)
    count = f"{len(supergraph.subgraphs)} subgraph{'s' if len(supergraph.subgraphs) != 1 else ''}"
    return addresses, [ok(SUPERGRAPH, f"{graph.name}: a supergraph of {count}"), *findings]


def examine_subgraphs(addresses: Sequence[Address], timeout: float) -> list[Finding]:
    """Ask each address once for `{__typename}`."""
    places: dict[str, list[Address]] = {}
    for address in addresses:
        places.setdefault(address.url, []).append(address)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda url: _examine_subgraph(url, places[url], timeout), places))


def _addresses(name: str, settings: Settings, supergraph: Supergraph) -> tuple[list[Address], list[Finding]]:
    overridden: Mapping[str, str | None] = {one.name: one.url for one in settings.subgraphs}
    findings = [
        failed(
            SUPERGRAPH,
            f"{name}: the supergraph has no subgraph {unknown}",
            "Names under `subgraphs` are those of `join__Graph`, in the same letters.",
        )
        for unknown in sorted(overridden.keys() - {subgraph.name for subgraph in supergraph.subgraphs.values()})
    ]
    addresses = []
    for subgraph in supergraph.subgraphs.values():
        url = overridden.get(subgraph.name) or subgraph.url
        if urlsplit(url).scheme in {"http", "https"}:
            addresses.append(Address(name, subgraph.name, url))
        else:
            findings.append(failed(SUPERGRAPH, f"{name}: the subgraph {subgraph.name} has no address", _WHERE))
    return addresses, findings


def _examine_subgraph(url: str, addresses: Sequence[Address], timeout: float) -> Finding:
    shown = urlsplit(url)._replace(query="", fragment="")
    host = shown.netloc.rpartition("@")[2]
    place = f"{', '.join(sorted({one.subgraph for one in addresses}))} at {shown._replace(netloc=host).geturl()}"
    try:
        answer = send(url, _QUESTION, timeout)
    except NoAnswerError as error:
        advice = "Start it, or correct its address; from the machine of the plugin server it must be reachable."
        return failed(SUBGRAPHS, f"{place}: {error}", advice)
    return _judged(place, answer)


def _judged(place: str, answer: Answer) -> Finding:
    try:
        told = json.loads(answer.body)
    except ValueError:
        told = None
    if isinstance(told, dict) and isinstance(told.get("data"), dict) and "__typename" in told["data"]:
        return ok(SUBGRAPHS, f"{place} answers")
    if isinstance(told, dict) and told.get("errors"):
        advice = "It is a GraphQL server. If it wants credentials, see that header rules bring them."
        return warning(SUBGRAPHS, f"{place}: answers {answer.status} with errors only", advice)
    kind = answer.headers.get("content-type", "without a content type")
    return failed(
        SUBGRAPHS,
        f"{place}: answers {answer.status}, {kind}, which is not GraphQL",
        "Correct the address: it is that of the GraphQL endpoint, often ending in /graphql.",
    )
