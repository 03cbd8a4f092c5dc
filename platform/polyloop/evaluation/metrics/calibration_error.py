"""Expected calibration error: how far confidence is from the share of right answers. Less is better; points, 0 to 100.

Inputs: labels with their confidence (see `forms`) and the right labels. Guo et al. 2017, "On Calibration of Modern
Neural Networks" (https://arxiv.org/abs/1706.04599): rows are put into bins by confidence, and the gaps between mean
confidence and accuracy are averaged, weighted by the rows of each bin.

`calibration_error` has 15 bins of equal width (theirs) and is a function of sums. `calibration_error_equal_mass` has 15
bins of equally many rows, as Nixon et al. 2019 argue for (https://arxiv.org/abs/1904.01685); its bins depend on all the
rows, so it is a corpus metric. Rows of equal confidence share their mean gap, so their order does not matter.

Limits: the estimate is biased upwards, more so for few rows a bin, and a bootstrap adds the same noise again: intervals
of a well calibrated model lie a little too high. Differences of two models on the same rows suffer less.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from polyloop.evaluation.metrics.arrays import BoolArray, FloatArray, ratio
from polyloop.evaluation.metrics.definition import CorpusMetric, CorpusScore, SummedMetric, Values
from polyloop.evaluation.metrics.forms import as_confident_label, as_text

IntArray = npt.NDArray[np.int64]

NUM_BINS = 15
_INNER_EDGES = np.linspace(0.0, 1.0, NUM_BINS + 1)[1:-1]


def bins_of(confidences: FloatArray) -> IntArray:
    """Return the number of each confidence's bin, from 0; a bin holds its upper edge alone, as in the paper."""
    return np.digitize(confidences, _INNER_EDGES, right=True)


def equal_width_statistics(predictions: Values, references: Values, locale: str, labels: Sequence[str]) -> FloatArray:
    """Return the gap (confidence minus right) in the column of the row's bin, and 1 in the last column."""
    confidences, right = _confidences(predictions, references)
    rows = np.zeros((len(right), NUM_BINS + 1))
    rows[np.arange(len(right)), bins_of(confidences)] = confidences - right
    rows[:, -1] = 1.0
    return rows


def equal_width_error(sums: FloatArray) -> FloatArray:
    """Return the sum of the bins' absolute gaps over the number of rows, in points."""
    return 100.0 * ratio(np.abs(sums[..., :-1]).sum(axis=-1), sums[..., -1])


def equal_mass_scorer(predictions: Values, references: Values, locales: Sequence[str]) -> CorpusScore:
    """Return the error, in points, of any subset of the rows, with bins that fit the subset."""
    confidences, right = _confidences(predictions, references)
    order = np.argsort(confidences, kind="stable")
    sorted_confidences, sorted_gaps = confidences[order], (confidences - right)[order]

    def error(kept: BoolArray) -> float:
        kept_in_order = kept[order]
        _, group, sizes = np.unique(sorted_confidences[kept_in_order], return_inverse=True, return_counts=True)
        gaps = (np.bincount(group, weights=sorted_gaps[kept_in_order]) / sizes)[group]
        total = sum(abs(float(part.sum())) for part in np.array_split(gaps, NUM_BINS))
        return 100.0 * total / len(gaps)

    return error


def _confidences(predictions: Values, references: Values) -> tuple[FloatArray, FloatArray]:
    """Return the confidence of each row, and 1.0 where its label is right."""
    given = [as_confident_label(one) for one in predictions]
    right = [float(label == as_text(wanted)) for (label, _), wanted in zip(given, references, strict=True)]
    return np.array([confidence for _, confidence in given]), np.array(right)


METRICS = (
    SummedMetric(
        name="calibration_error",
        compares="confidences",
        direction="less",
        statistics=equal_width_statistics,
        score=equal_width_error,
    ),
    CorpusMetric(
        name="calibration_error_equal_mass", compares="confidences", direction="less", scorer=equal_mass_scorer
    ),
)
