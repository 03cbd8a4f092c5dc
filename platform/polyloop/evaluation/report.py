"""Results for people: tables for the terminal.

Inputs: an evaluation and, where there is one, the evaluation that it is compared with. Output: a rich Table.
Scores are in points, or in the metric's own unit, with their intervals; metrics of which less is better say so. Limits:
shows what results hold; differences are of point values only (whether a change is no accident is the gate's business).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.table import Table

from polyloop.evaluation.intervals import Interval
from polyloop.evaluation.metrics import METRICS
from polyloop.evaluation.results import EvaluationResult, SliceResult


@dataclass(frozen=True, kw_only=True)
class ReportRow:
    """One metric of one slice; `before` is None where nothing is compared."""

    task: str
    locale: str
    num_rows: int
    metric: str
    before: Interval | None
    after: Interval


def report_rows(after: EvaluationResult, before: EvaluationResult | None = None) -> Iterator[ReportRow]:
    """Yield a row for each slice and metric, the gate's metric first within its slice, `overall` last."""
    earlier = {one.locale: one for one in _slices(before)} if before else {}
    for one in _slices(after):
        metrics_before = earlier[one.locale].metrics if one.locale in earlier else {}
        for metric in sorted(one.metrics, key=lambda name: name != after.metric):
            yield ReportRow(
                task=after.task,
                locale=one.locale,
                num_rows=one.num_rows,
                metric=metric,
                before=metrics_before.get(metric),
                after=one.metrics[metric],
            )


def result_table(after: EvaluationResult, before: EvaluationResult | None = None) -> Table:
    """Return a terminal table of the scores per locale, `before` -> `after` where there are two."""
    headings, rows = _cells(after, before)
    table = Table(
        title=f"{after.task}: {_named(before)} -> {_named(after)}" if before else f"{after.task} {_named(after)}"
    )
    for position, heading in enumerate(headings):
        table.add_column(heading, justify="left" if position < 2 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def _cells(after: EvaluationResult, before: EvaluationResult | None) -> tuple[list[str], list[list[str]]]:
    scores = [before.version, after.version, "change"] if before else [after.version]
    rows = []
    for row in report_rows(after, before):
        cells = [row.locale, _metric(row.metric), f"{row.num_rows:,}"]
        if before:
            change = "-" if row.before is None else f"{row.after.value - row.before.value:+.2f}"
            cells += ["-" if row.before is None else _points(row.before), _points(row.after), change]
        else:
            cells.append(_points(row.after))
        rows.append(cells)
    return ["locale", "metric", "rows", *scores], rows


def _metric(name: str) -> str:
    is_less_better = name in METRICS and METRICS[name].direction == "less"
    return f"{name} (less is better)" if is_less_better else name


def _points(interval: Interval) -> str:
    return f"{interval.value:.2f} ({interval.low:.2f} to {interval.high:.2f})"


def _named(result: EvaluationResult) -> str:
    return f"{result.version} ({result.engine})" if result.engine else result.version


def _slices(result: EvaluationResult) -> tuple[SliceResult, ...]:
    return (*result.slices, result.overall)
