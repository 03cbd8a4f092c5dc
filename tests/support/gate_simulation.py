"""Candidates drawn with a known true gain and a known share of rows judged differently, and what the gate says of them.

Accuracy of a classify task; `share` is the part of rows that only one of the two models gets right.
"""

from typing import Literal

import numpy as np

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
    random: np.random.Generator,
    sizes: dict[str, int],
    gains: dict[str, float],
    share: float,
    gate: GateSpec,
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
        result("v2", locales, references, candidate),
        result("v1", locales, references, champion),
        gate,
        kind="classify",
    )


def passing(
    sizes: dict[str, int],
    gains: dict[str, float],
    *,
    margin: float,
    share: float,
    num_candidates: int = NUM_CANDIDATES,
    confidence: float = 0.95,
    test: Literal["bootstrap", "discordant"] = "bootstrap",
) -> float:
    """Return the part of drawn candidates that pass; `gains` are true gains in points by locale, 0 where not told."""
    random = np.random.default_rng(5)
    gate = GateSpec(metric="accuracy", margin=margin, confidence=confidence, test=test)
    found = (simulate(random, sizes, gains, share, gate) for _ in range(num_candidates))
    return sum(decision.passed for decision in found) / num_candidates
