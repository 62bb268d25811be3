"""interface-object-indirect-extension: an interface object whose implementation a third subgraph extends."""

from __future__ import annotations

from spec.audit.subgraph import Rules
from spec.audit.tables import ABSENT, Row, Tables, number, text


def subgraphs(tables: Tables, *, strict: bool = False) -> dict[str, Rules]:
    return {
        "a": Rules(
            {"Video": _video, "Article": _article, "Media": lambda sent: {**_video(sent), "__typename": "Video"}},
            {"Query.media": lambda _: tables["media"]},
        ),
        "b": Rules(
            {"Author": _author},
            {"Query.author": lambda _: tables["author"], "Video.authorName": lambda _: "John Doe"},
        ),
        "c": Rules(
            {"Playlist": _playlist, "Media": lambda sent: {"id": sent.get("id")}},
            {"Query.playlist": lambda _: tables["playlist"]},
        ),
    }


def _titled(sent: Row) -> Row:
    return {"id": sent.get("id"), "title": f"title for {text(sent.get('id', ABSENT))}"}


def _video(sent: Row) -> Row:
    return {**_titled(sent), "duration": 100 * number(sent.get("id", ABSENT))}


def _article(sent: Row) -> Row:
    return {**_titled(sent), "wordCount": 900 * number(sent.get("id", ABSENT))}


def _author(sent: Row) -> Row:
    return {"id": sent.get("id"), "name": f"name for {text(sent.get('id', ABSENT))}"}


def _playlist(sent: Row) -> Row:
    return {**_author(sent), "media": {"id": sent.get("id")}}
