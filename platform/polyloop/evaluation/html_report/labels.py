"""The parts of a report that only classify has: how honest its scores are, and which labels it takes for which. Pure.

Input: a `VersionComparison`. Output: sections, None for other kinds. The bins of the reliability diagram are those of
`calibration_error`, so that its gaps, weighted by rows, add up to that metric (DeGroot and Fienberg 1983, "The
Comparison and Evaluation of Forecasters", https://doi.org/10.2307/2987588).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from polyloop.evaluation.comparison import VersionComparison
from polyloop.evaluation.metrics.calibration_error import NUM_BINS, bins_of
from polyloop.evaluation.results import EvaluationRows
from polyloop.pages.blocks import Block, Cell, CellValue, Pair, Paragraph, Section, percent_text, quoted, table
from polyloop.pages.plane_chart import PlanePoint, plane_chart

MAX_LABELS = 20
"""Answers of a whole confusion table; with more, the pairs that are confused most are listed instead."""
MAX_PAIRS = 30
MAX_LOCALES = 12
NO_ANSWER = "(no answer)"


@dataclass(frozen=True, kw_only=True)
class ConfidenceBin:
    """The answers whose confidence lies between two bounds."""

    low: float
    high: float
    num_rows: int
    confidence: float
    """Mean confidence, 0 to 1."""
    share_right: float


def confidence_bins(rows: EvaluationRows) -> tuple[ConfidenceBin, ...]:
    """Return the bins that hold answers, in order; none for rows without confidences."""
    if rows.confidences is None:
        return ()
    confidences = np.array(rows.confidences)
    right = np.array([given == wanted for given, wanted in zip(rows.predictions, rows.references, strict=True)])
    numbers = bins_of(confidences)
    return tuple(
        ConfidenceBin(
            low=one / NUM_BINS,
            high=(one + 1) / NUM_BINS,
            num_rows=int((numbers == one).sum()),
            confidence=float(confidences[numbers == one].mean()),
            share_right=float(right[numbers == one].mean()),
        )
        for one in range(NUM_BINS)
        if (numbers == one).any()
    )


def calibration(comparison: VersionComparison) -> Section | None:
    """Return the reliability diagram; None for a model that tells no confidences."""
    bins = confidence_bins(comparison.candidate.holdout.rows)
    if comparison.task_spec.kind != "classify" or not bins:
        return None
    points = [
        PlanePoint(
            x=one.confidence,
            y=one.share_right,
            left=one.low,
            right=one.high,
            weight=one.num_rows,
            name=f"confidence {one.confidence:.2f}: {percent_text(one.share_right)} right of {one.num_rows:,}",
        )
        for one in bins
    ]
    body: list[Sequence[CellValue]] = [
        (
            f"{one.low:.2f} to {one.high:.2f}",
            one.num_rows,
            Cell(f"{one.confidence:.3f}", "number"),
            Cell(f"{one.share_right:.3f}", "number"),
            Cell(f"{one.share_right - one.confidence:+.3f}", "number"),
        )
        for one in bins
    ]
    return Section(
        key="calibration",
        title="Calibration",
        blocks=(
            Paragraph(text=f"{_honesty(bins)} The larger a dot, the more answers it stands for."),
            Pair(
                chart=plane_chart("Reliability", points, x_name="mean confidence", y_name="share right"),
                table=table(
                    "Answers by confidence", ("confidence", "rows", "mean confidence", "share right", "gap"), body
                ),
            ),
        ),
    )


def _honesty(bins: Sequence[ConfidenceBin]) -> str:
    """Return in words whether confidence and share of right answers agree."""
    total = sum(one.num_rows for one in bins)
    gap = sum(one.num_rows * (one.share_right - one.confidence) for one in bins) / total
    error = sum(one.num_rows * abs(one.share_right - one.confidence) for one in bins) / total
    side = "less sure of itself than it should be" if gap > 0 else "surer of itself than it should be"
    return (
        "A dot on the dashed line means that answers are right as often as their confidence says. The mean distance "
        f"is {100 * error:.1f} points; on the whole the model is {side}, by {100 * abs(gap):.1f} points."
    )


def confusion(comparison: VersionComparison) -> Section | None:
    """Return which labels are taken for which; None for other kinds."""
    if comparison.task_spec.kind != "classify":
        return None
    rows, task_spec = comparison.candidate.holdout.rows, comparison.task_spec
    # Where a text may have several labels, what is confused are sets of them; which sets there are, rows say.
    labels = () if task_spec.multi_label else task_spec.labels
    counts = _confusions(rows, None)
    num_answers = len({*labels, *(one for pair in counts for one in pair)})
    is_small = num_answers <= MAX_LABELS
    locales = sorted(set(rows.target_locales))
    blocks: list[Block] = [
        Paragraph(
            text="Rows are the right labels, columns the answers; a cell is tinted by its share of its row. What is "
            "right stands on the diagonal."
            if is_small
            else f"The {MAX_PAIRS} confusions that cost most; {num_answers} answers are too many for a table of all."
        )
    ]
    blocks.append(_matrix("All locales", counts, labels) if is_small else _pairs("All locales", counts))
    if 1 < len(locales) <= MAX_LOCALES:
        for locale in locales:
            of_locale = _confusions(rows, locale)
            blocks.append(
                _matrix(locale, of_locale, labels, is_folded=True)
                if is_small
                else _pairs(locale, of_locale, is_folded=True)
            )
    return Section(key="confusion", title="Confusions", blocks=tuple(blocks))


_Counts = Counter[tuple[str, str]]
"""(right label, answer) -> rows."""


def _confusions(rows: EvaluationRows, locale: str | None) -> _Counts:
    return Counter(
        (wanted, given or NO_ANSWER)
        for wanted, given, of in zip(rows.references, rows.predictions, rows.target_locales, strict=True)
        if locale in (None, of)
    )


def _matrix(caption: str, counts: _Counts, labels: Sequence[str], *, is_folded: bool = False) -> Block:
    wanted = [*labels, *sorted({one for one, _ in counts} - set(labels))]
    given = [*wanted, *sorted({answer for _, answer in counts} - set(wanted))]
    body: list[Sequence[CellValue]] = []
    for one in wanted:
        total = sum(counts[one, answer] for answer in given)
        cells = [
            Cell(f"{counts[one, answer]:,}", "number", counts[one, answer] / total if total else None)
            for answer in given
        ]
        body.append((quoted(one), *cells, total))
    return table(caption, ("right label", *given, "rows"), body, is_folded=is_folded)


def _pairs(caption: str, counts: _Counts, *, is_folded: bool = False) -> Block:
    totals: Counter[str] = Counter()
    for (wanted, _), count in counts.items():
        totals[wanted] += count
    wrong = sorted(
        ((count, wanted, given) for (wanted, given), count in counts.items() if wanted != given),
        key=lambda one: (-one[0], one[1], one[2]),
    )
    body: list[Sequence[CellValue]] = [
        (quoted(wanted), quoted(given), count, Cell(percent_text(count / totals[wanted]), "number"))
        for count, wanted, given in wrong[:MAX_PAIRS]
    ]
    return table(caption, ("right label", "answer", "rows", "of the label's rows"), body, is_folded=is_folded)
