from kong_federation.transport import SubgraphResponse


def test_raw_headers_are_read_when_they_are_asked_for():
    response = SubgraphResponse(200, [(b"X-A", b"\xe9"), (b"x-a", b"2")], b"")
    assert response.headers == (("x-a", "é"), ("x-a", "2"))
    assert response.headers is response.headers


def test_headers_that_were_read_stay():
    headers = (("a", "b"),)
    assert SubgraphResponse(200, headers, b"").headers is headers
