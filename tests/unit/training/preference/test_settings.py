"""Tests of the settings of preference learning."""

import math
from typing import Any

import pytest

from polyloop.errors import SpecError
from polyloop.training.preference.settings import DpoSettings, KtoSettings, balanced_weights


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"beta": 0.0}, "beta 0.0"),
        ({"beta": math.nan}, "beta nan"),
        ({"form": "hinge"}, "form 'hinge'"),
        ({"label_smoothing": 0.5}, "label_smoothing 0.5"),
        ({"label_smoothing": -0.1}, "label_smoothing -0.1"),
        ({"form": "ipo", "label_smoothing": 0.1}, "no meaning with form 'ipo'"),
    ],
)
def test_dpo_settings_out_of_range_are_refused_with_their_value(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        DpoSettings(**wrong)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"beta": -1.0}, "beta -1.0"), ({"desirable_weight": 0.0}, "0.0"), ({"undesirable_weight": math.inf}, "inf")],
)
def test_kto_settings_out_of_range_are_refused_with_their_value(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        KtoSettings(**wrong)


@pytest.mark.parametrize(
    ("desirable", "undesirable", "expected"),
    [(100, 100, (1, 1)), (120, 100, (1, 1)), (25, 100, (4, 1)), (400, 100, (1, 3))],
)
def test_the_scarcer_kind_is_raised_into_the_advised_range(
    desirable: int, undesirable: int, expected: tuple[float, float]
) -> None:
    good, bad = balanced_weights(desirable, undesirable)
    assert (good, bad) == pytest.approx(expected)
    assert 1 - 1e-9 <= good * desirable / (bad * undesirable) <= 4 / 3 + 1e-9


def test_one_kind_alone_cannot_be_balanced() -> None:
    with pytest.raises(SpecError, match="0 and 7"):
        balanced_weights(0, 7)
