"""What an event costs beside its request, counted in calls, as in `tests/gateway/test_effort.py`."""

import orjson

from kong_federation.gateway import Facts, HttpResponse
from kong_federation.kong import FUNCTIONS, HandleEvent, RawBody, encode_call, frame
from kong_federation.pluginserver.session import Session
from tests.counting import assert_no_dearer, counting

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
    counts = []
    for _ in range(5):
        kong = Kong()
        with counting() as count:
            session = Session(runtime, events)
            session.connection_made(kong)
            session.data_received(event)
            session.data_received(replies)
            session.connection_lost(None)
        assert b"kong.response.exit" in kong.written
        counts.append(count.calls)
    assert_no_dearer(__file__, "event", min(counts))
