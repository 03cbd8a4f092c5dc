"""Corpus BLEU: with the tokeniser of each target locale, or of lower-cased text that is tokenised already.

Inputs: texts. Scores equal sacrebleu's (Papineni et al. 2002, https://aclanthology.org/P02-1040/; Post 2018,
https://aclanthology.org/W18-6319/), with its default smoothing. `bleu_tokenised` is how results on Multi30k are
published: both sides are tokenised beforehand, lower-cased here and cut at spaces. It compares with such results only
if predictions and references went through the same tokeniser as theirs, which this module cannot see.
"""

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec

import numpy as np
from sacrebleu.metrics.bleu import BLEU

from polyloop.evaluation.metrics.arrays import FloatArray
from polyloop.evaluation.metrics.definition import SummedMetric, Values
from polyloop.evaluation.metrics.forms import as_text
from polyloop.evaluation.scripts import WORDS, bleu_tokeniser, refuse_unspaced

BLEU_ORDER = 4
"""Longest n-gram of BLEU."""


def bleu_statistics(predictions: Values, references: Values, locale: str, labels: Sequence[str]) -> FloatArray:
    """Return hypothesis length, reference length, matched n-grams and hypothesis n-grams of orders 1 to 4."""
    texts = [as_text(one) for one in references]
    tokeniser = bleu_tokeniser(locale, is_installed=is_installed)
    if tokeniser == WORDS:
        refuse_unspaced(texts, locale, "BLEU")
    return _counts(_sentence_bleu(tokeniser, False), predictions, texts)


def tokenised_bleu_statistics(
    predictions: Values, references: Values, locale: str, labels: Sequence[str]
) -> FloatArray:
    """Return the same counts for tokenised texts, lower-cased."""
    texts = [as_text(one) for one in references]
    refuse_unspaced(texts, locale, "BLEU of tokenised text")
    return _counts(_sentence_bleu("none", True), predictions, texts)


def bleu_score(sums: FloatArray) -> FloatArray:
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


def is_installed(module: str) -> bool:
    """Return whether a Python module can be imported."""
    return find_spec(module) is not None


def _counts(bleu: BLEU, predictions: Values, references: Sequence[str]) -> FloatArray:
    rows = []
    for given, wanted in zip(predictions, references, strict=True):
        counted = bleu.sentence_score(as_text(given), [wanted])
        rows.append([counted.sys_len, counted.ref_len, *counted.counts, *counted.totals])
    return np.array(rows, dtype=np.float64)


@cache
def _sentence_bleu(tokeniser: str, lowercase: bool) -> BLEU:
    # effective_order only silences a warning about sentence scores; the counts, which are all we read, do not change.
    # force silences one that tokenised text looks tokenised.
    return BLEU(tokenize=tokeniser, lowercase=lowercase, effective_order=True, force=True)


METRICS = (
    SummedMetric(name="bleu", compares="texts", valid_for="known", statistics=bleu_statistics, score=bleu_score),
    SummedMetric(
        name="bleu_tokenised",
        compares="texts",
        valid_for="spaced",
        statistics=tokenised_bleu_statistics,
        score=bleu_score,
    ),
)
