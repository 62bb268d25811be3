"""Reading requests: GraphQL over HTTP, without a gateway."""

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kong_federation.errors import FederationError
from kong_federation.gateway import HttpRequest
from kong_federation.gateway.http import options, read_media_type, read_request, refusal
from kong_federation.gateway.media import GRAPHQL_JSON, JSON
from kong_federation.settings import parse_settings

SETTINGS = parse_settings({"supergraph": {"sdl": "x"}})
OPEN = parse_settings({"supergraph": {"sdl": "x"}, "security": {"csrf": False}})
PREFLIGHTED = {"apollo-require-preflight": ["1"]}
AS_JSON = {"content-type": ["application/json"]}


def post(body, headers=AS_JSON, settings=SETTINGS):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_request(HttpRequest("POST", headers=headers, body=body), settings)


def get(query, headers=PREFLIGHTED, settings=SETTINGS):
    return read_request(HttpRequest("GET", query=query, headers=headers), settings)


def refused(function, *arguments, **options):
    with pytest.raises(FederationError) as caught:
        function(*arguments, **options)
    return caught.value.code.name, caught.value.message


# --- POST ---


def test_a_post_has_four_parameters_and_tolerates_others():
    asked = post({"query": "{a}", "operationName": "A", "variables": {"v": 1}, "extensions": {"x": 1}, "other": 1})
    assert (asked.document, asked.operation_name, asked.variables, asked.safe) == ("{a}", "A", {"v": 1}, False)


def test_null_and_an_empty_operation_name_are_absent():
    asked = post({"query": "{a}", "operationName": "", "variables": None, "extensions": None})
    assert (asked.operation_name, asked.variables) == (None, {})
    assert post({"query": "{a}", "operationName": None}).operation_name is None


def test_of_a_member_that_is_there_twice_the_last_counts():
    assert post(b'{"query":"{a}","query":"{b}"}').document == "{b}"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The body is empty."),
        (b"NONSENSE", "The body is not JSON"),
        (b'{"query":', "The body is not JSON"),
        (b'{"query":"\xff"}', "The body is not JSON"),
        (b'{"query":"\\ud800"}', "The body is not JSON"),
        (b'{"query":"{a}","variables":{"v":NaN}}', "The body is not JSON"),
        (b'{"query":"{a}","variables":{"v":1e999}}', "The body is not JSON"),
        (b"5", "The body is not a JSON object."),
        (b"null", "The body is not a JSON object."),
        (b"{}", "The parameter 'query' is missing."),
        (b'{"qeury":"{a}"}', "The parameter 'query' is missing."),
        (b'{"query":null}', "The parameter 'query' is missing."),
        (b'{"query":{}}', "The parameter 'query' must be a string."),
        (b'{"query":"{a}","operationName":5}', "The parameter 'operationName' must be a string."),
        (b'{"query":"{a}","variables":[7]}', "The parameter 'variables' must be an object."),
        (b'{"query":"{a}","variables":"{}"}', "The parameter 'variables' must be an object."),
        (b'{"query":"{a}","extensions":5}', "The parameter 'extensions' must be an object."),
        (b'{"query":"{a}","variables":{"v":123456789012345678901234567890}}', "An integer in the body does not fit"),
        (b'{"query":"{a}","variables":{"v":-9223372036854775809}}', "An integer in the body does not fit"),
        (b'{"query":"{a}","variables":{"v":' + b"9" * 5_000 + b"}}", "The body is not JSON"),
        (b'{"query":"{a}","variables":' + b'{"v":' * 300 + b"1" + b"}" * 301, "is nested deeper than 200 levels"),
        (b"[" * 5_000, "The body is not JSON"),
        (b"[" * 500 + b"]" * 500, "is nested deeper than 200 levels"),
    ],
)
def test_what_is_malformed_is_said_in_a_sentence(body, message):
    code, text = refused(post, body)
    assert code == "INVALID_GRAPHQL_REQUEST"
    assert message in text


def test_what_only_looks_too_deep_or_too_large_is_accepted():
    wide = {"query": "{a}", "variables": {"v": [{}] * 300, "digits": "1" * 40, "float": 1.0000000000000000000001}}
    assert post(wide).variables == wide["variables"]
    most = post(b'{"query":"{a}","variables":{"v":9223372036854775807,"w":"12345678901234567890"}}').variables
    assert most == {"v": 2**63 - 1, "w": "12345678901234567890"}


