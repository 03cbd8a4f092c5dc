"""`polyloop bench`: benchmarks, each with its peer in the same run, and the quality of models on public data."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from polyloop.cli.context import AsJson
from polyloop.cli.output import messages, print_json, print_rows
from polyloop.errors import SpecError

if TYPE_CHECKING:
    from polyloop.bench.figures import Figure

MODULES = {
    "corpus": "polyloop.bench.corpus.benchmark",
    "feedback": "polyloop.bench.feedback",
    "serve": "polyloop.bench.serve.benchmark",
    "train": "polyloop.bench.train.benchmark",
}
"""Name of a benchmark -> the module whose `run(quick=...)` gives its figures."""

QUALITY = "quality"
"""The benchmark that trains for hours and so runs only when it is named."""


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("bench")(bench)


def bench(
    name: Annotated[str | None, typer.Argument(help="A benchmark; all but quality if not given.")] = None,
    sets: Annotated[list[str] | None, typer.Argument(help="For quality: sets to train and evaluate.")] = None,
    every: Annotated[bool, typer.Option("--all", help="For quality: every set, one after the other.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="A smaller run for a quick look, never quoted.")] = False,
    by_ray: Annotated[bool, typer.Option("--ray", help="For quality: train by Ray Train, not in a process.")] = False,
    specs: Annotated[Path, typer.Option(help="For quality: folder of the example specs.")] = Path("docs/examples"),
    results: Annotated[Path, typer.Option(help="For quality: folder that results are kept in.")] = Path(
        ".polyloop/quality"
    ),
    as_json: AsJson = False,
) -> None:
    """Run a benchmark and compare with its peer; exits with 1 when a bar is missed.

    `bench quality SET ...` trains and evaluates by the example specs and keeps the results; without a set it prints
    the table of those that are kept.

    Example: `polyloop bench feedback --json`
    """
    if name == QUALITY:
        from polyloop.cli.bench_quality import quality

        quality(sets or [], every=every, quick=quick, by_ray=by_ray, specs=specs, results=results, as_json=as_json)
        return
    if sets or every or by_ray:
        raise SpecError("sets, --all and --ray belong to the benchmark quality; write `polyloop bench quality ...`")
    if name is not None and name not in MODULES:
        raise SpecError(f"there is no benchmark {name!r}; there are: {', '.join(sorted([*MODULES, QUALITY]))}")
    _run([name] if name else sorted(MODULES), quick=quick, as_json=as_json)


def _run(names: list[str], *, quick: bool, as_json: bool) -> None:
    from polyloop.bench.figures import report

    figures: dict[str, list[Figure]] = {}
    for chosen in names:
        messages.print(f"running {chosen}")
        figures[chosen] = _benchmark(chosen)(quick=quick)
    reports = [report(chosen, found, quick=quick) for chosen, found in figures.items()]
    if as_json:
        print_json(reports)
    else:
        for one in reports:
            rows = [figure.to_row() for figure in figures[one["benchmark"]]]
            print_rows(rows, as_json=False, title=f"{one['benchmark']}, {one['date']}")
    if not all(figure.ok for found in figures.values() for figure in found):
        raise typer.Exit(1)


def _benchmark(name: str) -> "Callable[..., list[Figure]]":
    module: Any = import_module(MODULES[name])
    run: Callable[..., list[Figure]] = module.run
    return run
