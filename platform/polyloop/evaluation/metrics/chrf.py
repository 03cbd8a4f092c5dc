"""Corpus chrF2 and chrF2++: F of character n-grams, and of word pairs too. Scores equal sacrebleu's.

Inputs: texts. Popović 2015 (https://aclanthology.org/W15-3049/) and 2017 (https://aclanthology.org/W17-4770/). chrF
needs no tokeniser and takes every locale; chrF++ (`chrf_plus_plus`) counts words between spaces and so is refused for
scripts that write none, where a whole clause would count as one word.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from string import punctuation

import numpy as np
from sacrebleu.metrics.helpers import extract_all_char_ngrams, extract_word_ngrams

from polyloop.evaluation.metrics.arrays import FloatArray, ratio
from polyloop.evaluation.metrics.definition import SummedMetric, Values
from polyloop.evaluation.metrics.forms import as_text
from polyloop.evaluation.scripts import refuse_unspaced

CHRF_ORDER = 6
"""Longest character n-gram."""
WORD_ORDER = 2
"""Longest word n-gram of chrF++."""
CHRF_BETA = 2
"""Recall weighs beta times as much as precision: sacrebleu's default."""


def chrf_statistics(predictions: Values, references: Values, locale: str, labels: Sequence[str]) -> FloatArray:
    """Return for each order: n-grams of the prediction, of the reference, and matched ones, side by side."""
    rows = [
        _counts(extract_all_char_ngrams(given, CHRF_ORDER), extract_all_char_ngrams(wanted, CHRF_ORDER))
        for given, wanted in _texts(predictions, references)
    ]
    return np.array(rows, dtype=np.float64)


def chrf_plus_plus_statistics(
    predictions: Values, references: Values, locale: str, labels: Sequence[str]
) -> FloatArray:
    """Return the same for six orders of characters and two of words."""
    pairs = _texts(predictions, references)
    refuse_unspaced([wanted for _, wanted in pairs], locale, "chrF++")
    return np.array([_counts(_all_ngrams(given), _all_ngrams(wanted)) for given, wanted in pairs], dtype=np.float64)


def chrf_score(sums: FloatArray) -> FloatArray:
    """Return corpus chrF2: F of the mean precision and the mean recall over the orders that both sides have."""
    counts = sums.reshape(*sums.shape[:-1], -1, 3)
    given, wanted, matched = counts[..., 0], counts[..., 1], counts[..., 2]
    used = (given > 0) & (wanted > 0)
    orders = used.sum(axis=-1).astype(np.float64)
    precision = ratio(np.where(used, ratio(matched, given), 0.0).sum(axis=-1), orders)
    recall = ratio(np.where(used, ratio(matched, wanted), 0.0).sum(axis=-1), orders)
    factor = float(CHRF_BETA**2)
    return 100.0 * ratio((1.0 + factor) * precision * recall, factor * precision + recall)


def _texts(predictions: Values, references: Values) -> list[tuple[str, str]]:
    return [(as_text(given), as_text(wanted)) for given, wanted in zip(predictions, references, strict=True)]


def _all_ngrams(text: str) -> list[Counter[str]]:
    words = list(_words(text))
    return [
        *extract_all_char_ngrams(text, CHRF_ORDER),
        *(extract_word_ngrams(words, order) for order in range(1, WORD_ORDER + 1)),
    ]


def _words(text: str) -> Iterator[str]:
    """Yield the words of chrF++: one mark is parted from the end of a word, or else from its start."""
    for word in text.split():
        if len(word) > 1 and word[-1] in punctuation:
            yield from (word[:-1], word[-1])
        elif len(word) > 1 and word[0] in punctuation:
            yield from (word[0], word[1:])
        else:
            yield word


def _counts(given: Sequence[Counter[str]], wanted: Sequence[Counter[str]]) -> list[int]:
    row: list[int] = []
    for given_ngrams, wanted_ngrams in zip(given, wanted, strict=True):
        matched = sum(min(count, wanted_ngrams[ngram]) for ngram, count in given_ngrams.items())
        # sacrebleu leaves out an order that the reference is too short for.
        row += [given_ngrams.total() if wanted_ngrams else 0, wanted_ngrams.total(), matched]
    return row


METRICS = (
    SummedMetric(name="chrf", compares="texts", statistics=chrf_statistics, score=chrf_score),
    SummedMetric(
        name="chrf_plus_plus",
        compares="texts",
        valid_for="spaced",
        statistics=chrf_plus_plus_statistics,
        score=chrf_score,
    ),
)
