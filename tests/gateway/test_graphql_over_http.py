"""GraphQL over HTTP: requests read and refused, and the public audit of whole exchanges."""

import json
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kong_federation.errors import FederationError
from kong_federation.executor import write_json
from kong_federation.gateway import BuilderProgram, Gateway, HttpRequest
from kong_federation.gateway.head import Head
from kong_federation.gateway.http import options, read_request, refusal
from kong_federation.gateway.media import GRAPHQL_JSON, JSON
from kong_federation.settings import parse_settings
from kong_federation.transport import MemoryTransport

SETTINGS = parse_settings({"supergraph": {"sdl": "x"}})
OPEN = parse_settings({"supergraph": {"sdl": "x"}, "security": {"csrf": False}})
PREFLIGHTED = {"apollo-require-preflight": ["1"]}
AS_JSON = {"content-type": ["application/json"]}


def post(body, headers=AS_JSON, settings=SETTINGS):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read(HttpRequest("POST", headers=headers, body=body), settings)


def get(query, headers=PREFLIGHTED, settings=SETTINGS):
    return read(HttpRequest("GET", query=query, headers=headers), settings)


def read(request, settings=SETTINGS):
    return read_request(request, Head(request.headers), settings)


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
        (b'{"query":"{a}","variables":{"v":"\\ud800"}}', "The body is not JSON"),
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


def test_numbers_in_variables_stay_as_they_are_written():
    text = b"[-0,1.10,1E+2,1e999," + b"9" * 5_000 + b"]"
    read = post(b'{"query":"{a}","variables":{"v":' + text + b"}}").variables
    assert write_json(read["v"]) == text
    read = get('query={a}&variables={"v":' + text.decode().replace("+", "%2B") + "}").variables
    assert write_json(read["v"]) == text


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
    assert refused(post, b"\x1f\x8b", headers) == (
        "INVALID_CONTENT_TYPE_HEADER",
        "Compressed bodies are not accepted; send the body without a content encoding.",
    )
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
    code, text = refused(read, HttpRequest(method))
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


def test_a_refused_request_is_told_how_to_be_sent():
    assert refused(post, b"", {})[1].endswith(
        "Send it with the content type application/json, or with a non-empty header x-apollo-operation-name, or with a "
        "non-empty header apollo-require-preflight."
    )
    none = parse_settings({"supergraph": {"sdl": "x"}, "security": {"csrf_headers": []}})
    assert refused(post, b"", {}, none)[1].endswith("Send it with the content type application/json.")


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
    assert Head(headers).media_type == chosen


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "application/json; charset=latin-1", "json"])
def test_what_we_cannot_answer_in_is_refused(accept):
    code, _ = refused(post, {"query": "{ a }"}, {**AS_JSON, "accept": [accept]})
    assert code == "INVALID_ACCEPT_HEADER"


@given(st.text(alphabet='aplicton/json*;q=.0189, \t"', max_size=60) | st.text(max_size=600))
def test_any_accept_header_is_read(accept):
    assert Head({"accept": [accept]}).media_type in {JSON, GRAPHQL_JSON, None}


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
    for function, arguments in ((read, (HttpRequest("PUT"),)), (post, (b"",))):
        with pytest.raises(FederationError) as caught:
            function(*arguments)
        answer = refusal((caught.value,), JSON, ("GET", "POST"))
        codes[answer.status] = dict(answer.headers).get("allow")
    assert codes == {405: "GET, POST", 400: None}


# --- The audit of npm's `graphql-http`, for machines without npm (with it: `make http-audit`) ---

