"""`polyloop demo`: once around the whole loop on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from polyloop.cli.output import ProgressLine, messages, print_renderable
from polyloop.cluster.head import find_head, stop_head

DEFAULT_FOLDER = Path(".polyloop/demo")


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("demo")(demo)


def demo(
    folder: Annotated[Path, typer.Option(help="Where the demo keeps its files; emptied at each run.")] = DEFAULT_FOLDER,
    keep: Annotated[bool, typer.Option("--keep", help="Leave it serving at the end.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Stop a demo that was kept, and do nothing else.")] = False,
) -> None:
    """Train, serve, collect feedback, retrain and promote two tasks, and show what improved.

    Exits non-zero if a second version is not better in every locale, or a request failed.

    Example: `polyloop demo --keep`
    """
    from polyloop.demo.report import render
    from polyloop.demo.run import Demo
    from polyloop.serving.embedded import HOME

    home = folder.resolve() / HOME
    if stop:
        _stop(home)
        return
    progress = ProgressLine()
    try:
        with progress.shown():
            report = Demo(folder.resolve(), progress=progress).run()
        print_renderable(render(report))
    finally:
        if not keep:
            _stop(home)
    if keep:
        messages.print(f"still serving: {report.url}/console and {report.url}/docs; the key is {report.api_key}")
        messages.print("stop it with `polyloop demo --stop`")
    else:
        messages.print(
            f"it was served at {report.url}; `polyloop demo --keep` leaves {report.url}/console and /docs to try"
        )
    for failure in report.failures:
        messages.print(f"not as it must be: {failure}", markup=False)
    if report.failures:
        raise typer.Exit(1)


def _stop(home: Path) -> None:
    head = find_head(home)
    if head is not None:
        stop_head(head)
