"""Finds the datasets that commands are about: by task, by the beginning of a digest, or by folder.

Input: what a user typed. Output: an open `Dataset`. PolyloopError on one line for what names none or several.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from polyloop.cli.context import CliContext
from polyloop.data.dataset import Dataset, open_dataset
from polyloop.data.manifest import MANIFEST_NAME
from polyloop.data.rows import SPLITS
from polyloop.errors import ArtefactError, RegistryError
from polyloop.registry.datasets import DatasetRecord, list_datasets

if TYPE_CHECKING:
    from polyloop.data.statistics import Statistics

SHOWN_DIGITS = 12


def of_task(cli: CliContext, task: str, digest: str | None) -> Dataset:
    """Return the newest dataset of a task, or the one whose digest begins with `digest`."""
    cli.loaded.task(task)
    records = [record for record in list_datasets(cli.store, task) if record.digest.startswith(digest or "")]
    if not records:
        known = list_datasets(cli.store, task)
        hint = f"there are {_digests(known)}" if known else "run `polyloop corpus build`"
        raise RegistryError(f"task {task!r} has no dataset{f' {digest!r}' if digest else ''}; {hint}")
    if digest is not None:
        return _open(cli, _only(records, digest))
    return _open(cli, records[-1])


def newest_two(cli: CliContext, task: str) -> tuple[Dataset, Dataset]:
    """Return the dataset of a task before the newest, and the newest."""
    cli.loaded.task(task)
    records = list_datasets(cli.store, task)
    if len(records) < 2:
        raise RegistryError(
            f"task {task!r} has {len(records)} dataset(s), so there is nothing to compare; build it again with "
            "`polyloop corpus build` after a change, or name two datasets"
        )
    return _open(cli, records[-2]), _open(cli, records[-1])


def named(cli: CliContext, name: str) -> Dataset:
    """Return the dataset of a folder, or of any task whose digest begins with `name`."""
    if (Path(name) / MANIFEST_NAME).is_file():
        return open_dataset(Path(name), verify=False)
    known = list_datasets(cli.store)
    records = [record for record in known if record.digest.startswith(name)]
    if not records:
        there = f"there are {_digests(known)}" if known else "none was built yet: run `polyloop corpus build`"
        raise RegistryError(f"{name!r} is neither the beginning of a dataset's digest nor its folder; {there}")
    return _open(cli, _only(records, name))


def _only(records: list[DatasetRecord], digest: str) -> DatasetRecord:
    if len(records) > 1:
        raise RegistryError(f"{len(records)} datasets begin with {digest!r}: {_digests(records)}; give more digits")
    return records[0]


def _digests(records: list[DatasetRecord] | tuple[DatasetRecord, ...]) -> str:
    shown = [f"{record.digest[:SHOWN_DIGITS]} ({record.task})" for record in records[-5:]]
    return ", ".join(shown)


def _open(cli: CliContext, record: DatasetRecord) -> Dataset:
    return open_dataset(cli.loaded.artefacts_dir / record.path, verify=False)


def statistics_of(dataset: Dataset) -> "Statistics":
    """Return the statistics of a dataset: those of its folder, or counted now where it has none."""
    from polyloop.data.statistics import STATISTICS_NAME, Statistics

    path = dataset.path / STATISTICS_NAME
    if path.is_file():
        try:
            return Statistics.from_json(path.read_text(encoding="utf-8"))
        except (ValueError, KeyError, TypeError) as error:
            raise ArtefactError(f"{path}: these are no statistics that this version reads: {error}") from None
    statistics = Statistics(has_labels=bool(dataset.manifest.label_counts))
    for split in SPLITS:
        statistics.add(dataset.table(split))
    return statistics
