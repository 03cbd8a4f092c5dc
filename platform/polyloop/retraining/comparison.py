"""Compares published versions on a holdout, as the gate of a loop run does; nothing is released or recorded.

Input: a version, and the one to compare it with. Output: a `VersionComparison`, whose rows are those of the holdout of
the dataset that the candidate was trained on, and its report as a file.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polyloop
from polyloop.errors import ArtefactError, RegistryError
from polyloop.evaluation.comparison import VersionComparison
from polyloop.evaluation.html_report.page import render_evaluation
from polyloop.registry.releases import get_release
from polyloop.registry.store import Store
from polyloop.registry.versions import VersionRecord, get_version
from polyloop.retraining.datasets import dataset_of
from polyloop.retraining.evaluations import evaluate_version
from polyloop.spec.loader import LoadedSpec


def compare_version(
    loaded: LoadedSpec, store: Store, version: VersionRecord, progress: Callable[[str], None]
) -> VersionComparison:
    """Return the comparison with the champion; without one if the version is the champion, or there is none."""
    champion_name = get_release(store, version.task).champion
    champion = None
    if champion_name not in (None, version.version):
        champion = get_version(store, version.task, str(champion_name))
    return compare_versions(loaded, store, version, champion, progress)


def compare_versions(
    loaded: LoadedSpec,
    store: Store,
    candidate: VersionRecord,
    champion: VersionRecord | None,
    progress: Callable[[str], None],
) -> VersionComparison:
    """Return the comparison of two published versions on the holdout of the candidate's dataset.

    Raises RegistryError if one of them is not published, or if the dataset is not recorded.
    """
    for version in filter(None, (candidate, champion)):
        if version.path is None:
            raise RegistryError(f"{version.task} {version.version} is {version.state} and cannot be evaluated yet")
    dataset = dataset_of(loaded, store, candidate)
    return VersionComparison(
        task_spec=loaded.task(candidate.task),
        candidate=evaluate_version(loaded, store, candidate, dataset, progress),
        champion=None if champion is None else evaluate_version(loaded, store, champion, dataset, progress),
        table=dataset.table("holdout"),
    )


def write_report(comparison: VersionComparison, path: Path) -> None:
    """Write the report of a comparison as one HTML file; ArtefactError if it cannot be written."""
    page = render_evaluation(comparison, created_at=datetime.now(UTC), code_version=polyloop.__version__)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ArtefactError(f"{path}: the report cannot be written: {error.strerror}; name another file") from None
