"""The command's root: global options, sub-commands, and the one place where named failures become exit codes.

Commands import what is heavy (Ray, torch) when they run, so that help and mistakes are answered at once.

A user's mistake ends with one line on stderr and a non-zero exit, never with a traceback; an unforeseen failure keeps
its traceback, since it is a bug to report.
"""

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.text import Text

from polyloop import __version__
from polyloop.cli import bench, corpus, demo, feedback, key, loop, model, release, service, starter
from polyloop.cli.context import CliContext
from polyloop.cli.output import messages
from polyloop.errors import PolyloopError
from polyloop.spec.settings import apply_ray_environment

HELP = """Task models that get better from their users' feedback.

Begin with `polyloop demo`, which goes once around the whole loop on this machine, or with `polyloop init`.
"""

app = typer.Typer(name="polyloop", help=HELP, no_args_is_help=True, add_completion=False, rich_markup_mode="markdown")
app.add_typer(corpus.app, name="corpus")
app.add_typer(model.app, name="model")
app.add_typer(release.app, name="release")
app.add_typer(feedback.app, name="feedback")
app.add_typer(loop.app, name="loop")
app.add_typer(key.app, name="key")
starter.register(app)
service.register(app)
demo.register(app)
bench.register(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"polyloop {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    spec: Annotated[
        Path | None, typer.Option("--spec", help="The spec file; POLYLOOP_SPEC or ./polyloop.yaml if not given.")
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options that all commands share."""
    context.obj = CliContext(spec)


def _end(number: int, _frame: FrameType | None) -> None:
    """End as after an exit, so that what the command has started ends too."""
    sys.exit(128 + number)


def main() -> None:
    """Run the command; named failures become one line and their exit code."""
    signal.signal(signal.SIGTERM, _end)
    try:
        apply_ray_environment()
        app()
    except PolyloopError as error:
        messages.print(Text.assemble(("error:", "bold red"), " ", error.message), soft_wrap=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
