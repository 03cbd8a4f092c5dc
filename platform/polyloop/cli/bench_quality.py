"""`polyloop bench quality`: what models of the example specs reach on public data, as one table."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from polyloop.cli.output import ProgressLine, messages, print_json, print_rows
from polyloop.errors import SpecError

if TYPE_CHECKING:
    from polyloop.bench.quality.results import QualityResult

TITLE = "quality on public data, seeded, each holdout looked at once"
QUICK_TITLE = "a quick look: a fraction of the training and of the rows, never to be quoted"


def quality(
    names: list[str], *, every: bool, quick: bool, by_ray: bool, specs: Path, results: Path, as_json: bool
) -> None:
    """Run sets, or read the kept results where none is named, and print them; exits with 1 when a bar is missed."""
    from polyloop.bench.quality.results import kept_results
    from polyloop.bench.quality.sets import SETS, set_named

    known = [one.name for one in SETS]
    if every and names:
        raise SpecError("--all is every set; leave the names out, or leave --all out")
    chosen = SETS if every else tuple(set_named(name) for name in names)
    if chosen:
        from polyloop.bench.quality.run import Options, run_set

        options = Options(specs=specs, results=results, quick=quick, runner="ray" if by_ray else "process")
        found = []
        for one in chosen:
            messages.print(f"running {one.name}")
            progress = ProgressLine()
            with progress.shown():
                found.append(run_set(one, options, progress))
    else:
        found = kept_results(results, known)
        if not found:
            raise SpecError(f"{results} holds no results yet; name a set to run ({', '.join(known)}), or give --all")
    _print(found, quick=quick and bool(chosen), as_json=as_json)
    if not quick and not all(result.ok for result in found):
        raise typer.Exit(1)


def _print(found: "list[QualityResult]", *, quick: bool, as_json: bool) -> None:
    from polyloop.bench.figures import report
    from polyloop.bench.quality.table import table_rows

    if as_json:
        print_json(
            [report(f"quality {one.name}", one.figures(), quick=one.quick) | {"result": asdict(one)} for one in found]
        )
    else:
        print_rows(table_rows(found), as_json=False, title=QUICK_TITLE if quick else TITLE)
