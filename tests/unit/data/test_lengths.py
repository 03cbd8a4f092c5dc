"""Histograms of lengths: bins that fit together, and figures that are right or close by a known bound."""

import itertools
import random

import pytest

from polyloop.data.lengths import LengthHistogram, bin_bounds, bin_number


def histogram(lengths: list[int]) -> LengthHistogram:
    made = LengthHistogram()
    made.add(lengths)
    return made


def test_bins_follow_one_another_without_gap_or_overlap() -> None:
    bounds = [bin_bounds(number) for number in range(300)]
    assert bounds[0] == (0, 0)
    assert all(low == before + 1 for (_, before), (low, _) in itertools.pairwise(bounds))


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 18, 31, 32, 1000, 123_456, 2**40])
def test_a_length_is_within_its_bin_which_is_at_most_an_eighth_wide(length: int) -> None:
    low, high = bin_bounds(bin_number(length))
    assert low <= length <= high
    assert high - low <= low / 8
    assert list(histogram([length]).bins) == [bin_number(length)]


def test_parts_in_any_order_add_up_to_the_whole() -> None:
    lengths = [random.Random(1).randrange(5000) for _ in range(500)]
    forwards, backwards = LengthHistogram(), LengthHistogram()
    pieces = [histogram(lengths[start : start + 50]) for start in range(0, 500, 50)]
    for piece in pieces:
        forwards.merge(piece)
    for piece in reversed(pieces):
        backwards.merge(piece)
    assert forwards == backwards == histogram(lengths)


def test_quantiles_are_close_and_extremes_exact() -> None:
    lengths = sorted(random.Random(2).randrange(3, 5000) for _ in range(1001))
    made = histogram(lengths)
    assert (made.minimum, made.maximum, made.count) == (lengths[0], lengths[-1], 1001)
    assert made.mean == sum(lengths) / 1001
    for part in (0.05, 0.5, 0.95):
        assert made.quantile(part) == pytest.approx(lengths[round(part * 1000)], rel=1 / 16 + 0.01)
    assert made.quantile(1.0) <= lengths[-1]


def test_without_texts_all_is_nought() -> None:
    made = histogram([])
    assert (made.count, made.mean, made.quantile(0.5), made.maximum) == (0, 0.0, 0, None)


def test_plain_data_gives_the_same_histogram_again() -> None:
    made = histogram([1, 5, 5, 100])
    assert LengthHistogram.from_dict(made.to_dict()) == made
    assert made.to_dict()["bins"] == [[1, 1, 1], [5, 5, 2], [96, 103, 1]]
