"""ROUGE-1, ROUGE-2 and ROUGE-L F1: over words where a script writes spaces, over characters where it does not.

Inputs: texts. Lin 2004 (https://aclanthology.org/W04-1013/); the score is the mean over rows of each row's F1, without
stemming, on lower-cased letters and digits of every script (`polyloop.evaluation.units`), so identical Chinese texts
give 100. `rouge_1` and its kin choose the unit by the locale; `rouge_1_words` and its kin always count words, for
comparisons with published word figures, and are refused for scripts that write no spaces.

Limits: ROUGE-L takes a text as one sequence (not sentence by sentence); a row without any n-gram of the order on either
side scores 0, as in the reference implementation. Figures over characters do not compare with figures over words.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from polyloop.evaluation.metrics.arrays import FloatArray, mean_points, mean_statistics
from polyloop.evaluation.metrics.definition import SummedMetric, Values
from polyloop.evaluation.metrics.forms import as_text
from polyloop.evaluation.scripts import refuse_unspaced, writes_spaces
from polyloop.evaluation.units import ngrams, words

Units = list[str]


def rouge_n(given: Units, wanted: Units, *, order: int) -> float:
    """Return F1 of the n-grams of two lists of units, from 0 to 1."""
    ours, theirs = Counter(ngrams(given, order)), Counter(ngrams(wanted, order))
    return _f1((ours & theirs).total(), ours.total(), theirs.total())


def rouge_l(given: Units, wanted: Units) -> float:
    """Return F1 of the longest common subsequence of two lists of units, from 0 to 1."""
    return _f1(longest_common_subsequence(given, wanted), len(given), len(wanted))


def longest_common_subsequence(given: Units, wanted: Units) -> int:
    """Return the length of the longest common subsequence, by bits of one integer.

    Hyyrö 2004, "Bit-Parallel LCS-length Computation Revisited"; each unit of `given` costs a few operations on an
    integer of len(wanted) bits, which makes texts of thousands of characters cheap.
    """
    places: dict[str, int] = {}
    for position, unit in enumerate(wanted):
        places[unit] = places.get(unit, 0) | 1 << position
    every = (1 << len(wanted)) - 1
    rest = every
    for unit in given:
        matched = rest & places.get(unit, 0)
        rest = (rest + matched | rest - matched) & every
    return len(wanted) - rest.bit_count()


def rouge_statistics(
    predictions: Values,
    references: Values,
    locale: str,
    labels: Sequence[str],
    *,
    compare: Callable[[Units, Units], float],
) -> FloatArray:
    """Return (F1, 1) for each row."""
    texts = [as_text(one) for one in references]
    spaced = writes_spaces(locale)
    if spaced:
        refuse_unspaced(texts, locale, "ROUGE")
    return mean_statistics(
        compare(words(as_text(given), spaced=spaced), words(wanted, spaced=spaced))
        for given, wanted in zip(predictions, texts, strict=True)
    )


def _f1(matched: int, given: int, wanted: int) -> float:
    return 2.0 * matched / (given + wanted) if matched else 0.0


_COMPARE: dict[str, Callable[[Units, Units], float]] = {
    "rouge_1": partial(rouge_n, order=1),
    "rouge_2": partial(rouge_n, order=2),
    "rouge_l": rouge_l,
}
METRICS = tuple(
    SummedMetric(
        name=name + suffix,
        compares="texts",
        valid_for="spaced" if suffix else "known",
        instead=name if suffix else "chrf",
        statistics=partial(rouge_statistics, compare=compare),
        score=mean_points,
    )
    for suffix in ("", "_words")
    for name, compare in _COMPARE.items()
)
