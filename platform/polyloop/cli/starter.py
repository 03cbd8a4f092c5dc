"""`polyloop init`: a commented spec with sample corpora, ready to build and train."""

from pathlib import Path
from typing import Annotated

import typer

from polyloop.cli.output import messages
from polyloop.errors import SpecError
from polyloop.spec.template import starter_files


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("init")(init)


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write polyloop.yaml and data/.")] = Path(),
    project: Annotated[str | None, typer.Option(help="Name of the project; the folder's name if not given.")] = None,
) -> None:
    """Write a commented polyloop.yaml and small sample corpora; nothing that exists is overwritten.

    Example: `polyloop init reviews && cd reviews && polyloop loop run`
    """
    files = starter_files(project) if project else starter_files()
    taken = [name for name in files if (folder / name).exists()]
    if taken:
        raise SpecError(f"{folder / taken[0]} exists already; nothing was written; name an empty folder")
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    messages.print(f"wrote {', '.join(files)} in {folder.resolve()}; next: polyloop loop run, then polyloop up")
