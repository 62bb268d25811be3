"""What an event costs beside its request, counted in calls, as in `tests/gateway/test_effort.py`."""

import json
import sys
from pathlib import Path

import orjson

from kong_federation.gateway import Facts, HttpResponse
from kong_federation.kong import FUNCTIONS, HandleEvent, RawBody, encode_call, frame
from kong_federation.pluginserver.session import Session

RECORDED = json.loads((Path(__file__).parent / "effort.json").read_text())
TOLERANCE = 1.1
REQUEST = {
    "kong.request.get_raw_body": RawBody(content=orjson.dumps({"query": "{ users { id name } }" * 8})),
    "kong.request.get_headers": {"host": "api.test", "content-type": "application/json", "accept": "application/json"},
    "kong.request.get_method": "POST",
    "kong.nginx.get_var": "b55f5f0d1bc813098bcbe461fff74902",
}


class Kong:
    """What is written to it is kept."""

    written = b""

    def write(self, data):
        self.written = data


async def test_an_event_makes_no_more_calls_than_it_did(runtime, events, gateway):
    gateway.response = HttpResponse(200, (("content-type", "application/json"),), b'{"data":{}}', Facts())
    runtime.guard.flights.since = 0.0
    instance = runtime.start_instance(b"{}")
    event = frame(encode_call(HandleEvent(12_345, instance, "access")))
    replies = b"".join(frame(FUNCTIONS[name].result.encode(value)) for name, value in REQUEST.items())
    counted = 0

    def count(_frame, kind, _argument):
        nonlocal counted
        counted += kind in {"call", "c_call"}

    fewest = sys.maxsize
    for _ in range(5):
        kong = Kong()
        counted = 0
        sys.setprofile(count)
        session = Session(runtime, events)
        session.connection_made(kong)
        session.data_received(event)
        session.data_received(replies)
        session.connection_lost(None)
        sys.setprofile(None)
        assert b"kong.response.exit" in kong.written
        fewest = min(fewest, counted)
    assert fewest <= RECORDED["event"] * TOLERANCE, f"an event makes {fewest} calls; {RECORDED['event']} are recorded"
