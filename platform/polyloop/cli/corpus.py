"""`polyloop corpus`: datasets built from corpora, and the account of what is in them and what is not."""

from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from polyloop.cli import corpus_datasets as datasets
from polyloop.cli import corpus_uses
from polyloop.cli import corpus_views as views
from polyloop.cli.context import AsJson, TaskArgument, TasksOption, of
from polyloop.cli.output import ProgressLine, messages, print_json
from polyloop.data.dataset import Dataset
from polyloop.data.manifest import DROPS_NAME
from polyloop.data.rows import Split
from polyloop.errors import ArtefactError, DataError

app = typer.Typer(help="Datasets built from the spec's corpora.", no_args_is_help=True)
app.command()(corpus_uses.pack)
app.command()(corpus_uses.noise)

DigestOption = Annotated[
    str | None, typer.Option("--digest", help="Beginning of a digest; the newest dataset if not given.")
]


@app.command()
def build(context: typer.Context, task: TasksOption = None, as_json: AsJson = False) -> None:
    """Build the dataset of each task; the same inputs give the same digest and no second build.

    Example: `polyloop corpus build --task translate`
    """

    from polyloop.cluster.connect import connected
    from polyloop.data.report.page import REPORT_NAME
    from polyloop.retraining.datasets import build_recorded

    cli = of(context)
    progress = ProgressLine()
    built: list[Dataset] = []
    with connected(), progress.shown():
        for name in cli.tasks(task):
            built.append(build_recorded(cli.loaded, cli.store, name, progress=progress))
    if as_json:
        print_json([dataset.manifest.model_dump(mode="json") for dataset in built])
        return
    for dataset in built:
        views.show_dataset(dataset)
        if (dataset.path / REPORT_NAME).is_file():
            messages.print(f"report: {dataset.path / REPORT_NAME}", markup=False, soft_wrap=True)


@app.command()
def stats(context: typer.Context, task: TaskArgument, digest: DigestOption = None, as_json: AsJson = False) -> None:
    """Show rows, lengths and labels per split and locale of a dataset, and what was dropped and why.

    Example: `polyloop corpus stats translate --json`
    """
    dataset = datasets.of_task(of(context), task, digest)
    statistics = datasets.statistics_of(dataset)
    if as_json:
        print_json({"manifest": dataset.manifest.model_dump(mode="json"), "statistics": statistics.to_dict()})
        return
    views.show_dataset(dataset)
    views.show_statistics(statistics)


@app.command()
def diff(
    context: typer.Context,
    before: Annotated[str, typer.Argument(help="Beginning of a digest, a dataset's folder, or (alone) a task.")],
    after: Annotated[str | None, typer.Argument(help="Beginning of a digest or a folder.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what changed between two datasets, or between the last two of a task.

    Example: `polyloop corpus diff translate` or `polyloop corpus diff 3f2a 9c01 --json`
    """
    from polyloop.data.report.difference import compare

    cli = of(context)
    if after is None:
        pair = datasets.newest_two(cli, before)
    else:
        pair = datasets.named(cli, before), datasets.named(cli, after)
    difference = compare(*pair)
    if as_json:
        print_json(difference.to_dict())
    else:
        views.show_difference(difference)


@app.command()
def show(
    context: typer.Context,
    task: TaskArgument,
    split: Annotated[Split, typer.Option(help="The split whose rows are shown.")] = "train",
    locale: Annotated[str | None, typer.Option(help="Only rows whose input or target has this locale.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Rows at most.")] = 10,
    dropped: Annotated[
        str | None, typer.Option(help="Show samples of the rows that were dropped for this reason.")
    ] = None,
    digest: DigestOption = None,
    as_json: AsJson = False,
) -> None:
    """Show rows of a dataset, or samples of the rows that were left out.

    Example: `polyloop corpus show translate --dropped near_duplicate`
    """
    dataset = datasets.of_task(of(context), task, digest)
    if dropped is None:
        rows, title = _rows(dataset, split, locale, limit), f"{task}: rows of the {split} split"
    else:
        rows, title = _samples(dataset, dropped, limit), f"{task}: dropped as {dropped}"
    if as_json:
        print_json(rows)
    else:
        views.show_rows(rows, title)


@app.command()
def report(
    context: typer.Context,
    task: TaskArgument,
    output: Annotated[Path | None, typer.Option(help="Also write the report to this file.")] = None,
    digest: DigestOption = None,
) -> None:
    """Print the path of a dataset's report, which a browser opens without a network.

    Example: `polyloop corpus report translate --output report.html`
    """
    from polyloop.data.report.page import REPORT_NAME

    dataset = datasets.of_task(of(context), task, digest)
    path = dataset.path / REPORT_NAME
    if output is None and not path.is_file():
        raise ArtefactError(f"{dataset.path}: the dataset has no {REPORT_NAME}; have one written with --output FILE")
    if output is not None:
        page = path.read_bytes() if path.is_file() else _rendered(dataset)
        try:
            output.write_bytes(page)
        except OSError as error:
            raise ArtefactError(
                f"{output}: the report cannot be written: {error.strerror}; name another file"
            ) from None
        path = output
    typer.echo(path)


def _rendered(dataset: Dataset) -> bytes:
    from polyloop.data.report.page import read_drops, render_report

    return render_report(dataset.manifest, datasets.statistics_of(dataset), read_drops(dataset.path)).encode()


def _rows(dataset: Dataset, split: Split, locale: str | None, limit: int) -> list[dict[str, Any]]:
    """Return the first rows of a split, with the numbers of their tokens instead of the ids."""
    found: list[dict[str, Any]] = []
    for batch in dataset.table(split).to_batches(max_chunksize=1000):
        rows = (row for row in batch.to_pylist() if locale in (None, row["locale"], row["target_locale"]))
        found += islice(rows, limit - len(found))
        if len(found) == limit:
            break
    if locale is not None and not found:
        there = ", ".join(sorted(dataset.manifest.rows[split])) or "none"
        raise DataError(f"the {split} split has no row with the locale {locale!r}; its target locales: {there}")
    for row in found:
        row["num_input_tokens"], row["num_target_tokens"] = len(row.pop("input_ids")), len(row.pop("target_ids"))
    return found


def _samples(dataset: Dataset, reason: str, limit: int) -> list[dict[str, Any]]:
    """Return samples of the rows that were dropped for a reason; DataError for a reason that dropped none."""
    from polyloop.data.report.page import read_drops

    if reason not in dataset.manifest.dropped:
        known = ", ".join(dataset.manifest.dropped) or "nothing: no row was dropped"
        raise DataError(f"no row was dropped as {reason!r}; rows of this dataset were dropped as {known}")
    samples = [drop for drop in read_drops(dataset.path) if drop["reason"] == reason][:limit]
    if not samples:
        raise DataError(f"no sample was kept of the rows dropped as {reason!r}; see {dataset.path / DROPS_NAME}")
    return samples
