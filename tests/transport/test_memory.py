import asyncio

import pytest

from kong_federation.errors import FederationError
from kong_federation.transport import MemoryTransport, SubgraphRequest, SubgraphResponse


async def answer(request: SubgraphRequest) -> SubgraphResponse:
    return SubgraphResponse(200, (), request.body)


async def stall(request: SubgraphRequest) -> SubgraphResponse:
    await asyncio.sleep(60)
    return await answer(request)


def request(url: str) -> SubgraphRequest:
    return SubgraphRequest("shop", url, (), b"{}", 0.01)


async def test_handlers_answer_and_requests_are_remembered():
    transport = MemoryTransport({"http://shop": answer})
    sent = request("http://shop")
    assert (await transport.send(sent)).body == b"{}"
    assert transport.requests == [sent]
    await transport.close()
    assert transport.closed


@pytest.mark.parametrize(
    ("url", "code"), [("http://slow", "SUBREQUEST_TIMEOUT"), ("http://nobody", "SUBREQUEST_HTTP_ERROR")]
)
async def test_failures(url, code):
    transport = MemoryTransport({"http://slow": stall})
    with pytest.raises(FederationError) as raised:
        await transport.send(request(url))
    assert raised.value.code.name == code
