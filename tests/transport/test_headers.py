import pytest

from kong_federation.transport.errors import TransportError, Trouble
from kong_federation.transport.headers import HeaderBlock, HeaderBlocks, id_line

OURS = b"user-agent: kong-federation\r\naccept-encoding: identity\r\n"


def text(*headers: tuple[str, str]) -> bytes:
    return HeaderBlock(headers).text


@pytest.mark.parametrize("raw", [b"caf\xe9", "größe".encode(), bytes(range(0x80, 0x100)), b"a\tb", b""])
def test_every_byte_of_a_value_survives(raw):
    assert text(("x", raw.decode("latin-1"))) == b"x: " + raw + b"\r\n" + OURS


def test_names_may_repeat_and_hold_what_templates_are_made_of():
    assert text(("x-%s", "%d"), ("x-%s", "%%"), ("%", "1")) == b"x-%s: %d\r\nx-%s: %%\r\n%: 1\r\n" + OURS


def test_no_headers():
    assert text() == OURS


def test_headers_of_one_connection_stay_behind():
    dropped = (("connection", "x"), ("te", "trailers"), ("transfer-encoding", "chunked"), ("content-length", "7"))
    assert text(("a", "1"), *dropped, ("accept-encoding", "br")) == b"a: 1\r\n" + OURS


def test_a_user_agent_of_its_own():
    assert text(("user-agent", "mine")) == b"user-agent: mine\r\naccept-encoding: identity\r\n"


def test_what_replaces_headers_of_the_address():
    assert HeaderBlock((("host", "shop"), ("a", "b"))).given == 1
    assert HeaderBlock((("authorization", "x"),)).given == 2


@pytest.mark.parametrize(
    "header",
    [
        ("x", "a\r\nx-evil: 1"),
        ("x", "a\nb"),
        ("x", "a\rb"),
        ("x", "a\0b"),
        ("x", "\u20ac"),
        ("x: y", "a"),
        ("x\r\ny", "a"),
        ("x y", "a"),
        ("é", "a"),
        ("", "a"),
    ],
)
def test_what_could_write_lines_of_its_own_is_refused(header):
    with pytest.raises(TransportError) as raised:
        HeaderBlock((header,))
    assert raised.value.trouble is Trouble.HEADER


def test_identity_is_without_traces():
    headers = (
        ("authorization", "a"),
        ("traceparent", "00-1"),
        ("x-b3-traceid", "2"),
        ("x-datadog-trace-id", "3"),
        ("x-kong-request-id", "4"),
        ("x-request-id", "5"),
        ("baggage", "tenant=6"),
    )
    assert HeaderBlock(headers).identity == (("authorization", "a"), ("baggage", "tenant=6"))


def test_a_request_id_is_a_line():
    assert id_line("caf\u00e9") == b"x-kong-request-id: caf\xe9\r\n"
    assert id_line("0af7-1") == b"x-kong-request-id: 0af7-1\r\n"
    assert HeaderBlock((("x-kong-request-id", "1"),)).identified
    assert not HeaderBlock((("x-request-id", "1"),)).identified


@pytest.mark.parametrize("wrong", ["a\r\nx: 1", "a\n", "a\0", "a\x85", "\u20ac"])
def test_a_request_id_that_is_none_is_refused(wrong):
    with pytest.raises(TransportError) as raised:
        id_line(wrong)
    assert raised.value.trouble is Trouble.HEADER


def test_a_tuple_is_encoded_once():
    blocks = HeaderBlocks()
    headers = (("a", "1"),)
    assert blocks.of(headers) is blocks.of(headers)


def test_many_tuples_are_not_kept():
    blocks = HeaderBlocks()
    for number in range(1000):
        assert blocks.of((("a", str(number)),)).text.startswith(b"a: %d\r\n" % number)
    assert len(blocks._known) <= 256
