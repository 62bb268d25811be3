"""Kong's own plugins on the same route: they do what they always do."""

from __future__ import annotations

import json
from typing import Any

from spec.gateway.case import Scene, Suite, equal, true
from spec.gateway.client import query, send
from spec.gateway.host import until
from spec.gateway.suites.answers import ANSWER, FEDERATED

SUITE = Suite("neighbours")


@SUITE.case("cors answers a preflight and marks answers", ["cors"])
def _(scene: Scene) -> None:
    origin = {"origin": "https://shop.example"}
    asks = {**origin, "access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    preflight = send("OPTIONS", f"{scene.url}/cors", headers=asks)
    equal(preflight.status, 200)
    equal(preflight.headers.get("access-control-allow-origin"), "https://shop.example")
    true("POST" in preflight.headers.get("access-control-allow-methods", ""), "POST is allowed")
    answer = query(f"{scene.url}/cors", "{ me { id } }", origin)
    equal((answer.status, answer.headers.get("access-control-allow-origin")), (200, "https://shop.example"))
    equal(answer.headers.get("access-control-allow-credentials"), "true")


@SUITE.case("rate-limiting counts, marks answers, and refuses the fourth", ["rate-limiting"])
def _(scene: Scene) -> None:
    # A minute may end in between, so the refusal may take as many again.
    answers = [query(f"{scene.url}/counted", "{ me { id } }") for _ in range(7)]
    true("x-ratelimit-remaining-minute" in answers[0].headers, "the answer tells what is left")
    equal(answers[0].status, 200)
    true(any(answer.status == 429 for answer in answers), "the limit is held")


@SUITE.case("correlation-id reaches subgraphs and the client", ["correlation-id"])
def _(scene: Scene) -> None:
    answer = query(f"{scene.url}/correlated", "{ me { id } }", {"x-correlation-id": "c-1"})
    equal(answer.headers.get("x-correlation-id"), "c-1")
    equal(scene.record.asked[-1].headers.get("x-correlation-id"), "c-1")
    made = query(f"{scene.url}/correlated", "{ me { id } }").headers["x-correlation-id"]
    equal(scene.record.asked[-1].headers.get("x-correlation-id"), made)


@SUITE.case("prometheus counts answers as Kong's own, not a service's", ["prometheus"])
def _(scene: Scene) -> None:
    equal(query(f"{scene.url}/measured", "{ me { id } }").status, 200)

    def told() -> str | None:
        metrics = send("GET", f"{scene.host.status_url}/metrics").body.decode()
        return next((line for line in metrics.splitlines() if 'route="measured"' in line and "requests" in line), None)

    line = until(told, "prometheus has counted the request")
    true('source="kong"' in line and 'code="200"' in line, line)


def _lines(scene: Scene, name: str) -> list[dict[str, Any]]:
    file = scene.host.directory / name
    # The last line may still be on its way.
    *whole, _ = file.read_text().split("\n") if file.exists() else [""]
    return [json.loads(line) for line in whole]


@SUITE.case("file-log has the facts about the operation", ["file-log"])
def _(scene: Scene) -> None:
    query(f"{scene.url}/logged", FEDERATED)
    answer = query(f"{scene.url}/logged", FEDERATED)
    query(f"{scene.url}/logged", "{ nothing }")
    *_, entry, refused = until(lambda: ((found := _lines(scene, "file.log"))[2:] and found) or None, "three lines")
    facts = entry["graphql"]
    true(facts.pop("duration_ms") > 0, "it took its time")
    true(len(facts.pop("operation_hash")) == 64, "the hash is a SHA-256")
    expected = {"operation_name": "Federated", "operation_type": "query", "subgraphs": "accounts,reviews"}
    sizes = {"subrequests": 2, "errors": 0, "response_bytes": len(answer.body)}
    # Either worker may have planned it.
    true(facts.pop("plan_cache") in {"hit", "miss"}, "the cache was asked")
    equal(facts, {**expected, **sizes})
    equal(refused["graphql"]["error_code"], "GRAPHQL_VALIDATION_FAILED")
    equal(entry["response"]["status"], 200)


@SUITE.case("http-log has the facts about the operation", ["http-log"])
def _(scene: Scene) -> None:
    query(f"{scene.url}/reported", "query Reported { me { id } }")
    sent = until(lambda: scene.record.to("/log") or None, "http-log sends its entry")
    entry = json.loads(sent[0].body)
    entry = entry[0] if isinstance(entry, list) else entry
    equal((entry["graphql"]["operation_name"], entry["graphql"]["subrequests"]), ("Reported", 1))


@SUITE.case("opentelemetry comes first: subgraphs get a span of the client's trace", ["opentelemetry"])
def _(scene: Scene) -> None:
    trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    query(f"{scene.url}/traced", "{ me { id } }", {"traceparent": f"00-{trace}-{span}-01"})
    version, seen, parent, _ = scene.record.to("/accounts")[-1].headers["traceparent"].split("-")
    equal((version, seen), ("00", trace))
    true(parent != span, "the parent is Kong's span")


@SUITE.case("request-transformer comes first: what it adds can be told to subgraphs", ["request-transformer"])
def _(scene: Scene) -> None:
    equal(query(f"{scene.url}/asked", "{ me { id } }").status, 200)
    equal(scene.record.asked[-1].headers.get("x-app-added"), "by-kong")


@SUITE.case("response-transformer works on our answer", ["response-transformer"])
def _(scene: Scene) -> None:
    answer = query(f"{scene.url}/dressed", FEDERATED)
    equal((answer.headers.get("x-added"), answer.json), ("by-kong", ANSWER))


@SUITE.case("other plugins find the facts in the shared context", ["post-function"])
def _(scene: Scene) -> None:
    told = query(f"{scene.url}/told", FEDERATED).headers.get("x-told", "")
    true(told in {"Federated 2 miss", "Federated 2 hit"}, told)


@SUITE.case("request-termination comes later and does not interfere", ["request-termination"])
def _(scene: Scene) -> None:
    equal(query(f"{scene.url}/terminated", FEDERATED).json, ANSWER)
