"""`polyloop model evaluate`, `model compare` and `model gate`: how good versions are, and whether they may go out.

They evaluate what is not evaluated yet, on the holdout and by the suites of the task, and keep the results beside the
artefacts; nothing is released, and no decision is recorded.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyloop.cli.context import AsJson, CliContext, TasksOption, of
from polyloop.cli.output import ProgressLine, messages, print_json, print_renderable, print_rows
from polyloop.errors import RegistryError, SpecError
from polyloop.registry.releases import get_release
from polyloop.registry.versions import VersionRecord, get_version, list_versions

if TYPE_CHECKING:
    from polyloop.evaluation.comparison import VersionComparison

TaskOption = Annotated[
    str | None, typer.Option("--task", help="The task; may be left out where the spec has one alone.")
]


def evaluate(
    context: typer.Context,
    version: Annotated[str | None, typer.Argument(help="A version; the newest published one if not given.")] = None,
    task: TasksOption = None,
    against: Annotated[str | None, typer.Option(help="Compare with this version; the champion if not given.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write the HTML report to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate a version on its holdout and by suites, beside the champion, and write a report as one HTML file.

    Results are kept: a second call answers at once. What the gate would decide is told on stderr.

    Example: `polyloop model evaluate v2 --task translate --report v2.html`
    """
    from polyloop.cli.model_views import comparison_to_json
    from polyloop.evaluation.report import result_table
    from polyloop.retraining.comparison import write_report

    cli = of(context)
    names = cli.tasks(task)
    if report is not None and len(names) > 1:
        raise SpecError(f"--report is for one task, and these are {', '.join(names)}; choose one with --task")
    progress = ProgressLine()
    with progress.shown():
        comparisons = {name: _compared(cli, name, version or _newest(cli, name), against, progress) for name in names}
        paths = {name: report or _report_path(cli, one) for name, one in comparisons.items()}
        for name, one in comparisons.items():
            write_report(one, paths[name])
    if as_json:
        print_json([{**comparison_to_json(one), "report": str(paths[name])} for name, one in comparisons.items()])
        return
    for name, one in comparisons.items():
        before = one.champion.holdout if one.champion else None
        print_renderable(result_table(one.candidate.holdout, before))
        messages.print(one.decision.explain(), markup=False, soft_wrap=True)
        messages.print(f"report: {paths[name]}", markup=False, soft_wrap=True)


def compare(
    context: typer.Context,
    before: Annotated[str, typer.Argument(metavar="A", help="The version to start from, such as v1.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The version to compare with it, such as v2.")],
    task: TaskOption = None,
    show: Annotated[int, typer.Option(min=0, help="How many rows and cases that got worse are shown.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Show what changed from version A to version B: per locale and group, in suites, and in which rows.

    Changes are of the same rows, with intervals of the paired difference. The rows are those of B's holdout.

    Example: `polyloop model compare v1 v2 --task sentiment --show 10`
    """
    from polyloop.cli import model_views as views

    cli = of(context)
    name = _one_task(cli, task)
    progress = ProgressLine()
    with progress.shown():
        found = _compared(cli, name, after, before, progress)
    if as_json:
        print_json(views.changes_to_json(found, show))
        return
    print_rows(views.locale_rows(found), as_json=False, title=f"{name}: {before} -> {after}, by locale")
    if groups := views.group_rows(found):
        print_rows(groups, as_json=False, title=f"By group ({found.candidate.holdout.metric})")
    if found.candidate.suites:
        print_rows(views.flip_rows(found), as_json=False, title="Cases of suites that flipped")
    if show:
        print_rows(views.worse_rows(found, show), as_json=False, title=views.worse_title(found, show))
        if cases := views.worse_case_rows(found, show):
            print_rows(cases, as_json=False, title="Cases of suites that got worse")
    messages.print(f"whether {after} may go out says: polyloop model gate {after} --against {before} --task {name}")


def gate(
    context: typer.Context,
    candidate: Annotated[str, typer.Argument(help="The version that is to go out, such as v2.")],
    against: Annotated[str | None, typer.Option(help="The version to replace; the champion if not given.")] = None,
    task: TaskOption = None,
    as_json: AsJson = False,
) -> None:
    """Say whether a version may replace another, with every check and its reason; exits with 1 when it may not.

    Nothing is released or recorded: `polyloop release promote` releases, and a loop run asks the same gate by itself.

    Example: `polyloop model gate v2 --against v1 --task sentiment`
    """
    cli = of(context)
    name = _one_task(cli, task)
    if against is None and get_release(cli.store, name).champion == candidate:
        raise RegistryError(f"{candidate} is the champion of {name} already; name another one with --against")
    progress = ProgressLine()
    with progress.shown():
        decision = _compared(cli, name, candidate, against, progress).decision
    if as_json:
        print_json(decision.to_dict())
    else:
        typer.echo(decision.explain())
    if not decision.passed:
        raise typer.Exit(1)


def _compared(
    cli: CliContext, task: str, version: str, against: str | None, progress: ProgressLine
) -> "VersionComparison":
    from polyloop.retraining.comparison import compare_version, compare_versions

    record = get_version(cli.store, task, version)
    if against is None:
        return compare_version(cli.loaded, cli.store, record, progress)
    return compare_versions(cli.loaded, cli.store, record, get_version(cli.store, task, against), progress)


def _report_path(cli: CliContext, comparison: "VersionComparison") -> Path:
    """Return where a report is kept beside the results that it is about."""
    from polyloop.evaluation.html_report.page import REPORT_NAME
    from polyloop.retraining.evaluations import evaluation_dir

    holdout = comparison.candidate.holdout
    return evaluation_dir(cli.loaded, holdout.task, holdout.version, holdout.holdout_digest) / REPORT_NAME


def _one_task(cli: CliContext, given: str | None) -> str:
    tasks = list(cli.loaded.spec.tasks)
    if given is None and len(tasks) > 1:
        raise SpecError(f"the spec has the tasks {', '.join(tasks)}; say which with --task")
    (name,) = cli.tasks([given] if given else None)
    return name


def _newest(cli: CliContext, task: str) -> str:
    published: list[VersionRecord] = [one for one in list_versions(cli.store, task) if one.path is not None]
    if not published:
        raise RegistryError(
            f"task {task!r} has no published version; train one with `polyloop model train --task {task}`"
        )
    return published[-1].version
