"""One request through the whole gateway, with a scripted builder."""

from gateway_world import code, post, read


async def test_a_query_is_answered(world):
    response = await world.gateway().handle(post("{ me }"))
    assert read(response) == (200, {"data": {"me": "Ada"}})
    assert response.headers == (("content-type", "application/graphql-response+json; charset=utf-8"),)
