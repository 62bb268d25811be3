import re
from pathlib import Path

from kong_federation.errors import CATALOGUE, Fault, FederationError, FederationErrors
from kong_federation.errors.codes import GRAPHQL_VALIDATION_FAILED, INTERNAL_SERVER_ERROR
from kong_federation.errors.reference import page

ROOT = Path(__file__).parents[2]


def test_the_documentation_is_the_catalogue() -> None:
    """make generated"""
    assert (ROOT / "docs" / "errors.md").read_text() == page()


def test_every_code_is_used() -> None:
    sources = "\n".join(
        path.read_text() for path in (ROOT / "kong_federation").rglob("*.py") if path.name != "codes.py"
    )
    unused = [name for name in CATALOGUE if not re.search(rf"\b{name}\b", sources)]

    assert unused == []


def test_codes_have_one_sentence_and_a_status_that_fits_the_fault() -> None:
    for code in CATALOGUE.values():
        assert re.fullmatch(r"[A-Z].*\.", code.meaning), code.name
        if code.fault is Fault.CLIENT:
            assert 400 <= code.status < 500, code.name
        if code.fault is Fault.SUBGRAPH:
            assert code.status == 200, code.name


def test_a_clients_error_shows_its_text_and_place() -> None:
    error = FederationError(GRAPHQL_VALIDATION_FAILED, "No field x.", path=("a", 0), locations=((1, 2),))

    assert error.as_graphql() == {
        "message": "No field x.",
        "locations": [{"line": 1, "column": 2}],
        "path": ["a", 0],
        "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"},
    }
    assert str(error) == "GRAPHQL_VALIDATION_FAILED: No field x. (at a.0)"


def test_what_is_wrong_inside_stays_inside() -> None:
    error = FederationError(INTERNAL_SERVER_ERROR, "the password is hunter2")

    assert "hunter2" not in str(error.as_graphql())
    assert "hunter2" in str(error)


def test_findings_are_told_one_a_line() -> None:
    errors = FederationErrors([FederationError(GRAPHQL_VALIDATION_FAILED, text) for text in ("One.", "Two.")])

    assert str(errors).splitlines() == ["GRAPHQL_VALIDATION_FAILED: One.", "GRAPHQL_VALIDATION_FAILED: Two."]
