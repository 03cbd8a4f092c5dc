"""Neighbours of keys."""

import pytest

from polyloop.evaluation.suites.keyboards import layout_of, neighbours


@pytest.mark.parametrize(
    ("locale", "layout"),
    [("en", "qwerty"), ("de-CH", "qwertz"), ("fr", "azerty"), ("fr-CA", "qwerty"), ("vi", "qwerty")],
)
def test_locales_have_their_layouts(locale, layout):
    assert layout_of(locale) == layout


@pytest.mark.parametrize(
    ("layout", "letter", "beside"),
    [
        ("qwerty", "g", "tyfhvb"), ("qwerty", "q", "wa"), ("qwerty", "p", "ol"), ("qwertz", "z", "tugh"),
        ("qwertz", "y", "asx"), ("qwertz", "ü", "pöä"), ("azerty", "a", "zq"),
    ],
)  # fmt: skip
def test_neighbours_touch_the_key(layout, letter, beside):
    assert set(neighbours(layout)[letter]) == set(beside)


@pytest.mark.parametrize("layout", ["qwerty", "qwertz", "azerty"])
def test_neighbours_are_mutual(layout):
    beside = neighbours(layout)
    assert all(letter in beside[other] for letter, others in beside.items() for other in others)
    assert all(2 <= len(others) <= 6 for others in beside.values())
