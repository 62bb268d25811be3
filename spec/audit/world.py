"""The audit's subgraphs as a process of their own, and the routes that put each suite behind a gateway."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spec.audit.suite import Suite
from spec.child import Child
from spec.exchange import ask
from spec.host import Route

_START_PATIENCE = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class World:
    """
    The subgraphs, running.

    Args:
        url: Where they are served, without a slash at the end.
    """

    url: str

    def forget(self) -> None:
        """Start the log afresh."""
        ask("DELETE", f"{self.url}/log")

    def requests(self) -> list[dict[str, Any]]:
        """What was asked of the subgraphs since the log was last emptied."""
        return ask("GET", f"{self.url}/log").body


@contextmanager
def running(*, port: int = 0, strict: bool = False) -> Iterator[World]:
    """
    The subgraphs of all suites, for as long as the context lasts.

    Args:
        port: Of 127.0.0.1; 0: any that is free.
        strict: Whether resolvers that only a poor plan would call throw.
    """
    command = ["-m", "spec.audit.server", "--port", str(port), "--until-stdin-closes"]
    with tempfile.TemporaryDirectory(prefix="audit-") as folder:
        child = Child([*command, *(["--strict"] if strict else [])], Path(folder) / "log")
        with child:
            yield World(child.until(lambda: _address(child.output()), _START_PATIENCE))


def routes(suites: Sequence[Suite], url: str) -> list[Route]:
    """One route per suite, with its subgraphs taken from the server at this URL."""
    return [
        Route(
            name=f"audit-{suite.name}",
            path=f"/{suite.name}/graphql",
            supergraph=suite.supergraph,
            subgraphs={name: f"{url}/{suite.name}/{name}" for name in suite.declarations()},
            settings={"operations": {"introspection": True}},
        )
        for suite in suites
    ]


def _address(output: str) -> str | None:
    """The URL in the server's first line, once it is complete."""
    line, newline, _ = output.partition("\n")
    return json.loads(line)["url"] if newline and line.startswith("{") else None
