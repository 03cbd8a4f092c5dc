"""`polyloop bench`: benchmarks, each with its peer in the same run."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from polyloop.cli.context import AsJson
from polyloop.cli.output import messages, print_json, print_rows
from polyloop.errors import SpecError

if TYPE_CHECKING:
    from polyloop.bench.figures import Figure


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("bench")(bench)


def bench(
    name: Annotated[str | None, typer.Argument(help="A benchmark; all if not given.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A smaller run for a quick look, never quoted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run a benchmark and compare with its peer; exits with 1 when a bar is missed.

    Example: `polyloop bench feedback --json`
    """
    from polyloop.bench.figures import report

    benchmarks = _benchmarks()
    if name is not None and name not in benchmarks:
        raise SpecError(f"there is no benchmark {name!r}; there are: {', '.join(sorted(benchmarks))}")
    figures: dict[str, list[Figure]] = {}
    for chosen in [name] if name else sorted(benchmarks):
        messages.print(f"running {chosen}")
        figures[chosen] = benchmarks[chosen](quick=quick)
    reports = [report(chosen, found, quick=quick) for chosen, found in figures.items()]
    if as_json:
        print_json(reports)
    else:
        for one in reports:
            rows = [figure.to_row() for figure in figures[one["benchmark"]]]
            print_rows(rows, as_json=False, title=f"{one['benchmark']}, {one['date']}")
    if not all(figure.ok for found in figures.values() for figure in found):
        raise typer.Exit(1)


def _benchmarks() -> dict[str, "Callable[..., list[Figure]]"]:
    from polyloop.bench import feedback
    from polyloop.bench.corpus import benchmark

    return {"corpus": benchmark.run, "feedback": feedback.run}