QUERY = "{ __typename }"
OF_TYPE = "query Type($name: String!) { __type(name: $name) { name } }"
NO_STRINGS = ({"obj": "ect"}, 0, False, ["array"])
NO_OBJECTS = ("string", 0, False, ["array"])
POSTS = [
    # MUST and SHOULD: what is well-formed is answered, in either media type ...
    ("22EB 4655 47DE 80D8 2C94 03D4 34A2 13EE 78D5 82A3", {"query": QUERY}, (200, 200)),
    ("BF61", {"query": '{ __type(name: "Run🏃Swim🏊") { name } }'}, (200, 200)),
    ("8161 B8B3", {"operationName": "Query", "query": "query Query { __typename }"}, (200, 200)),
    *(
        (f"94B{index} 022{index}", {"query": QUERY, name: None}, (200, 200))
        for index, name in enumerate(("variables", "operationName", "extensions"))
    ),
    ("2EA1 28B9", {"query": OF_TYPE, "variables": {"name": "sometype"}}, (200, 200)),
    ("428F 1B7A", {"query": QUERY, "extensions": {"some": "value"}}, (200, 200)),
    # ... and what is wrong with it is told by the status in the one of them that may.
    ("572B 865D 556A D586", {"query": "{"}, (200, 400)),
    ("FDE2 51FE 74FF 5E5B", {"query": "{ 8f31403dfe404bccbb0e835f2629c6a7 }"}, (200, 400)),
    ("7B9B 86EE", {"query": "query CoerceFailure($id: ID!){ __typename }", "variables": {"id": None}}, (200, 400)),
    # MAY: what is no GraphQL request is 400 in both.
    ("A5BF", b"", (400, 400)),
    ("B6DC BCF8 B7N8", b'{ "not a JSON', (400, 400)),
    ("423L 8764 3E3A", {"qeury": QUERY}, (400, 400)),
    *((f"LKJ{index}", {"query": value}, (400, 400)) for index, value in enumerate(NO_STRINGS)),
    *((f"6C0{index}", {"query": QUERY, "operationName": value}, (400, 400)) for index, value in enumerate(NO_STRINGS)),
    *((f"476{index}", {"query": QUERY, "variables": value}, (400, 400)) for index, value in enumerate(NO_OBJECTS)),
    *((f"58B{index}", {"query": QUERY, "extensions": value}, (400, 400)) for index, value in enumerate(NO_OBJECTS)),
]
GETS = [
    ("5A70", {"query": QUERY}, (200, 200)),
    ("D6D5 6A70", {"query": OF_TYPE, "variables": json.dumps({"name": "sometype"})}, (200, 200)),
    ("9C48", {"query": "mutation { __typename }"}, (405, 405)),
]
ACCEPTS = [(None, JSON, 0), ("*/*", JSON, 0), (JSON, JSON, 0), (GRAPHQL_JSON, GRAPHQL_JSON, 1)]


async def test_the_public_audit_passes(run_directory):
    supergraph = Path(__file__).parents[2] / "spec/http/supergraph.graphql"
    config = {"supergraph": {"sdl": supergraph.read_text(encoding="utf-8")}, "operations": {"introspection": True}}
    program, transport = BuilderProgram(grace=0.2), MemoryTransport({})
    safe, unguarded = (
        Gateway(
            parse_settings({**config, "security": {"csrf": csrf}}), run_directory, program=program, transport=transport
        )
        for csrf in (True, False)
    )
    try:
        for accept, media_type, column in ACCEPTS:
            accepting = {"accept": [accept]} if accept else {}
            for audits, sent, statuses in POSTS:
                body = sent if isinstance(sent, bytes) else json.dumps(sent, ensure_ascii=False).encode()
                for content_type in (JSON, f"{JSON}; charset=utf-8"):
                    request = HttpRequest("POST", headers={**accepting, "content-type": [content_type]}, body=body)
                    judge(await safe.handle(request), audits, statuses[column], media_type)
            for audits, parameters, statuses in GETS:
                request = HttpRequest("GET", query=urlencode(parameters), headers=accepting)
                judge(await unguarded.handle(request), audits, statuses[column], media_type)
                judge(await safe.handle(request), audits, 400, media_type)
            # 9ABE: a POST without a content type.
            judge(await unguarded.handle(HttpRequest("POST", headers=accepting)), "9ABE", 415, media_type)
            judge(await safe.handle(HttpRequest("POST", headers=accepting)), "9ABE", 400, media_type)
    finally:
        await safe.close()
        await unguarded.close()


def judge(response, audits, status, media_type):
    assert response.status == status, (audits, response.body)
    assert dict(response.headers)["content-type"] == f"{media_type}; charset=utf-8", audits
    body = json.loads(response.body.decode("utf-8"))
    # What was not executed has no data, and what went well has no errors.
    assert set(body) in ({"data"}, {"errors"}), audits
    if status != 200:
        assert "errors" in body, audits
