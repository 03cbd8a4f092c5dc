"""Bounds on the length of texts."""

import pytest

from polyloop.data.steps.base import Draft
from polyloop.data.steps.length import LengthStep


def _draft(text: str, target: str, *, has_label: bool = False) -> Draft:
    return Draft(input=text, target=target, locale="en", target_locale="en", has_label=has_label)


@pytest.mark.parametrize(
    ("text", "target", "reason"),
    [
        ("abc", "abcde", None),
        ("ab", "abc", "too_short"),
        ("abc", "ab", "too_short"),
        ("abcdef", "abc", "too_long"),
        ("abc", "abcdef", "too_long"),
    ],
)
def test_both_texts_are_within_the_bounds_or_the_row_goes(text: str, target: str, reason: str | None) -> None:
    assert LengthStep(min_characters=3, max_characters=5).apply(_draft(text, target)) == reason


def test_a_label_is_not_measured() -> None:
    assert LengthStep(min_characters=3, max_characters=5).apply(_draft("abc", "x", has_label=True)) is None
