"""Constant load while something is done to the host, and what became of each request."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from spec.gateway.client import query


@dataclass(slots=True)
class Load:
    """
    Clients that ask one thing again and again.

    Args:
        url: Of the route.
        text: The operation.
        answer: The body of a right answer.
    """

    url: str
    text: str
    answer: bytes
    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self, clients: int) -> Iterator[None]:
        """So many clients, each on a connection of its own for each request, until the context ends."""
        threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _ask(self) -> None:
        while not self._over.is_set():
            answer = query(self.url, self.text)
            if answer.status == 200 and answer.body == self.answer:
                self.outcomes["right"] += 1
            elif answer.status in {500, 503}:
                # A clear error; a request that is lost has the status 0.
                self.outcomes["error"] += 1
            else:
                self.outcomes["wrong"] += 1
                self.wrong.append(f"{answer.status} {answer.body[:200]!r}")
            time.sleep(0.002)
