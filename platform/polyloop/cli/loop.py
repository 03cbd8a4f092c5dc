"""`polyloop loop`: turns of the loop."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polyloop.cli.context import AsJson, TasksOption, of
from polyloop.cli.output import ProgressLine, messages, print_json, print_renderable, print_rows
from polyloop.registry.runs import list_runs

if TYPE_CHECKING:
    from polyloop.retraining.loop import LoopOutcome

app = typer.Typer(help="Turns of the loop: curate, build, train, evaluate, gate, promote.", no_args_is_help=True)


@app.command()
def run(
    context: typer.Context,
    task: TasksOption = None,
    trigger: Annotated[str, typer.Option(help="What started the run, for the record.")] = "manual",
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    run_id: Annotated[str | None, typer.Option("--run", help="Take over this run, which a scheduler started.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run one turn for each task; with nothing new, it says so and makes no second version.

    Example: `polyloop --spec docs/examples/dialogue.yaml loop run --task emotion`
    """

    from polyloop.cluster.connect import connected
    from polyloop.evaluation.report import result_table
    from polyloop.retraining.loop import LoopRunner

    cli = of(context)
    progress = ProgressLine()
    outcomes = []
    with connected(), progress.shown():
        runner = LoopRunner(cli.loaded, cli.store, progress)
        for name in cli.tasks(task):
            outcomes.append(runner.run(name, trigger=trigger, reason=reason, run_id=run_id))
    if as_json:
        print_json([_plain(outcome) for outcome in outcomes])
        return
    for outcome in outcomes:
        if outcome.candidate is not None:
            print_renderable(result_table(outcome.candidate, outcome.champion))
        messages.print(f"{outcome.task}: {outcome.state}: {outcome.message}", soft_wrap=True, markup=False)


@app.command()
def status(
    context: typer.Context,
    task: Annotated[str | None, typer.Option(help="Only this task.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many of the newest runs.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List loop runs, newest first.

    Example: `polyloop loop status --task translate --json`
    """
    rows = [
        {
            "run_id": run.run_id,
            "task": run.task,
            "state": str(run.state),
            "trigger": run.trigger,
            "version": run.version,
            "attempt": run.attempt,
            "job_id": run.job_id,
            "created_at": run.created_at.isoformat(timespec="seconds"),
            "finished_at": run.finished_at and run.finished_at.isoformat(timespec="seconds"),
            "error": run.error,
        }
        for run in list_runs(of(context).store, task, limit=limit)
    ]
    print_rows(rows, as_json=as_json, title="Loop runs")


def _plain(outcome: "LoopOutcome") -> dict[str, Any]:
    return {
        "task": outcome.task,
        "run_id": outcome.run_id,
        "state": str(outcome.state),
        "version": outcome.version,
        "message": outcome.message,
        "feedback": outcome.feedback,
        "candidate": json.loads(outcome.candidate.to_json()) if outcome.candidate else None,
        "champion": json.loads(outcome.champion.to_json()) if outcome.champion else None,
        "gate": outcome.decision.to_dict() if outcome.decision else None,
    }