def test_a_byte_order_mark_is_skipped():
    assert post(b'\xef\xbb\xbf{"query":"{a}"}').document == "{a}"


def test_batches_are_refused():
    assert refused(post, [{"query": "{a}"}])[0] == "BATCHING_NOT_ENABLED"


def test_an_unknown_persisted_query_makes_clients_send_the_document():
    body = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "abc"}}}
    assert refused(post, body) == ("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")


def test_a_large_body_is_refused():
    settings = parse_settings({"supergraph": {"sdl": "x"}, "limits": {"max_body_size": 20}})
    assert refused(post, b" " * 21, settings=settings)[0] == "REQUEST_TOO_LARGE"
    assert refused(get, "query=" + "a" * 20, settings=settings)[0] == "REQUEST_TOO_LARGE"


@pytest.mark.parametrize(
    "value",
    ["application/json", "Application/JSON ; Charset=UTF-8", 'application/json;charset="utf-8"', "application/json;"],
)
def test_json_in_utf_8_is_accepted(value):
    assert post({"query": "{a}"}, {"content-type": [value]}).document == "{a}"


@pytest.mark.parametrize(
    "values",
    [
        ["application/graphql"],
        ["application/json; charset=latin-1"],
        ["application/json", "text/plain"],
        ["application/json, text/plain"],
        ["text/plain; application/json"],
        ["application/jsonp"],
    ],
)
def test_other_content_types_are_refused(values):
    assert refused(post, {"query": "{a}"}, {"content-type": values}, OPEN)[0] == "INVALID_CONTENT_TYPE_HEADER"
    assert refused(post, {"query": "{a}"}, {}, OPEN)[0] == "INVALID_CONTENT_TYPE_HEADER"


def test_compressed_bodies_are_refused():
    headers = {**AS_JSON, "content-encoding": ["gzip"]}
    assert refused(post, b"\x1f\x8b", headers) == ("INVALID_CONTENT_TYPE_HEADER", "Compressed bodies are not accepted.")
    assert post({"query": "{a}"}, {**AS_JSON, "content-encoding": ["identity"]}).document == "{a}"


# --- GET ---


def test_a_get_has_its_parameters_in_the_query_string():
    variables = quote(json.dumps({"v": "ü+ "}))
    asked = get(f"query=%7B+a%20%7D&operationName=null&variables={variables}&extensions=%7B%7D&other=1")
    assert (asked.document, asked.operation_name, asked.variables, asked.safe) == ("{ a }", "null", {"v": "ü+ "}, True)


def test_bytes_that_are_not_escaped_are_read_as_utf_8():
    assert get("query=" + "ü".encode().decode("latin-1")).document == "ü"


def test_empty_parameters_of_a_get_are_absent():
    asked = get("query={a}&operationName=&variables=&extensions=")
    assert (asked.operation_name, asked.variables) == (None, {})


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "The parameter 'query' is missing."),
        ("query=%ff", "The query string is not utf-8."),
        ("query=a&query=b", "The parameter 'query' is there twice."),
        ("query=a&variables=5", "The parameter 'variables' must be an object."),
        ("query=a&variables=[", "The parameter 'variables' is not JSON"),
        ("query=a&extensions=[]", "The parameter 'extensions' must be an object."),
    ],
)
def test_a_malformed_get_is_said_in_a_sentence(query, message):
    code, text = refused(get, query)
    assert code == "INVALID_GRAPHQL_REQUEST"
    assert message in text


def test_get_can_be_switched_off():
    settings = parse_settings({"supergraph": {"sdl": "x"}, "operations": {"get": False}})
    assert refused(get, "query={a}", settings=settings)[0] == "METHOD_NOT_ALLOWED"
    assert options(settings).headers == (("allow", "POST, OPTIONS"),)


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "QUERY", "\x00\xff", "get"])
def test_other_methods_are_refused(method):
    code, text = refused(read_request, HttpRequest(method), SETTINGS)
    assert code == "METHOD_NOT_ALLOWED"
    assert text.isprintable()


# --- Cross-site requests ---


@pytest.mark.parametrize("value", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "x"])
def test_a_request_that_a_browser_sends_without_asking_is_refused(value):
    for headers in ({"content-type": [value]}, {}, {"apollo-require-preflight": [""]}):
        assert refused(post, {"query": "{a}"}, headers)[0] == "CSRF_ERROR"
        assert refused(get, "query={a}", headers)[0] == "CSRF_ERROR"


