"""`polyloop model`: versions of each task, without releasing them."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polyloop.cli import model_runs
from polyloop.cli.context import AsJson, TaskArgument, TasksOption, of
from polyloop.cli.output import ProgressLine, messages, print_json, print_renderable, print_rows
from polyloop.errors import RegistryError
from polyloop.registry.gates import list_gates
from polyloop.registry.releases import get_release
from polyloop.registry.versions import VersionRecord, get_version, list_versions

if TYPE_CHECKING:
    from polyloop.retraining.comparison import Comparison

app = typer.Typer(help="Model versions: train, sweep, evaluate, list, show.", no_args_is_help=True)
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
def evaluate(
    context: typer.Context,
    task: TasksOption = None,
    version: Annotated[str | None, typer.Option(help="A version; the newest published one if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Evaluate a version on its holdout, beside the champion, and say what the gate would decide.

    Example: `polyloop model evaluate --task translate --version v2`
    """

    from polyloop.evaluation.report import result_table
    from polyloop.retraining.comparison import compare_version

    cli = of(context)
    progress = ProgressLine()
    comparisons = []
    with progress.shown():
        for name in cli.tasks(task):
            wanted = version or _newest(list_versions(cli.store, name), name)
            record = get_version(cli.store, name, wanted)
            comparisons.append(compare_version(cli.loaded, cli.store, record, progress))
    if as_json:
        print_json([_plain_comparison(comparison) for comparison in comparisons])
        return
    for comparison in comparisons:
        print_renderable(result_table(comparison.candidate, comparison.champion))
        messages.print(comparison.decision.explain(), markup=False)


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


def _newest(records: tuple[VersionRecord, ...], task: str) -> str:
    published = [record.version for record in records if record.path is not None]
    if not published:
        raise RegistryError(f"task {task!r} has no published version; train one with `polyloop model train {task}`")
    return published[-1]


def _plain_comparison(comparison: "Comparison") -> dict[str, Any]:
    champion = comparison.champion
    return {
        "candidate": json.loads(comparison.candidate.to_json()),
        "champion": json.loads(champion.to_json()) if champion else None,
        "gate": comparison.decision.to_dict(),
    }


def _score(record: VersionRecord) -> str | None:
    overall = record.metrics.get("overall")
    return f"{record.metrics['metric']} {overall['value']:.2f}" if overall else None


def _plain(record: VersionRecord) -> dict[str, Any]:
    return {**vars(record), "created_at": record.created_at.isoformat()}
