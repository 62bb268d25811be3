"""What an exchange costs, counted in calls, as in `tests/gateway/test_effort.py`; there is no socket."""

from kong_federation.transport import HttpTransport, SubgraphRequest
from tests.counting import assert_no_dearer, counting

URL = "http://127.0.0.1:9/graphql"
HEADERS = (("content-type", "application/json"), ("accept", "application/json"))
ANSWER = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"data":{}}'


class Socket:
    """An asyncio transport whose other end says nothing by itself."""

    written = b""

    def write(self, data):
        self.written = data

    def is_closing(self):
        return False

    def get_write_buffer_size(self):
        return 0

    def get_extra_info(self, _name):
        return None

    def close(self):
        pass

    abort = close


async def test_an_exchange_makes_no_more_calls_than_it_did():
    client = HttpTransport(max_response_size=1_000)
    _, pool = client._find_way(URL)
    connection, socket = pool._protocol(), Socket()
    connection.connection_made(socket)
    assert connection.adopt()
    pool._taken += 1
    pool.release(connection, b"")
    counts = []
    for number in range(5):
        request = SubgraphRequest("a", URL, HEADERS, b'{"query":"{ a }"}', 5.0, safe=True, request_id=f"{number:032x}")
        with counting() as count:
            promise = client.send(request)
            connection.data_received(ANSWER)
        assert promise.result().body == b'{"data":{}}'
        assert request.request_id.encode() in socket.written
        counts.append(count.calls)
    connection.connection_lost(None)
    await client.close()
    assert_no_dearer(__file__, "exchange", min(counts))
