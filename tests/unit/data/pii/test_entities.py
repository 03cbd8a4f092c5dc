"""A named-entity finder of the user's own: loading it, its spans, and what is wrong with either."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from polyloop.data.pii.base import Span
from polyloop.data.pii.entities import find_entities, load_entity_finder, outside
from polyloop.errors import DataError

MODULE = """
LOADED = []
LOADED.append(1)
not_callable = 3
def names(text, locale):
    start = text.find("Ann")
    return [(start, start + 3, "person")] if start >= 0 else []
def beyond(text, locale):
    return [(0, len(text) + 1, "PERSON")]
def empty(text, locale):
    return [(1, 1, "PERSON")]
def odd(text, locale):
    return [(0, 1, "a person!")]
def short(text, locale):
    return [(0, 1)]
def twice(text, locale):
    return [(2, 4, "PLACE"), (0, 3, "PERSON")]
"""


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "planted_people.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "broken_people.py").write_text("raise RuntimeError('no model')", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    load_entity_finder.cache_clear()
    yield "planted_people"
    load_entity_finder.cache_clear()
    sys.modules.pop("planted_people", None)


def test_entities_are_given_with_their_type_in_capitals(people: str) -> None:
    assert find_entities(f"{people}:names", "Hi Ann", "en") == (Span(3, 6, "PERSON"),)
    assert find_entities(f"{people}:names", "Hi Bob", "en") == ()
    assert sys.modules[people].LOADED == [1]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("planted_people", "write module:function"),
        ("no.such.module:find", "cannot be imported"),
        ("broken_people:find", "no model"),
        ("planted_people:missing", "has no function 'missing'"),
        ("planted_people:not_callable", "has no function 'not_callable'"),
    ],
)
@pytest.mark.usefixtures("people")
def test_a_finder_that_cannot_be_had_is_named(name: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason) as caught:
        load_entity_finder(name)
    assert name in str(caught.value)


@pytest.mark.parametrize("function", ["beyond", "empty", "odd", "short", "twice"])
def test_wrong_spans_are_refused(people: str, function: str) -> None:
    with pytest.raises(DataError, match=f"{people}:{function}"):
        find_entities(f"{people}:{function}", "some text", "en")


def test_an_entity_around_a_number_keeps_the_rest_of_itself() -> None:
    text = "12 Main St, 212-555-0147, Ohio"
    pieces = outside([Span(0, 30, "ADDRESS")], [Span(12, 24, "phone")], text)
    assert [(text[piece.start : piece.end], piece.kind) for piece in pieces] == [
        ("12 Main St", "ADDRESS"),
        ("Ohio", "ADDRESS"),
    ]
    assert outside([Span(12, 20, "PERSON")], [Span(12, 24, "phone")], text) == []
