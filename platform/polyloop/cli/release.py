"""`polyloop release`: what each task serves now, to whom, and what a shadow would have said."""

from typing import Annotated

import typer

from polyloop.cli.context import AsJson, CliContext, TaskArgument, of
from polyloop.cli.output import ProgressLine, messages, print_json, print_rows
from polyloop.cli.release_views import comparison_rows, comparison_to_json, ended_roles
from polyloop.errors import RegistryError
from polyloop.evaluation.shadow import compare_shadow
from polyloop.registry.release_events import release_history, shadow_start
from polyloop.registry.releases import Release, clear_canary, clear_shadow, get_release, rollback
from polyloop.registry.shadow_answers import compared_answers, count_unanswered
from polyloop.retraining.promotion import canary_live, promote_live, shadow_live
from polyloop.serving.releases.views import release_info

app = typer.Typer(help="What each task serves now, to whom, and what a shadow would have said.", no_args_is_help=True)

ACTOR = "cli"
MAX_COMPARED = 100_000

Reason = Annotated[str, typer.Option(help="Why, for the history.")]
Version = Annotated[str, typer.Argument(help="A published version, such as v2.")]
Off = Annotated[bool, typer.Option("--off", help="End it instead.")]


@app.command()
def show(
    context: typer.Context,
    task: Annotated[str | None, typer.Argument(help="Name of a task; all if not given.")] = None,
    history: Annotated[bool, typer.Option("--history", help="Show every change instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show champion, canary and shadow of each task, or the history of changes.

    Example: `polyloop release show translate --history`
    """
    cli = of(context)
    tasks = cli.tasks([task] if task else None)
    if history:
        rows = [vars(event) for name in tasks for event in release_history(cli.store, name)]
        print_rows(rows, as_json=as_json, title="Changes of releases")
        return
    rows = [release_info(get_release(cli.store, name)).model_dump() for name in tasks]
    print_rows(rows, as_json=as_json, title="Releases")


@app.command()
def promote(context: typer.Context, task: TaskArgument, version: Version, reason: Reason = "promoted by hand") -> None:
    """Make a version the champion of all users: preload it on every replica, then switch. A canary ends.

    Example: `polyloop release promote translate v2 --reason "reviewed by Ana"`
    """
    cli = of(context)
    before = _release(cli, task)
    progress = ProgressLine()
    with progress.shown():
        after = promote_live(cli.store, task, version, actor=ACTOR, reason=reason, progress=progress)
    if after.canary is not None:  # a promotion ends it, so that there was none: the version is the champion already
        messages.print(
            f"{version} is the champion of {task} already, and the canary {after.canary} goes on; to end it: "
            f"`polyloop release canary {task} {after.canary} --off`",
            markup=False,
            soft_wrap=True,
        )
        return
    _tell(cli, before, f"{task} now serves {version} to all users")


@app.command("rollback")
def rollback_(context: typer.Context, task: TaskArgument, reason: Reason = "rolled back by hand") -> None:
    """Go back to the previous champion at once; replicas still hold it. Canary and shadow end.

    Example: `polyloop release rollback translate --reason "complaints from de"`
    """
    cli = of(context)
    before = _release(cli, task)
    after = rollback(cli.store, task, actor=ACTOR, reason=reason)
    _tell(cli, before, f"{task} now serves {after.champion} again, to all users")


@app.command()
def canary(
    context: typer.Context,
    task: TaskArgument,
    version: Version,
    weight: Annotated[float | None, typer.Option(help="Part of the users, above 0 and below 1.")] = None,
    off: Off = False,
    reason: Reason = "a canary by hand",
) -> None:
    """Let a version answer a part of the users, always the same ones; again with another weight, to change it.

    Example: `polyloop release canary translate v2 --weight 0.1`
    """
    cli = of(context)
    before = _release(cli, task)
    if off:
        clear_canary(cli.store, task, version, actor=ACTOR, reason=reason)
        _tell(cli, before, f"{task} now serves {before.champion} to all users")
        return
    if weight is None:
        raise RegistryError(
            f"the canary {version} of {task} has no weight; give --weight 0.1 for a tenth of the users, or --off"
        )
    progress = ProgressLine()
    with progress.shown():
        canary_live(cli.store, task, version, weight, actor=ACTOR, reason=reason, progress=progress)
    _tell(cli, before, f"{task} now serves {version} to {weight:.4g} of the users, {before.champion} to the others")


@app.command()
def shadow(
    context: typer.Context,
    task: TaskArgument,
    version: Version,
    off: Off = False,
    reason: Reason = "a shadow by hand",
) -> None:
    """Let a version answer what users ask without their seeing it, behind all other work.

    Example: `polyloop release shadow translate v2`
    """
    cli = of(context)
    before = _release(cli, task)
    if off:
        clear_shadow(cli.store, task, version, actor=ACTOR, reason=reason)
        _tell(cli, before, f"{task} has no shadow now")
        return
    progress = ProgressLine()
    with progress.shown():
        shadow_live(cli.store, cli.loaded, task, version, actor=ACTOR, reason=reason, progress=progress)
    _tell(cli, before, f"{version} is now the shadow of {task}; see `polyloop release compare {task}`")


@app.command()
def compare(
    context: typer.Context,
    task: TaskArgument,
    version: Annotated[str | None, typer.Option(help="A version that is or was the shadow; by default it is.")] = None,
    against: Annotated[str | None, typer.Option(help="The version that users got; by default the champion.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many of the newest answers to look at.")] = MAX_COMPARED,
    as_json: AsJson = False,
) -> None:
    """Compare a shadow's answers with those that users got, per locale, with 95 % intervals.

    Example: `polyloop release compare translate --json`
    """
    cli = of(context)
    release = _release(cli, task)
    ours, theirs = against or release.champion, version or release.shadow
    if ours is None or theirs is None:
        raise RegistryError(
            f"task {task!r} has no shadow now; name one that it had with --version, or start one with "
            f"`polyloop release shadow {task} VERSION`"
        )
    messages.print(f"comparing {theirs} as a shadow with {ours}", markup=False)
    found = compare_shadow(compared_answers(cli.store, task, ours, theirs, limit=limit))
    since = shadow_start(cli.store, task, theirs) if theirs == release.shadow else None
    num_unanswered = None if since is None else count_unanswered(cli.store, task, theirs, since=since)
    if as_json:
        print_json(comparison_to_json(task, ours, theirs, found, num_unanswered))
        return
    print_rows(comparison_rows(ours, theirs, found), as_json=False, title=f"{theirs} as a shadow of {task}")
    if num_unanswered is not None:
        messages.print(f"{num_unanswered:,} inferences since its start are not answered yet, or were skipped")
    messages.print("agreement says how much would change, not whether for the better; latencies differ in what they")
    messages.print("measure: the user's is that of the service, the shadow's that of the model behind all other work")


def _release(cli: CliContext, task: str) -> Release:
    """Return the release of a task that the spec has."""
    cli.loaded.task(task)
    return get_release(cli.store, task)


def _tell(cli: CliContext, before: Release, text: str) -> None:
    """Print what came of a command, and which canary or shadow ended with it."""
    ended = ended_roles(release_history(cli.store, before.task, after_generation=before.generation))
    messages.print(f"{text}; {' and '.join(ended)} ended" if ended else text, markup=False, soft_wrap=True)
