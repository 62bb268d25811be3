from kong_federation.transport.headers import outgoing


def test_bytes_that_are_utf8_survive():
    text = "größe".encode().decode("latin-1")
    ((name, value),) = outgoing([("x", text)])
    assert (name, value.encode()) == ("x", "größe".encode())


def test_other_bytes_come_out_as_utf8():
    assert outgoing([("x", "caf\xe9")]) == [("x", "café")]


def test_headers_of_one_connection_stay_behind():
    kept = [("a", "1"), ("host", "shop")]
    assert outgoing([("connection", "x"), ("te", "trailers"), *kept, ("accept-encoding", "br")]) == kept
