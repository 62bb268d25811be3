"""What the log says of subgraphs that fail."""

import logging

import pytest

from kong_federation.errors import FederationError
from kong_federation.errors.codes import SUBREQUEST_HTTP_ERROR, SUBREQUEST_TIMEOUT
from kong_federation.executor import complaints as module
from kong_federation.executor import explain, prepare
from kong_federation.executor.complaints import Complaints
from tests.executor.kit import INT, World, query, root

REFUSED = FederationError(SUBREQUEST_HTTP_ERROR, "No connection to a:80 could be made (refused).")
LATE = FederationError(SUBREQUEST_TIMEOUT, "No complete answer came from a:80 within 3 s.")


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    return now


def test_the_reason_that_clients_do_not_see_is_logged_once_in_a_while(clock, caplog):
    complaints = Complaints()
    for second in range(12):
        clock[0] = float(second)
        complaints.tell("a", REFUSED, f"r{second}")
    said = "subgraph a failed: SUBREQUEST_HTTP_ERROR: No connection to a:80 could be made (refused)."
    assert caplog.messages == [f"{said} (request r0)", f"{said} (request r10; 9 more since the last line on this)"]


def test_another_subgraph_and_another_failure_are_told_at_once(clock, caplog):
    complaints = Complaints()
    for subgraph, failure in (("a", REFUSED), ("b", REFUSED), ("a", LATE), ("a", REFUSED)):
        complaints.tell(subgraph, failure, "")
    assert [message.partition(": No")[0] for message in caplog.messages] == [
        "subgraph a failed: SUBREQUEST_HTTP_ERROR",
        "subgraph b failed: SUBREQUEST_HTTP_ERROR",
        "subgraph a failed: SUBREQUEST_TIMEOUT",
    ]
    assert caplog.messages[0].endswith("(request -)")


def test_what_is_remembered_is_bounded(caplog):
    caplog.set_level(logging.CRITICAL)
    complaints = Complaints()
    for number in range(2_500):
        complaints.tell(f"s{number}", REFUSED, "")
    assert repr(complaints) == "<Complaints: 500>"


async def test_an_execution_complains_though_its_errors_are_masked(monkeypatch, caplog):
    monkeypatch.setattr(explain, "COMPLAINTS", Complaints())
    world = World({"a": (401, b"secret")}, mask_errors=True)
    result = await prepare(query(root(0, "a", "{x}"), x=INT)).execute({}, world.context())
    assert "401" not in repr(result.errors)
    (message,) = caplog.messages
    assert message.startswith("subgraph a failed: SUBREQUEST_HTTP_ERROR: The answer has HTTP status 401 and is")
    assert "secret" not in message