@pytest.mark.parametrize("headers", [AS_JSON, PREFLIGHTED, {"x-apollo-operation-name": ["A"]}])
def test_a_get_that_a_browser_asks_for_first_is_accepted(headers):
    assert get("query={a}", headers).document == "{a}"


@pytest.mark.parametrize("values", [["text/plain"], ["application/graphql"], ["application/json", "x"], ["é"], [""]])
def test_a_get_with_an_odd_content_type_is_refused_in_any_case(values):
    headers = {**PREFLIGHTED, "content-type": values}
    assert refused(get, "query={a}", headers)[0] == "INVALID_CONTENT_TYPE_HEADER"
    assert refused(get, "query={a}", {"content-type": values}, OPEN)[0] == "INVALID_CONTENT_TYPE_HEADER"


def test_the_headers_that_show_it_are_configured():
    config = {"supergraph": {"sdl": "x"}, "security": {"csrf_headers": ["X-Mine"]}}
    settings = parse_settings(config)
    assert get("query={a}", {"x-mine": ["1"]}, settings).document == "{a}"
    assert refused(get, "query={a}", PREFLIGHTED, settings)[0] == "CSRF_ERROR"
    assert get("query={a}", {}, OPEN).document == "{a}"


# --- The answer's media type ---


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ([], JSON),
        ([""], JSON),
        (["*/*"], JSON),
        (["application/*"], JSON),
        (["application/json"], JSON),
        (["application/graphql-response+json"], GRAPHQL_JSON),
        (["application/graphql-response+json, application/json;q=0.9"], GRAPHQL_JSON),
        (["application/json, application/graphql-response+json"], JSON),
        (["application/graphql-response+json; charset=utf-8, application/json; charset=utf-8"], GRAPHQL_JSON),
        (["application/json;q=0.5", "application/graphql-response+json;q=0.6"], GRAPHQL_JSON),
        (["application/json, text/plain, */*"], JSON),
        (["*/*, application/graphql-response+json"], GRAPHQL_JSON),
        (["*/*, application/json;q=0"], GRAPHQL_JSON),
        (["APPLICATION/JSON; Charset=UTF-8"], JSON),
        (["multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json;q=0.9"], GRAPHQL_JSON),
        (["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"], JSON),
    ],
)
def test_the_media_type_follows_accept(accept, chosen):
    headers = {"accept": accept} if accept else {}
    assert read_media_type(HttpRequest("POST", headers=headers)) == chosen


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "application/json; charset=latin-1", "json"])
def test_what_we_cannot_answer_in_is_refused(accept):
    code, _ = refused(read_media_type, HttpRequest("POST", headers={"accept": [accept]}))
    assert code == "INVALID_ACCEPT_HEADER"


@given(st.text(alphabet='aplicton/json*;q=.0189, \t"', max_size=60) | st.text(max_size=600))
def test_any_accept_header_is_read(accept):
    try:
        assert read_media_type(HttpRequest("POST", headers={"accept": [accept]})) in {JSON, GRAPHQL_JSON}
    except FederationError as error:
        assert error.code.status == 406  # noqa: PT017 - either outcome is right


@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,0123456789eE.-querytvaibls\\u', max_size=80).map(str.encode))
def test_any_body_is_read_or_refused(body):
    try:
        assert isinstance(post(body).variables, dict)
    except FederationError as error:
        assert error.code.status == 400  # noqa: PT017 - either outcome is right


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=100))
def test_any_query_string_is_read_or_refused(query):
    try:
        assert isinstance(get("query=%7Ba%7D&" + query).variables, dict)
    except FederationError as error:
        assert error.code.status == 400  # noqa: PT017 - either outcome is right


def test_an_error_names_the_allowed_methods_only_where_the_status_asks_for_it():
    codes = {}
    for function, arguments in ((read_request, (HttpRequest("PUT"), SETTINGS)), (post, (b"",))):
        with pytest.raises(FederationError) as caught:
            function(*arguments)
        answer = refusal((caught.value,), JSON, ("GET", "POST"))
        codes[answer.status] = dict(answer.headers).get("allow")
    assert codes == {405: "GET, POST", 400: None}
