from kong_federation.transport import SubgraphResponse


def test_raw_headers_are_read_when_they_are_asked_for():
    response = SubgraphResponse(200, b"HTTP/1.1 200 OK\r\nX-A: \xe9 \r\nx-a:2:3\r\nY:\r\n", b"")
    assert response.headers == (("x-a", "é"), ("x-a", "2:3"), ("y", ""))
    assert response.headers is response.headers


def test_headers_that_were_read_stay():
    headers = (("a", "b"),)
    assert SubgraphResponse(200, headers, b"").headers is headers
