"""The split of a row never changes: the expected ones are written down here."""

from collections import Counter

import pytest

from polyloop.data.split import auto_split


@pytest.mark.parametrize(
    ("key", "split"),
    [
        ("key-0", "train"),
        ("key-1", "dev"),
        ("key-2", "holdout"),
        ("key-3", "holdout"),
        ("key-4", "train"),
        ("key-5", "train"),
        ("key-6", "train"),
        ("key-7", "train"),
        ("key-8", "holdout"),
        ("key-9", "train"),
        ("00000000000000000000000000000000", "train"),
        ("你好", "holdout"),
    ],
)
def test_keys_are_where_they_have_always_been(key: str, split: str) -> None:
    assert auto_split(key) == split


def test_about_a_tenth_is_held_out_and_a_twentieth_is_dev() -> None:
    counts = Counter(auto_split(f"row {number}") for number in range(20_000))
    assert counts["holdout"] == pytest.approx(2_000, rel=0.06)
    assert counts["dev"] == pytest.approx(1_000, rel=0.09)
