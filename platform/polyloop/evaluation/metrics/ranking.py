"""Recall at k, mean reciprocal rank and nDCG at k of ranked documents; each is the mean over rows, in points.

Inputs: a ranking, best first, and what is relevant, with gains where some is more so (see `forms`). A ranking may be
shorter than k: what it does not name was not found. Rows of which it is not known what is relevant, an empty text, do
not count.

- recall@k: share of what is relevant among the first k; with one relevant document it is the hit rate, R@k;
- mrr: 1 / rank of the first relevant document, 0 without one (Voorhees 1999, TREC-8 question answering);
- ndcg@k: gains divided by log2(rank + 1), over the best possible ranking's sum (Järvelin and Kekäläinen 2002,
  https://doi.org/10.1145/582415.582418), gains taken as they are.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import log2

import numpy as np

from polyloop.evaluation.metrics.arrays import FloatArray, mean_points
from polyloop.evaluation.metrics.definition import SummedMetric, Values
from polyloop.evaluation.metrics.forms import as_gains, as_ranking

DEPTHS = (1, 3, 5, 10, 20, 100)
"""Values of k that have a metric."""


def recall_at(ranking: Sequence[str], gains: Mapping[str, float], *, k: int) -> float:
    """Return the share of the relevant documents among the first k, from 0 to 1."""
    return sum(one in gains for one in ranking[:k]) / len(gains)


def reciprocal_rank(ranking: Sequence[str], gains: Mapping[str, float]) -> float:
    """Return 1 / rank of the first relevant document, 0 if none is ranked."""
    return next((1.0 / rank for rank, one in enumerate(ranking, start=1) if one in gains), 0.0)


def ndcg_at(ranking: Sequence[str], gains: Mapping[str, float], *, k: int) -> float:
    """Return the discounted gain of the first k over that of the best ranking, from 0 to 1."""
    found = _discounted([gains.get(one, 0.0) for one in ranking[:k]])
    return found / _discounted(sorted(gains.values(), reverse=True)[:k])


def ranking_statistics(
    predictions: Values,
    references: Values,
    locale: str,
    labels: Sequence[str],
    *,
    judge: Callable[[Sequence[str], Mapping[str, float]], float],
) -> FloatArray:
    """Return (the row's value, 1) for each row, (0, 0) where it is not known what is relevant."""
    rows = [
        (0.0, 0.0) if wanted == "" else (judge(as_ranking(given), as_gains(wanted)), 1.0)
        for given, wanted in zip(predictions, references, strict=True)
    ]
    return np.array(rows, dtype=np.float64)


def _discounted(gains: Sequence[float]) -> float:
    return sum(gain / log2(rank + 1) for rank, gain in enumerate(gains, start=1))


_JUDGES: dict[str, Callable[[Sequence[str], Mapping[str, float]], float]] = {
    **{f"recall@{k}": partial(recall_at, k=k) for k in DEPTHS},
    "mrr": reciprocal_rank,
    **{f"ndcg@{k}": partial(ndcg_at, k=k) for k in DEPTHS},
}
METRICS = tuple(
    SummedMetric(
        name=name,
        compares="rankings",
        counts_some_rows=True,
        statistics=partial(ranking_statistics, judge=judge),
        score=mean_points,
    )
    for name, judge in _JUDGES.items()
)
