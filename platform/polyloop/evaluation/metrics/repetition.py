"""Repetition: the share of an output's 4-grams that stood in it before, mean over outputs, in points; less is better.

Inputs: outputs alone; units by script, as for distinct-n. Welleck et al. 2020, "Neural Text Generation with
Unlikelihood Training" (seq-rep-4, https://arxiv.org/abs/1908.04319), on words or characters in place of a model's own
tokens. An output shorter than four units repeats nothing. Characters repeat sooner than words, so figures compare
within a locale only.
"""

from collections.abc import Sequence

from polyloop.evaluation.metrics.arrays import FloatArray, mean_points, mean_statistics
from polyloop.evaluation.metrics.definition import SummedMetric, Values
from polyloop.evaluation.metrics.distinct import output_units
from polyloop.evaluation.units import ngrams

REPETITION_ORDER = 4


def repetition_statistics(predictions: Values, references: Values, locale: str, labels: Sequence[str]) -> FloatArray:
    """Return (share of repeated 4-grams, 1) for each row."""
    return mean_statistics(map(repeated_share, output_units(predictions, [locale] * len(predictions))))


def repeated_share(units: list[str]) -> float:
    """Return 1 - distinct 4-grams / 4-grams, from 0 to 1."""
    found = ngrams(units, REPETITION_ORDER)
    return 1.0 - len(set(found)) / len(found) if found else 0.0


METRICS = (
    SummedMetric(
        name="repetition", compares="outputs", direction="less", statistics=repetition_statistics, score=mean_points
    ),
)
