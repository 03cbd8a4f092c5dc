"""What the demo shows at its end: per task and locale the holdout metric of both versions, traffic and feedback."""

from rich.console import Group, RenderableType
from rich.table import Table

from polyloop.demo.run import DemoReport, TaskReport
from polyloop.evaluation.intervals import Interval


def render(report: DemoReport) -> RenderableType:
    """Return the report for a terminal."""
    return Group(_scores(report), _traffic(report), _times(report))


def _scores(report: DemoReport) -> Table:
    table = Table(title="Holdout: version 1 -> version 2, with 95 % intervals", title_justify="left")
    for name in ("task", "locale", "rows", "metric", "version 1", "version 2", "change"):
        table.add_column(name, justify="left" if name in ("task", "locale", "metric") else "right", no_wrap=True)
    for task in report.tasks:
        metric = task.after.metric
        before = {result.locale: result.metrics[metric] for result in (*task.before.slices, task.before.overall)}
        for result in (*task.after.slices, task.after.overall):
            after = result.metrics[metric]
            earlier = before[result.locale]
            table.add_row(
                task.task,
                result.locale,
                str(result.num_rows),
                metric,
                _interval(earlier),
                _interval(after),
                f"{after.value - earlier.value:+.1f}",
            )
    return table


def _traffic(report: DemoReport) -> Table:
    table = Table(title="Traffic and feedback", title_justify="left")
    headings = ("task", "requests", "failed", "answered by", "statements", "corrections accepted", "refused")
    for name in headings:
        table.add_column(name, justify="left" if name in ("task", "answered by") else "right")
    for task in report.tasks:
        table.add_row(*_traffic_row(report, task))
    return table


def _traffic_row(report: DemoReport, task: TaskReport) -> list[str]:
    tally = report.tally
    versions = ", ".join(f"{name}: {count}" for name, count in sorted(tally.versions.get(task.task, {}).items()))
    return [
        task.task,
        str(tally.sent.get(task.task, 0)),
        str(tally.failed.get(task.task, 0)),
        versions,
        str(task.feedback.get("given", 0)),
        str(task.feedback.get("accepted", 0)),
        str(task.feedback.get("refused", 0)),
    ]


def _times(report: DemoReport) -> str:
    parts = [f"{name} {seconds:.0f} s" for name, seconds in report.seconds.items()]
    return "time: " + ", ".join(parts)


def _interval(interval: Interval) -> str:
    return f"{interval.value:.1f} ({interval.low:.1f} to {interval.high:.1f})"
