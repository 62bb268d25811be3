"""What the gateway's tests share."""

import pytest

from tests.gateway.gateway_world import World


@pytest.fixture
async def world(tmp_path):
    world = World(tmp_path / "run")
    yield world
    for gateway in world.gateways:
        await gateway.close()
