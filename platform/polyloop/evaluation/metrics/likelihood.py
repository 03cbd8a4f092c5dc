"""Perplexity per character and bits per character of a language model; less is better, and neither is in points.

Inputs: the summed negative log likelihood of each text in nats, and the text or its number of code points (see
`forms`). Characters, not tokens, so that models with different tokenizers compare; they do not compare between scripts,
where a character says more or less. The likelihood has to be of the whole text, the end token included or left out
alike.
"""

from collections.abc import Sequence
from math import inf, log

import numpy as np

from polyloop.evaluation.metrics.arrays import FloatArray, ratio
from polyloop.evaluation.metrics.definition import SummedMetric, Values
from polyloop.evaluation.metrics.forms import as_nll_nats, as_num_characters


def likelihood_statistics(predictions: Values, references: Values, locale: str, labels: Sequence[str]) -> FloatArray:
    """Return (negative log likelihood in nats, number of characters) for each row."""
    rows = [
        (as_nll_nats(given), float(as_num_characters(wanted)))
        for given, wanted in zip(predictions, references, strict=True)
    ]
    return np.array(rows, dtype=np.float64)


def bits_per_character(sums: FloatArray) -> FloatArray:
    """Return the mean bits that a character costs."""
    return ratio(sums[..., 0], sums[..., 1]) / log(2.0)


def perplexity_per_character(sums: FloatArray) -> FloatArray:
    """Return exp of the mean nats that a character costs: 2 to the bits per character."""
    return np.exp(ratio(sums[..., 0], sums[..., 1]))


METRICS = (
    SummedMetric(
        name="perplexity_per_character",
        compares="likelihoods",
        direction="less",
        low=1.0,
        high=inf,
        statistics=likelihood_statistics,
        score=perplexity_per_character,
    ),
    SummedMetric(
        name="bits_per_character",
        compares="likelihoods",
        direction="less",
        high=inf,
        statistics=likelihood_statistics,
        score=bits_per_character,
    ),
)
