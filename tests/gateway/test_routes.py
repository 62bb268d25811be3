from kong_federation.gateway.routes import open_transport
from kong_federation.settings import parse_settings


async def test_how_subgraphs_are_reached_is_said_by_the_defaults_and_by_the_subgraphs():
    settings = parse_settings(
        {
            "supergraph": {"sdl": "x"},
            "subgraph_defaults": {"connect_timeout": 700, "deduplicate": False},
            "subgraphs": [
                {"name": "a", "connect_timeout": 30},
                {"name": "b", "deduplicate": True},
                {"name": "c"},
            ],
        }
    )
    transport = open_transport(settings)
    usual, own = transport._policy, transport._policies
    assert (usual.connect_timeout, usual.deduplicate) == (0.7, False)
    assert (own["a"].connect_timeout, own["a"].deduplicate) == (0.03, False)
    assert (own["b"].connect_timeout, own["b"].deduplicate) == (0.7, True)
    assert own["c"] == usual
    await transport.close()


def test_queries_are_shared_unless_it_is_switched_off():
    transport = open_transport(parse_settings({"supergraph": {"sdl": "x"}}))
    assert transport._policy.deduplicate
    assert not transport._policies
