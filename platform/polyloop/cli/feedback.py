"""`polyloop feedback`: what users said, and what became of it."""

import json
from pathlib import Path
from typing import Annotated

import typer

from polyloop.cli.context import AsJson, TasksOption, of
from polyloop.cli.output import messages, print_rows
from polyloop.feedback.queries import count_feedback, list_feedback

app = typer.Typer(help="What users said, and what became of it.", no_args_is_help=True)

MAX_EXPORT = 10_000_000

State = Annotated[str | None, typer.Option(help="Only feedback in this state: new, accepted, noted, refused, orphan.")]


@app.command("list")
def list_(
    context: typer.Context,
    task: Annotated[str | None, typer.Argument(help="Name of a task; all if not given.")] = None,
    state: State = None,
    limit: Annotated[int, typer.Option(min=1, help="How many of the newest.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List feedback, newest first, with its inference and what curation said.

    Example: `polyloop feedback list translate --state refused`
    """
    rows = [
        {
            "created_at": row.created_at.isoformat(timespec="seconds"),
            "task": row.task,
            "version": row.version,
            "locale": row.target_locale,
            "input": row.input,
            "output": row.output,
            "rating": row.rating,
            "correction": row.correction,
            "user": row.user,
            "state": row.state,
            "reason": row.reason,
        }
        for row in list_feedback(of(context).store, task=task, state=state, limit=limit)
    ]
    print_rows(rows, as_json=as_json, title="Feedback")


@app.command()
def stats(context: typer.Context, task: TasksOption = None, as_json: AsJson = False) -> None:
    """Count feedback by what became of it and why.

    Example: `polyloop feedback stats --task translate`
    """
    cli = of(context)
    rows = [
        {"task": name, "state": state, "reason": reason, "statements": count}
        for name in cli.tasks(task)
        for (state, reason), count in sorted(count_feedback(cli.store, name).items(), key=str)
    ]
    print_rows(rows, as_json=as_json, title="Feedback by outcome")


@app.command()
def export(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="JSON Lines file to write.")],
    task: Annotated[str | None, typer.Option(help="Only this task.")] = None,
    state: State = None,
) -> None:
    """Write feedback to a JSON Lines file, whole or not at all.

    Example: `polyloop feedback export feedback.jsonl --task translate --state accepted`
    """
    rows = list_feedback(of(context).store, task=task, state=state, limit=MAX_EXPORT)
    temporary = path.with_name(f".{path.name}.partial")
    with temporary.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(vars(row), ensure_ascii=False, default=str) + "\n")
    temporary.replace(path)
    messages.print(f"wrote {len(rows)} statements to {path}")
