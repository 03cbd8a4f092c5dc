"""Metrics as row-level statistics: the score of any set of rows is a function of the sum of their statistics.

Inputs: predictions and references as text, the target locale, the labels (classify). Output: float64 arrays of
counts, shape (rows, k), and scores in points from 0 to 100 (more is better). Corpus BLEU and chrF equal sacrebleu's.
Because only sums matter, a bootstrap resample is a weighted sum of rows and needs no text (see `intervals`).

Limits: one reference a row; labels and texts are compared as they are (no lower-casing).
"""

from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec
from itertools import starmap

import numpy as np
import numpy.typing as npt
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.helpers import extract_all_char_ngrams

from polyloop.errors import EvaluationError
from polyloop.evaluation.scripts import bleu_tokeniser, refuse_unspaced
from polyloop.tasks import KINDS

FloatArray = npt.NDArray[np.float64]

BLEU_ORDER = 4
"""Longest n-gram of BLEU (Papineni et al. 2002)."""
CHRF_ORDER = 6
"""Longest character n-gram of chrF (Popović 2015)."""
CHRF_BETA = 2
"""Recall weighs beta times as much as precision: chrF2, sacrebleu's default."""


def resolve_metric(name: str, kind: str) -> str:
    """Return the metric that `name` means for a task kind (`default` is its first); EvaluationError if it has none."""
    if kind not in KINDS:
        raise EvaluationError(f"there is no task kind {kind!r}; known kinds: {', '.join(KINDS)}")
    valid = KINDS[kind].metrics
    if name == "default":
        return valid[0]
    if name not in valid:
        raise EvaluationError(f"the metric {name!r} means nothing for {kind} tasks; use one of {', '.join(valid)}")
    return name


def statistics(
    metric: str, predictions: Sequence[str], references: Sequence[str], *, locale: str, labels: Sequence[str] = ()
) -> FloatArray:
    """Return the statistics of each row, shape (rows, k), for rows that share one target locale.

    `labels` are the classes of a classify metric and must be empty for a text metric. A predicted label outside
    `labels` (from a model of an older spec) is a wrong answer; a reference outside them is an error.

    Raises EvaluationError for an unknown metric, unequal lengths, no rows, labels with a text metric or none with a
    classify metric, and for BLEU on a locale or script that it has no tokeniser for.
    """
    if metric not in _STATISTICS:
        raise EvaluationError(f"there is no metric {metric!r}; use one of {', '.join(_STATISTICS)}")
    if len(predictions) != len(references):
        raise EvaluationError(f"{len(predictions)} predictions do not match {len(references)} references")
    if not references:
        raise EvaluationError(f"there is no row to compute {metric} on; the holdout or the slice is empty")
    if bool(labels) != (metric in _CLASSIFY):
        needs = "needs the labels of a classify task" if metric in _CLASSIFY else "compares texts and takes no labels"
        raise EvaluationError(f"the metric {metric!r} {needs}; choose a metric of the task's kind")
    return _STATISTICS[metric](predictions, references, locale, labels)


def statistics_by_locale(
    metric: str,
    predictions: Sequence[str],
    references: Sequence[str],
    target_locales: Sequence[str],
    *,
    labels: Sequence[str] = (),
) -> FloatArray:
    """Return the statistics of each row in the given order, each computed as its own target locale asks.

    Sums over rows of several locales are then the statistics of a pooled slice: each BLEU token count comes from the
    row's own tokeniser. Raises EvaluationError as `statistics` does.
    """
    if not len(predictions) == len(references) == len(target_locales):
        raise EvaluationError(
            f"{len(predictions)} predictions, {len(references)} references and {len(target_locales)} target locales "
            "do not match"
        )
    positions: dict[str, list[int]] = {}
    for position, locale in enumerate(target_locales):
        positions.setdefault(locale, []).append(position)
    parts = [
        statistics(metric, [predictions[i] for i in rows], [references[i] for i in rows], locale=locale, labels=labels)
        for locale, rows in positions.items()
    ]
    if not parts:
        raise EvaluationError(f"there is no row to compute {metric} on; the holdout or the slice is empty")
    whole = np.empty((len(references), parts[0].shape[1]))
    for rows, part in zip(positions.values(), parts, strict=True):
        whole[rows] = part
    return whole


def score(metric: str, sums: FloatArray) -> FloatArray:
    """Return points (0 to 100), shape (...), of summed statistics of shape (..., k)."""
    if metric not in _SCORES:
        raise EvaluationError(f"there is no metric {metric!r}; use one of {', '.join(_SCORES)}")
    return _SCORES[metric](sums)


def _accuracy_statistics(
    predictions: Sequence[str], references: Sequence[str], locale: str, labels: Sequence[str]
) -> FloatArray:
    _check_references(references, labels)
    rows = [(float(given == wanted), 1.0) for given, wanted in zip(predictions, references, strict=True)]
    return np.array(rows)


def _accuracy(sums: FloatArray) -> FloatArray:
    return 100.0 * _ratio(sums[..., 0], sums[..., 1])


def _macro_f1_statistics(
    predictions: Sequence[str], references: Sequence[str], locale: str, labels: Sequence[str]
) -> FloatArray:
    """Return for each label true positives, false positives and false negatives, side by side."""
    _check_references(references, labels)
    index = {label: position for position, label in enumerate(labels)}
    counts = np.zeros((len(references), len(labels), 3))
    for row, (given, wanted) in enumerate(zip(predictions, references, strict=True)):
        if given == wanted:
            counts[row, index[wanted], 0] = 1.0
            continue
        counts[row, index[wanted], 2] = 1.0
        if given in index:
            counts[row, index[given], 1] = 1.0
    return counts.reshape(len(references), -1)


