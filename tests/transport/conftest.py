import asyncio
import gc

import pytest
import uvloop

from kong_federation.transport import HttpTransport, SubgraphPolicy

LIMIT = 100_000


def pytest_asyncio_loop_factories(config, item):
    """Workers run on uvloop, hosts of other doors on asyncio's own loop."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left():
    """Sockets that nobody closed complain when they are collected, and warnings are errors."""
    yield
    gc.collect()


@pytest.fixture
async def transports():
    """Makes transports; after the test nothing of them may be left."""
    made = []

    def make(**options) -> HttpTransport:
        policy = options.pop("policy", SubgraphPolicy(connect_timeout=1.0))
        made.append(HttpTransport(**{"max_response_size": LIMIT, "policy": policy, **options}))
        return made[-1]

    yield make
    for transport in made:
        for pool in transport._pools.values():
            counting = sum(connection._adopted for connection in pool._open)
            assert pool._taken == counting + sum(not task.done() for task in pool._connecting) or transport._closed
        lanes = [lane for lane, _ in transport._ways.values()]
        await transport.close()
        for pool in transport._pools.values():
            assert not pool._open
            assert not pool._connecting
            assert not pool._idle
            assert not pool.under_way()
        assert not any(lane.flights for lane in lanes)


@pytest.fixture
def transport(transports) -> HttpTransport:
    return transports()
