"""`polyloop corpus`: datasets built from corpora."""

from typing import Annotated, Any

import typer

from polyloop.cli.context import AsJson, TasksOption, of
from polyloop.cli.output import ProgressLine, messages, print_json, print_rows
from polyloop.data.dataset import Dataset, open_dataset
from polyloop.errors import RegistryError
from polyloop.registry.datasets import list_datasets

app = typer.Typer(help="Datasets built from the spec's corpora.", no_args_is_help=True)


@app.command()
def build(context: typer.Context, task: TasksOption = None, as_json: AsJson = False) -> None:
    """Build the dataset of each task; the same inputs give the same digest and no second build.

    Example: `polyloop corpus build --task translate`
    """

    from polyloop.cluster.connect import connected
    from polyloop.retraining.datasets import build_recorded

    cli = of(context)
    progress = ProgressLine()
    built: list[Dataset] = []
    with connected(), progress.shown():
        for name in cli.tasks(task):
            built.append(build_recorded(cli.loaded, cli.store, name, progress=progress))
    _print(built, as_json)


@app.command()
def stats(
    context: typer.Context,
    task: Annotated[str, typer.Argument(help="Name of a task.")],
    digest: Annotated[str | None, typer.Option(help="Beginning of a digest; the newest dataset if not given.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show rows per split and locale of a dataset, and what was dropped and why.

    Example: `polyloop corpus stats translate --json`
    """
    cli = of(context)
    cli.loaded.task(task)
    records = [record for record in list_datasets(cli.store, task) if record.digest.startswith(digest or "")]
    if not records:
        raise RegistryError(
            f"task {task!r} has no dataset{f' {digest}' if digest else ''}; run `polyloop corpus build`"
        )
    _print([open_dataset(cli.loaded.artefacts_dir / records[-1].path, verify=False)], as_json)


def _print(datasets: list[Dataset], as_json: bool) -> None:
    if as_json:
        print_json([dataset.manifest.model_dump(mode="json") for dataset in datasets])
        return
    for dataset in datasets:
        manifest = dataset.manifest
        rows: list[dict[str, Any]] = [
            {"split": split, "locale": locale, "rows": count}
            for split, by_locale in manifest.rows.items()
            for locale, count in by_locale.items()
        ]
        print_rows(rows, as_json=False, title=f"{manifest.task}: dataset {manifest.digest[:16]}")
        drops = [
            {"corpus": name, "reason": reason, "rows": count}
            for name, record in manifest.corpora.items()
            for reason, count in record.dropped.items()
        ]
        if drops:
            print_rows(drops, as_json=False, title="Dropped")
        for warning in manifest.warnings:
            messages.print(f"warning: {warning}", markup=False)
