"""`polyloop release`: what each task serves now."""

from typing import Annotated

import typer

from polyloop.cli.context import AsJson, TaskArgument, of
from polyloop.cli.output import ProgressLine, messages, print_rows
from polyloop.registry.release_events import release_history
from polyloop.registry.releases import get_release, rollback
from polyloop.retraining.promotion import promote_live

app = typer.Typer(help="What each task serves now.", no_args_is_help=True)

Reason = Annotated[str, typer.Option(help="Why, for the history.")]


@app.command()
def show(
    context: typer.Context,
    task: Annotated[str | None, typer.Argument(help="Name of a task; all if not given.")] = None,
    history: Annotated[bool, typer.Option("--history", help="Show every change instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the champion of each task, or the history of changes.

    Example: `polyloop release show translate --history`
    """
    cli = of(context)
    tasks = [task] if task else list(cli.loaded.spec.tasks)
    for name in tasks:
        cli.loaded.task(name)
    if history:
        rows = [vars(event) for name in tasks for event in release_history(cli.store, name)]
        print_rows(rows, as_json=as_json, title="Changes of champion")
        return
    releases = [get_release(cli.store, name) for name in tasks]
    rows = [
        {
            "task": release.task,
            "champion": release.champion,
            "previous": release.previous,
            "preload": release.preload,
            "generation": release.generation,
            "updated_at": release.updated_at and release.updated_at.isoformat(timespec="seconds"),
        }
        for release in releases
    ]
    print_rows(rows, as_json=as_json, title="Releases")


@app.command()
def promote(
    context: typer.Context,
    task: TaskArgument,
    version: Annotated[str, typer.Argument(help="A published version, such as v2.")],
    reason: Reason = "promoted by hand",
) -> None:
    """Make a version the champion: preload it on every replica, then switch.

    Example: `polyloop release promote translate v2 --reason "reviewed by Ana"`
    """
    cli = of(context)
    cli.loaded.task(task)
    progress = ProgressLine()
    with progress.shown():
        release = promote_live(cli.store, task, version, actor="cli", reason=reason, progress=progress)
    messages.print(f"{task} now serves {release.champion}")


@app.command("rollback")
def rollback_(context: typer.Context, task: TaskArgument, reason: Reason = "rolled back by hand") -> None:
    """Go back to the previous champion at once; replicas still hold it.

    Example: `polyloop release rollback translate --reason "complaints from de"`
    """
    cli = of(context)
    cli.loaded.task(task)
    release = rollback(cli.store, task, actor="cli", reason=reason)
    messages.print(f"{task} now serves {release.champion} again")
