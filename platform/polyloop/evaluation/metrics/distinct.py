"""Distinct-1 and distinct-2: different n-grams of all outputs together over all their n-grams, in points.

Inputs: outputs alone. Li et al. 2016, "A Diversity-Promoting Objective Function for Neural Conversation Models"
(https://aclanthology.org/N16-1014/). Units go by the script: words and marks, or characters
(`polyloop.evaluation.units`); an output of an unknown language is cut by the script that it is written in.

A property of the corpus: an n-gram that two outputs share counts once, so no sum of rows gives it, and drawing rows
with replacement would make n-grams common that are not. Its interval comes from a jackknife. Limits: it falls with the
number and length of outputs, so only figures on the same rows compare.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from polyloop.evaluation.metrics.arrays import BoolArray
from polyloop.evaluation.metrics.definition import CorpusMetric, CorpusScore, Values
from polyloop.evaluation.metrics.forms import as_text
from polyloop.evaluation.scripts import is_unspaced_text, writes_spaces
from polyloop.evaluation.units import ngrams, pieces
from polyloop.spec.fields import UNDETERMINED


def output_units(outputs: Values, locales: Sequence[str]) -> Iterator[list[str]]:
    """Yield the units of each output, cut as its locale asks."""
    for output, locale in zip(map(as_text, outputs), locales, strict=True):
        is_known = locale.split("-")[0] != UNDETERMINED
        yield pieces(output, spaced=writes_spaces(locale) if is_known else not is_unspaced_text([output]))


def distinct_scorer(predictions: Values, references: Values, locales: Sequence[str], *, order: int) -> CorpusScore:
    """Return the share of distinct n-grams, in points, of any subset of the outputs; 0 where there is no n-gram."""
    numbers: dict[tuple[str, ...], int] = {}
    rows = [
        [numbers.setdefault(ngram, len(numbers)) for ngram in ngrams(units, order)]
        for units in output_units(predictions, locales)
    ]
    row_of_ngram = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    ngram_numbers = np.fromiter((number for row in rows for number in row), dtype=np.int64)

    def share(kept: BoolArray) -> float:
        found = ngram_numbers[kept[row_of_ngram]]
        return 100.0 * np.count_nonzero(np.bincount(found)) / len(found) if len(found) else 0.0

    return share


METRICS = tuple(
    CorpusMetric(name=f"distinct_{order}", compares="outputs", scorer=partial(distinct_scorer, order=order))
    for order in (1, 2)
)
