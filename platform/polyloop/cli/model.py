"""`polyloop model`: versions of each task, without releasing them."""

from typing import Annotated, Any

import typer

from polyloop.cli import model_judging, model_predict, model_runs
from polyloop.cli.context import AsJson, TaskArgument, TasksOption, of
from polyloop.cli.output import ProgressLine, print_json, print_rows
from polyloop.registry.gates import list_gates
from polyloop.registry.releases import get_release
from polyloop.registry.versions import VersionRecord, get_version, list_versions

app = typer.Typer(
    help="Model versions: train, sweep, prefer, evaluate, compare, gate, predict, list, show.", no_args_is_help=True
)
app.command()(model_judging.evaluate)
app.command()(model_judging.compare)
app.command()(model_judging.gate)
app.command()(model_predict.predict)
app.command()(model_runs.sweep)
app.command()(model_runs.config)


@app.command()
def train(context: typer.Context, task: TasksOption = None, as_json: AsJson = False) -> None:
    """Build the dataset, train and publish a version of each task, and evaluate it; nothing is released.

    The same inputs never make a second version.

    Example: `polyloop model train --task translate`
    """

    from polyloop.cluster.connect import connected
    from polyloop.retraining.loop import LoopRunner

    cli = of(context)
    progress = ProgressLine()
    with connected(), progress.shown():
        runner = LoopRunner(cli.loaded, cli.store, progress)
        outcomes = [runner.run(name, reason="training alone", release=False) for name in cli.tasks(task)]
    rows = [
        {"task": one.task, "version": one.version, "state": str(one.state), "message": one.message} for one in outcomes
    ]
    print_rows(rows, as_json=as_json, title="Trained; release one with `polyloop release promote`")


@app.command()
def prefer(context: typer.Context, task: TaskArgument, as_json: AsJson = False) -> None:
    """Teach the champion of a task what its users prefer, publish that as a version and evaluate it.

    Corrections are preferred to the answers that they correct; with `training.preference.method: kto`, rated answers
    count too. Nothing is released, and the same feedback never makes a second version.

    Example: `polyloop model prefer translate`
    """

    from polyloop.cluster.connect import connected
    from polyloop.retraining.loop import LoopRunner
    from polyloop.retraining.preferring import PREFERENCE_TRIGGER

    cli = of(context)
    progress = ProgressLine()
    with connected(), progress.shown():
        runner = LoopRunner(cli.loaded, cli.store, progress)
        outcome = runner.run(task, trigger=PREFERENCE_TRIGGER, reason="preferences alone", release=False)
    row = {
        "task": outcome.task,
        "version": outcome.version,
        "state": str(outcome.state),
        "message": outcome.message,
        "feedback": outcome.feedback if as_json else ", ".join(f"{k} {v}" for k, v in outcome.feedback.items()),
    }
    print_rows([row], as_json=as_json, title="Preferences; judge it with `polyloop model evaluate`")


@app.command("list")
def list_(
    context: typer.Context,
    task: Annotated[str | None, typer.Argument(help="Name of a task; all if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """List versions with their state and overall score.

    Example: `polyloop model list translate`
    """
    cli = of(context)
    champions = {name: get_release(cli.store, name).champion for name in cli.loaded.spec.tasks}
    rows = [
        {
            "task": record.task,
            "version": record.version,
            "state": record.state,
            "champion": "yes" if champions.get(record.task) == record.version else "",
            "parent": record.parent,
            "score": _score(record),
            "dataset": record.dataset_digest[:12],
            "created_at": record.created_at.isoformat(timespec="seconds"),
        }
        for record in list_versions(cli.store, task)
    ]
    print_rows(rows, as_json=as_json, title="Model versions")


@app.command()
def show(
    context: typer.Context,
    task: TaskArgument,
    version: Annotated[str, typer.Argument(help="A version, such as v2.")],
) -> None:
    """Show all that is known of a version, with every gate decision about it, as JSON.

    Example: `polyloop model show translate v2`
    """
    cli = of(context)
    record = get_version(cli.store, task, version)
    gates = [vars(gate) for gate in list_gates(cli.store, task, version)]
    print_json({**_plain(record), "gates": gates})


def _score(record: VersionRecord) -> str | None:
    overall = record.metrics.get("overall")
    return f"{record.metrics['metric']} {overall['value']:.2f}" if overall else None


def _plain(record: VersionRecord) -> dict[str, Any]:
    return {**vars(record), "created_at": record.created_at.isoformat()}
