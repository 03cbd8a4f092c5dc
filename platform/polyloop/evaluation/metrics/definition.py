"""What a metric is: a frozen object with its name, what it compares, its direction, range, locales and functions.

Two kinds: a `SummedMetric` scores sums of row statistics, so a bootstrap is a weighted sum of rows; a `CorpusMetric` is
a property of a whole set of rows (distinct n-grams, bins of equal mass) and gives a scorer of any subset instead.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from polyloop.errors import EvaluationError
from polyloop.evaluation.metrics.arrays import BoolArray, FloatArray
from polyloop.evaluation.scripts import writes_spaces
from polyloop.spec.fields import UNDETERMINED

Compares = Literal["label_sets", "labels", "confidences", "texts", "answers", "rankings", "likelihoods", "outputs"]
"""What predictions and references are; `forms` says how each is written. `outputs` looks at predictions alone."""
Direction = Literal["more", "less"]
"""Whether more or less is better."""
ValidFor = Literal["any", "known", "spaced"]
"""Locales that a metric means something for: any; any but `und`; those that write spaces between words."""

Values = Sequence[object]
RowStatistics = Callable[[Values, Values, str, Sequence[str]], FloatArray]
"""(predictions, references, locale, labels) -> shape (rows, k)."""
CorpusScore = Callable[[BoolArray], float]
"""(kept rows, shape (rows,), at least one true) -> the score of those rows."""
CorpusScorer = Callable[[Values, Values, Sequence[str]], CorpusScore]
"""(predictions, references, locale of each row) -> scorer."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """What every metric says of itself."""

    name: str
    compares: Compares
    direction: Direction = "more"
    low: float = 0.0
    high: float = 100.0
    """Ends of the range; points from 0 to 100 unless the metric has a unit of its own, infinite where it has no end."""
    valid_for: ValidFor = "any"
    instead: str = "chrf"
    """What to use where the metric is not valid."""
    counts_some_rows: bool = False
    """Whether rows of some kind alone count, so that a slice may hold nothing to score (such as
    out_of_scope_recall)."""

    @property
    def takes_labels(self) -> bool:
        """Whether the labels of the task have to be told."""
        return self.compares in ("labels", "label_sets")

    @property
    def sign(self) -> float:
        """1.0 where more is better and -1.0 where less is: a difference times the sign is a gain."""
        return 1.0 if self.direction == "more" else -1.0

    def is_valid_for(self, locale: str) -> bool:
        """Return whether the metric means something for texts of a target locale."""
        if self.valid_for == "any":
            return True
        is_known = locale.split("-")[0] != UNDETERMINED
        return is_known and (self.valid_for == "known" or writes_spaces(locale))

    def refuse_locale(self, locale: str) -> None:
        """Raise EvaluationError for a locale that the metric is not valid for."""
        if self.is_valid_for(locale):
            return
        if locale.split("-")[0] == UNDETERMINED:
            raise EvaluationError(
                f"{self.name} needs a known target locale, not 'und'; use {self.instead}, or name the locale in the "
                "spec"
            )
        raise EvaluationError(
            f"{self.name} counts words between spaces, which {locale!r} does not write; use {self.instead}"
        )


@dataclass(frozen=True, kw_only=True)
class SummedMetric(Metric):
    """A metric whose score is a function of summed row statistics."""

    statistics: RowStatistics
    score: Callable[[FloatArray], FloatArray]
    """(sums, shape (..., k)) -> scores, shape (...)."""


@dataclass(frozen=True, kw_only=True)
class CorpusMetric(Metric):
    """A metric that is a property of a set of rows and no function of sums."""

    scorer: CorpusScorer
