"""What the gateway's tests share."""

import asyncio
import tempfile
from pathlib import Path

import pytest

from tests.gateway.gateway_world import World


@pytest.fixture
def run_directory():
    """A runtime directory whose sockets have short paths; pytest's own directories are named after the tests."""
    # A builder may be leaving, and remove its socket, at the same moment.
    with tempfile.TemporaryDirectory(prefix="kgf-test-", ignore_cleanup_errors=True) as name:
        yield Path(name) / "run"


@pytest.fixture
async def world(run_directory):
    world = World(run_directory)
    yield world
    for gateway in world.gateways:
        await gateway.close()
    # Connections of earlier generations, too, have the turns that they need to end.
    for _ in range(3):
        await asyncio.sleep(0)
