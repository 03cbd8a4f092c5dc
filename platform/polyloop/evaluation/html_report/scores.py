"""The parts of a report that tell scores: by locale, against the champion, and by other groups of rows. Pure.

Input: a `VersionComparison`. Output: sections, None where there is nothing to tell.
"""

from collections.abc import Sequence

from polyloop.evaluation.comparison import VersionComparison
from polyloop.evaluation.difference import LOCALE, SliceDifference
from polyloop.evaluation.intervals import Interval
from polyloop.evaluation.metrics import metric_named
from polyloop.evaluation.results import OVERALL, EvaluationResult, SliceResult
from polyloop.pages.blocks import Block, Cell, CellValue, Pair, Paragraph, Section, Table, table
from polyloop.pages.charts import Bar, bar_chart
from polyloop.pages.interval_chart import IntervalRow, interval_chart

MAX_ROWS = 24
"""Rows of a plot; the tables hold all."""

TITLES = {
    "length": "Length of the input",
    "source": "Source",
    "label": "Label",
    "month": "Month",
}
"""What the dimensions of groups are called."""


def headline(comparison: VersionComparison) -> Section:
    """Return the scores by locale with their intervals, the champion's beside them."""
    result = comparison.candidate.holdout
    champion = comparison.champion.holdout if comparison.champion else None
    versions = [one.version for one in (champion, result) if one is not None]
    rows = [
        IntervalRow(
            name=one.locale,
            spans={
                version.version: span(found.metrics[result.metric])
                for version in (champion, result)
                if version is not None and (found := _slice_of(version, one.locale)) is not None
            },
            text=f"{one.metrics[result.metric].value:.1f}",
        )
        for one in _slices(result)
    ]
    metrics = sorted(result.overall.metrics, key=lambda name: name != result.metric)
    for one in result.slices:
        metrics += [name for name in one.metrics if name not in metrics]
    body: list[Sequence[CellValue]] = [
        (
            one.locale,
            one.num_rows,
            *(number(span_text(one.metrics[name])) if name in one.metrics else Cell("-", "number") for name in metrics),
        )
        for one in _slices(result)
    ]
    headings = ("locale", "rows", *map(metric_title, metrics))
    confidence = comparison.task_spec.gate.confidence
    return Section(
        key="scores",
        title="Scores by locale",
        blocks=(
            Paragraph(
                text=f"The gate decides on {metric_title(result.metric)}. Lines and brackets are intervals at "
                f"{confidence:.0%} confidence: few rows, wide intervals."
            ),
            Pair(
                chart=interval_chart(metric_title(result.metric), rows[:MAX_ROWS], versions),
                table=table(f"Scores of {result.version}", headings, body),
            ),
        ),
    )


def changes(comparison: VersionComparison) -> Section | None:
    """Return how far the version is from the champion, overall and by locale."""
    if comparison.champion is None:
        return None
    metric = comparison.candidate.holdout.metric
    found = [one for one in comparison.differences if one.dimension in (OVERALL, LOCALE)]
    of_gate = [one for one in found if one.metric == metric]
    before, after = comparison.champion.holdout.version, comparison.candidate.holdout.version
    rows = [_change_row(one) for one in [*of_gate[1:], of_gate[0]]]
    body: list[Sequence[CellValue]] = [
        (one.name, metric_title(one.metric), one.num_rows, one.before, one.after, *_change_cells(one)) for one in found
    ]
    headings = ("locale", "metric", "rows", before, after, "change", "verdict")
    return Section(
        key="changes",
        title=f"From {before} to {after}",
        blocks=(
            Paragraph(
                text="Both versions answered the same rows, so these intervals are of the paired difference, which is "
                "much surer than that of two scores. A change is called better or worse where its interval excludes 0."
            ),
            Pair(
                chart=interval_chart(f"Change of {metric_title(metric)}", rows[:MAX_ROWS], ("",), line=0.0),
                table=_rows_that_changed(comparison),
            ),
            table("Changes", headings, body),
        ),
    )


def groups(comparison: VersionComparison) -> Section | None:
    """Return the scores by length, source, label and month, where the holdout has such groups."""
    result = comparison.candidate.holdout
    blocks: list[Block] = []
    for dimension in dict.fromkeys(group.dimension for group in result.groups):
        found = [one for one in result.groups if one.dimension == dimension and result.metric in one.metrics]
        if not found:
            continue
        bars = [
            Bar(
                name=one.name,
                parts={"": one.metrics[result.metric].value},
                text=f"{one.metrics[result.metric].value:.1f}",
            )
            for one in found[:MAX_ROWS]
        ]
        highest = metric_named(result.metric).high
        chart = bar_chart(
            f"{metric_title(result.metric)} by {dimension}", bars, ("",), longest=highest if highest <= 100 else None
        )
        changed = {one.name: one for one in comparison.differences if one.dimension == dimension}
        body: list[Sequence[CellValue]] = [
            (
                one.name,
                one.num_rows,
                number(span_text(one.metrics[result.metric])),
                *((_change_cells(changed[one.name]) if one.name in changed else ("", "")) if changed else ()),
            )
            for one in found
        ]
        headings = ("group", "rows", result.version, *(("change", "verdict") if changed else ()))
        blocks.append(Pair(chart=chart, table=table(TITLES.get(dimension, dimension), headings, body)))
    return Section(key="groups", title="Scores by group", blocks=tuple(blocks)) if blocks else None


def span(interval: Interval) -> tuple[float, float, float]:
    """Return an interval as low end, value and high end."""
    return interval.low, interval.value, interval.high


def span_text(interval: Interval) -> str:
    """Return a value with its interval."""
    return f"{interval.value:.1f} ({interval.low:.1f} to {interval.high:.1f})"


def change_text(one: SliceDifference) -> str:
    """Return a difference with its interval."""
    interval = one.difference.interval
    return f"{interval.value:+.2f} ({interval.low:+.2f} to {interval.high:+.2f})"


def metric_title(name: str) -> str:
    """Return a metric's name, with its direction where less is better."""
    return f"{name} (less is better)" if metric_named(name).direction == "less" else name


def number(text: str) -> Cell:
    """Return a cell that is aligned as numbers are."""
    return Cell(text, "number")


def _change_row(one: SliceDifference) -> IntervalRow:
    interval = one.difference.interval
    return IntervalRow(name=one.name, spans={"": span(interval)}, text=f"{interval.value:+.1f}")


def _change_cells(one: SliceDifference) -> tuple[CellValue, CellValue]:
    return number(change_text(one)), one.verdict


def _rows_that_changed(comparison: VersionComparison) -> Table:
    changed = comparison.changes
    assert changed is not None
    result = comparison.candidate.holdout
    body: list[Sequence[CellValue]] = [
        (one.locale, one.num_rows, *changed.counts(None if one.locale == OVERALL else one.locale))
        for one in _slices(result)
    ]
    what = "right or wrong" if changed.metric == "accuracy" else f"by {changed.metric} of the row alone"
    return table(f"Rows that changed ({what})", ("locale", "rows", "worse", "better"), body)


def _slices(result: EvaluationResult) -> tuple[SliceResult, ...]:
    """Return the slices that have the gate's metric, the whole last."""
    return tuple(one for one in (*result.slices, result.overall) if result.metric in one.metrics)


def _slice_of(result: EvaluationResult, locale: str) -> SliceResult | None:
    return next((one for one in _slices(result) if one.locale == locale), None)
