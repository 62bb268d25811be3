"""kong.yml at the root, and every other declarative configuration that the project shows."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import pytest
import yaml

from tests.manifests.judge import deck_findings, plugins_of

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docker").rglob("*.md"))]


def shown():
    """Every YAML block of the documentation that is a whole declarative configuration."""
    for page in PAGES:
        for place, block in enumerate(
            re.findall(r"^ *```yaml\n(.*?)^ *```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
        ):
            if "_format_version" in block:
                yield pytest.param(yaml.safe_load(block), id=f"{page.name}-{place}")


@pytest.fixture
def declared():
    return yaml.safe_load((ROOT / "kong.yml").read_text(encoding="utf-8"))


def test_the_example_is_right_for_deck_and_for_the_plugin(declared):
    assert deck_findings(declared) == []
    assert [plugin["name"] for plugin in plugins_of(declared)] == [
        "graphql-federation",
        "key-auth",
        "graphql-federation",
    ]


@pytest.mark.parametrize("document", list(shown()))
def test_what_the_documentation_shows_is_right(document):
    assert deck_findings(document) == []


@pytest.mark.parametrize("document", list(shown()))
def test_what_the_documentation_shows_fails_closed(document):
    """A route has no service, or one whose upstream has no targets."""
    empty = {upstream["name"] for upstream in document.get("upstreams", ()) if not upstream.get("targets")}
    for service in document.get("services", ()):
        assert service["host"] in empty
    assert document.get("routes") or document.get("services")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d["routes"][0].update(path="/x"), "path"),
        (lambda d: d["routes"][0]["plugins"][0]["config"].update(supergraf={}), "supergraf"),
        (lambda d: d["routes"][0]["plugins"][0]["config"]["supergraph"].update(sdl="x"), "exactly one"),
        (lambda d: d["consumers"][0].update(user="x"), "user"),
    ],
)
def test_the_judge_finds_mistakes(declared, change, says):
    document = copy.deepcopy(declared)
    change(document)
    assert says in " ".join(deck_findings(document))