def _macro_f1(sums: FloatArray) -> FloatArray:
    """Return the mean F1 over the labels that occur in the references of the sample.

    scikit-learn also averages over labels that are only predicted; then one stray prediction of a label which the
    slice does not hold would cost a whole label's share of the score, and the number of labels averaged would depend
    on the model. Here it depends on the references alone, so two models are always averaged over the same labels. In
    a resample that happens to miss a rare label, the label is left out; counting it as 0 would pull intervals of
    slices with rare labels down by the label's whole share (100 / labels points).
    """
    counts = sums.reshape(*sums.shape[:-1], -1, 3)
    hits, false_positives, false_negatives = counts[..., 0], counts[..., 1], counts[..., 2]
    f1 = _ratio(2.0 * hits, 2.0 * hits + false_positives + false_negatives)
    present = hits + false_negatives > 0  # where it is False, F1 is 0 and adds nothing
    return 100.0 * _ratio(f1.sum(axis=-1), present.sum(axis=-1).astype(np.float64))


def _bleu_statistics(
    predictions: Sequence[str], references: Sequence[str], locale: str, labels: Sequence[str]
) -> FloatArray:
    """Return hypothesis length, reference length, matched n-grams and hypothesis n-grams of orders 1 to 4."""
    tokeniser = bleu_tokeniser(locale, is_installed=_is_installed)
    refuse_unspaced(references, locale, tokeniser)
    bleu = _sentence_bleu(tokeniser)
    rows = []
    for given, wanted in zip(predictions, references, strict=True):
        counted = bleu.sentence_score(given, [wanted])
        rows.append([counted.sys_len, counted.ref_len, *counted.counts, *counted.totals])
    return np.array(rows, dtype=np.float64)


def _bleu(sums: FloatArray) -> FloatArray:
    """Return corpus BLEU with exponential smoothing, as `BLEU.compute_bleu(smooth_method="exp")` of sacrebleu."""
    given_length, wanted_length = sums[..., 0], sums[..., 1]
    matches, totals = sums[..., 2 : 2 + BLEU_ORDER], sums[..., 2 + BLEU_ORDER :]
    missed = matches == 0
    halvings = np.cumsum(missed, axis=-1)
    smoothed = np.where(missed, np.exp2(-halvings), matches)
    is_zero = (totals == 0).any(axis=-1) | missed.all(axis=-1)
    log_precisions = np.log(smoothed) - np.log(np.where(totals == 0, 1.0, totals))
    with_lengths = given_length > 0
    shortfall = np.where(with_lengths, 1.0 - wanted_length / np.where(with_lengths, given_length, 1.0), 0.0)
    points = 100.0 * np.exp(np.minimum(shortfall, 0.0) + log_precisions.mean(axis=-1))
    return np.where(is_zero, 0.0, points)


def _chrf_statistics(
    predictions: Sequence[str], references: Sequence[str], locale: str, labels: Sequence[str]
) -> FloatArray:
    """Return for orders 1 to 6: n-grams of the prediction, of the reference, and matched ones, side by side."""
    return np.array(list(starmap(_chrf_row, zip(predictions, references, strict=True))), dtype=np.float64)


def _chrf_row(given: str, wanted: str) -> list[int]:
    row: list[int] = []
    orders = zip(extract_all_char_ngrams(given, CHRF_ORDER), extract_all_char_ngrams(wanted, CHRF_ORDER), strict=True)
    for given_ngrams, wanted_ngrams in orders:
        matched = sum(min(count, wanted_ngrams[ngram]) for ngram, count in given_ngrams.items())
        # sacrebleu leaves out an order that the reference is too short for.
        row += [given_ngrams.total() if wanted_ngrams else 0, wanted_ngrams.total(), matched]
    return row


def _chrf(sums: FloatArray) -> FloatArray:
    """Return corpus chrF2: F of the mean precision and the mean recall over the orders that both sides have."""
    counts = sums.reshape(*sums.shape[:-1], CHRF_ORDER, 3)
    given, wanted, matched = counts[..., 0], counts[..., 1], counts[..., 2]
    used = (given > 0) & (wanted > 0)
    orders = used.sum(axis=-1).astype(np.float64)
    precision = _ratio(np.where(used, _ratio(matched, given), 0.0).sum(axis=-1), orders)
    recall = _ratio(np.where(used, _ratio(matched, wanted), 0.0).sum(axis=-1), orders)
    factor = float(CHRF_BETA**2)
    return 100.0 * _ratio((1.0 + factor) * precision * recall, factor * precision + recall)


def _check_references(references: Sequence[str], labels: Sequence[str]) -> None:
    unknown = sorted(set(references) - set(labels))
    if unknown:
        raise EvaluationError(f"the reference {unknown[0]!r} is not a label; the labels are {', '.join(labels)}")


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Return part / whole, and 0 where whole is 0."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole != 0)


def _is_installed(module: str) -> bool:
    return find_spec(module) is not None


@cache
def _sentence_bleu(tokeniser: str) -> BLEU:
    # effective_order only silences a warning about sentence scores; the counts, which are all we read, do not change.
    return BLEU(tokenize=tokeniser, effective_order=True)


_Statistics = Callable[[Sequence[str], Sequence[str], str, Sequence[str]], FloatArray]
_CLASSIFY = frozenset({"macro_f1", "accuracy"})
_STATISTICS: dict[str, _Statistics] = {
    "macro_f1": _macro_f1_statistics,
    "accuracy": _accuracy_statistics,
    "chrf": _chrf_statistics,
    "bleu": _bleu_statistics,
}
_SCORES: dict[str, Callable[[FloatArray], FloatArray]] = {
    "macro_f1": _macro_f1,
    "accuracy": _accuracy,
    "chrf": _chrf,
    "bleu": _bleu,
}
