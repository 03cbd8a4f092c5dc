"""`polyloop model sweep` and `polyloop model config`: trainings beside the versions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polyloop.cli.context import AsJson, CliContext, TaskArgument, of
from polyloop.cli.output import ProgressLine, messages, print_json, print_rows
from polyloop.errors import ArtefactError, SpecError
from polyloop.spec.sweep import SweepSpec

if TYPE_CHECKING:
    from polyloop.training.sweep.results import TrialOutcome

SWEEPS_FOLDER = "sweeps"


def sweep(
    context: typer.Context,
    task: TaskArgument,
    space: Annotated[
        Path | None, typer.Option(help="A YAML file with what is tried; the task's own `sweep` if not given.")
    ] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="How many settings are tried.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="The winner's spec, a file beside the spec; NAME.swept.yaml if not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train a task with other settings, stop losers early, and write the winner's settings as a whole spec.

    Nothing is published. The same command goes on with a sweep that was killed.

    Example: `polyloop model sweep translate --trials 30`
    """
    from polyloop.cluster.connect import connected
    from polyloop.retraining.datasets import build_recorded
    from polyloop.retraining.plan import plan_training
    from polyloop.training.sweep.run import SweepRequest, run_sweep, write_report
    from polyloop.training.sweep.winner import check_place, default_path, write_winner

    cli = of(context)
    asked = _asked(cli, task, space, trials)
    path = output or default_path(cli.loaded.path)
    check_place(cli.loaded, path)
    progress = ProgressLine()
    with connected(), progress.shown():
        dataset = build_recorded(cli.loaded, cli.store, task, progress=progress)
        request = SweepRequest(
            task_name=task,
            task=plan_training(cli.loaded, task, None, None).task,
            sweep=asked,
            dataset_dir=dataset.path,
            dataset_digest=dataset.digest,
            storage_path=cli.loaded.artefacts_dir / SWEEPS_FOLDER,
        )
        result = run_sweep(request, progress=progress)
    written = write_winner(cli.loaded, result, path)
    report = write_report(request, result)
    if as_json:
        print_json({**result.to_dict(), "spec": written.path, "report": report})
        return
    print_rows([_row(trial) for trial in result.ranked], as_json=False, title=f"{task}: trials, the best first")
    comments = "" if written.keeps_comments else " (written anew, without comments)"
    messages.print(f"the winner's spec: {written.path}{comments}", markup=False, soft_wrap=True)
    messages.print(f"report: {report}", markup=False, soft_wrap=True)


def config(
    context: typer.Context,
    task: TaskArgument,
    run_dir: Annotated[Path, typer.Option("--run-dir", help="Folder of the run: checkpoints, progress and model.")],
    output: Annotated[Path | None, typer.Option(help="Write to this file instead of stdout.")] = None,
) -> None:
    """Build the dataset of a task and write what `python -m polyloop.training.launch` needs to train on it.

    Example: `polyloop model config translate --run-dir runs/translate --output translate.json`
    """
    from polyloop.cluster.connect import connected
    from polyloop.retraining.datasets import build_recorded
    from polyloop.retraining.plan import plan_training
    from polyloop.training.config import TrainConfig
    from polyloop.training.driver import with_absolute_checkpoint

    cli = of(context)
    progress = ProgressLine()
    with connected(), progress.shown():
        dataset = build_recorded(cli.loaded, cli.store, task, progress=progress)
    planned = plan_training(cli.loaded, task, None, None).task
    found = TrainConfig(
        task_name=task,
        task=with_absolute_checkpoint(planned),
        dataset_dir=dataset.path.resolve(),
        run_dir=run_dir.resolve(),
    )
    text = found.model_dump_json(indent=2)
    if output is None:
        typer.echo(text)
        return
    try:
        output.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise ArtefactError(f"{output}: the config cannot be written: {error.strerror}; name another file") from None
    messages.print(f"config: {output}", markup=False, soft_wrap=True)


def _asked(cli: CliContext, task: str, space: Path | None, trials: int | None) -> SweepSpec:
    """Return what is to be tried; SpecError where nothing says so."""
    from polyloop.spec.sweep_file import load_sweep

    own = cli.loaded.task(task).sweep
    asked = load_sweep(space) if space is not None else own
    if asked is None:
        raise SpecError(
            f"{cli.loaded.path}: tasks.{task} has no `sweep`; "
            "add one that says what to try, or name a file with --space"
        )
    return asked if trials is None else asked.model_copy(update={"trials": trials})


def _row(trial: "TrialOutcome") -> dict[str, Any]:
    return {
        "trial": trial.name,
        "state": trial.state,
        "dev_loss": None if trial.dev_loss is None else f"{trial.dev_loss:.4f}",
        "dev_accuracy": None if trial.dev_accuracy is None else f"{trial.dev_accuracy:.4f}",
        "epochs": trial.num_epochs,
        "time_s": f"{trial.elapsed_s:.1f}",
        **{key: f"{value:.4g}" if isinstance(value, float) else value for key, value in trial.settings.items()},
        "note": trial.message,
    }
