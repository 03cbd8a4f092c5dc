"""How often the gate passes harmless candidates and stops harmful ones, measured by simulation.

Accuracy of a classify task in three locales of 1,000 holdout rows each (unless said otherwise); the champion is right
in about 85 %; candidate and champion are right on different rows in `share` of the rows; confidence 0.95, 1,000
resamples. Part of candidates that pass, of 200 per figure (two standard errors are 0.07 at worst); the tests draw 150:

| margin | share | equal | +2 points everywhere | loses the margin in one locale | loses 3 in one | loses 5 in one |
| -----: | ----: | ----: | -------------------: | -----------------------------: | -------------: | -------------: |
|    1.0 |   5 % |  0.14 |                 0.99 |                           0.01 |           0.00 |           0.00 |
|    1.0 |  10 % |  0.03 |                 0.81 |                           0.01 |           0.00 |           0.00 |
|    2.0 |   5 % |  0.77 |                 1.00 |                           0.04 |           0.01 |           0.00 |
|    2.0 |  10 % |  0.25 |                 0.99 |                           0.04 |           0.00 |           0.00 |
|    3.0 |   5 % |  0.98 |                 1.00 |                           0.07 |           0.07 |           0.00 |
|    3.0 |  10 % |  0.80 |                 1.00 |                           0.05 |           0.05 |           0.00 |
|    4.0 |   5 % |  1.00 |                 1.00 |                           0.05 |           0.43 |           0.00 |
|    4.0 |  10 % |  0.97 |                 1.00 |                           0.04 |           0.25 |           0.01 |

Reading: harm at the margin is stopped 95 times in 100 whatever the margin and however many locales there are. What
the margin buys is power: with 1,000 rows a locale, margin 1.0 turns away nearly every equal candidate, margin 3.0
passes most of them and all that gain two points. A second locale of 30 rows (margin 3.0, share 5 %) changes nothing for
equal candidates (0.995 pass with and without it), and a loss of 30 points or more in it passes in 0.00.
"""

import numpy as np
import pytest

from polyloop.evaluation.gate import GateDecision, decide
from polyloop.evaluation.intervals import Interval
from polyloop.evaluation.results import EvaluationResult, EvaluationRows, SliceResult
from polyloop.spec.models import GateSpec

LABELS = np.array(["bad", "fine", "good"])
CHAMPION_ACCURACY = 0.85
NUM_CANDIDATES = 150


def answers(random: np.random.Generator, references: np.ndarray, is_right: np.ndarray) -> list[str]:
    shift = np.where(is_right, 0, random.integers(1, 3, size=len(references)))
    return [str(label) for label in LABELS[(references + shift) % 3]]


def result(version: str, locales: list[str], references: np.ndarray, predictions: list[str]) -> EvaluationResult:
    score = {"accuracy": Interval(value=85.0, low=84.0, high=86.0)}
    return EvaluationResult(
        task="mood",
        version=version,
        dataset_digest="dataset",
        holdout_digest="holdout",
        metric="accuracy",
        overall=SliceResult(locale="overall", num_rows=len(locales), metrics=score),
        slices=tuple(
            SliceResult(locale=one, num_rows=locales.count(one), metrics=score) for one in sorted(set(locales))
        ),
        latency_ms=1.0,
        size_bytes=1,
        rows=EvaluationRows(
            ids=tuple(str(position) for position in range(len(locales))),
            target_locales=tuple(locales),
            predictions=tuple(predictions),
            references=tuple(str(label) for label in LABELS[references]),
        ),
    )


def simulate(
    random: np.random.Generator, sizes: dict[str, int], gains: dict[str, float], share: float, gate: GateSpec
) -> GateDecision:
    """Decide on one drawn candidate whose true accuracy differs by `gains` points per locale."""
    locales = [locale for locale, size in sizes.items() for _ in range(size)]
    gain = np.array([gains.get(locale, 0.0) / 100.0 for locale in locales])
    share_of_row = np.maximum(share, np.abs(gain))
    where = random.random(len(locales))
    only_candidate = where < (share_of_row + gain) / 2
    only_champion = ~only_candidate & (where < share_of_row)
    both = random.random(len(locales)) < (CHAMPION_ACCURACY - share / 2) / (1 - share)
    references = random.integers(0, 3, size=len(locales))
    champion = answers(random, references, only_champion | (both & ~only_candidate))
    candidate = answers(random, references, only_candidate | (both & ~only_champion))
    return decide(
        result("v2", locales, references, candidate), result("v1", locales, references, champion), gate, kind="classify"
    )


def passing(
    sizes: dict[str, int], gains: dict[str, float], *, margin: float, share: float, num_candidates: int = NUM_CANDIDATES
) -> float:
    random = np.random.default_rng(5)
    gate = GateSpec(metric="accuracy", margin=margin)
    return sum(simulate(random, sizes, gains, share, gate).passed for _ in range(num_candidates)) / num_candidates


THREE_LOCALES = {"de": 1_000, "en": 1_000, "zh-Hans": 1_000}


@pytest.mark.parametrize(("share", "at_least"), [(0.05, 0.9), (0.10, 0.6)])
def test_most_equal_candidates_pass_with_a_margin_that_fits_the_rows(share, at_least):
    assert passing(THREE_LOCALES, {}, margin=3.0, share=share) >= at_least


def test_candidates_that_gain_in_every_locale_nearly_always_pass():
    assert passing(THREE_LOCALES, dict.fromkeys(THREE_LOCALES, 2.0), margin=3.0, share=0.10) >= 0.97


@pytest.mark.parametrize("share", [0.05, 0.10])
def test_a_loss_of_the_margin_in_one_locale_is_stopped_as_often_as_the_confidence_says(share):
    assert passing(THREE_LOCALES, {"de": -3.0}, margin=3.0, share=share) <= 0.10


def test_a_larger_loss_in_one_locale_is_always_stopped_even_when_the_others_gain():
    gains = {"de": -6.0, "en": 3.0, "zh-Hans": 3.0}
    assert passing(THREE_LOCALES, gains, margin=3.0, share=0.10) == 0.0


def test_a_margin_below_what_the_rows_can_show_turns_away_equal_candidates():
    assert passing(THREE_LOCALES, {}, margin=1.0, share=0.10) <= 0.10


def test_small_slices_seldom_stop_equal_candidates_and_do_stop_ruin():
    """30 rows in one locale: evident harm only."""
    sizes = {"de": 1_000, "zh-Hans": 30}
    with_small = passing(sizes, {}, margin=3.0, share=0.05)
    without = passing({"de": 1_000}, {}, margin=3.0, share=0.05)
    ruined = passing(sizes, {"zh-Hans": -50.0}, margin=3.0, share=0.05)
    assert with_small >= without - 0.1
    assert ruined <= 0.02
