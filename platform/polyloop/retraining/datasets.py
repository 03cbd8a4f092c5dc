"""Builds a dataset and notes it in the registry, so that lineage is never without it, and finds a version's again.

Input: a task, curated feedback and a tokenizer to use again, or a version. Output: the `Dataset`. The same inputs give
the same one.
"""

from collections.abc import Callable
from pathlib import Path

from polyloop.data.build import build_dataset
from polyloop.data.dataset import Dataset, open_dataset
from polyloop.errors import RegistryError
from polyloop.registry.datasets import find_dataset, record_dataset
from polyloop.registry.store import Store
from polyloop.registry.versions import VersionRecord
from polyloop.spec.loader import LoadedSpec


def build_recorded(
    loaded: LoadedSpec,
    store: Store,
    task: str,
    *,
    feedback: Path | None = None,
    tokenizer_dir: Path | None = None,
    progress: Callable[[str], None],
) -> Dataset:
    """Return the dataset of `task`, built if it does not exist yet, and recorded."""
    dataset = build_dataset(loaded, task, feedback=feedback, tokenizer_dir=tokenizer_dir, progress=progress)
    record_dataset(
        store,
        task,
        dataset.digest,
        path=str(dataset.path.relative_to(loaded.artefacts_dir)),
        holdout_digest=dataset.holdout_digest,
        spec_digest=loaded.digest,
        num_rows={split: dataset.manifest.num_rows(split) for split in dataset.manifest.rows},
    )
    return dataset


def dataset_of(loaded: LoadedSpec, store: Store, version: VersionRecord) -> Dataset:
    """Return the dataset that a version was trained on; RegistryError if it is not recorded."""
    record = find_dataset(store, version.task, version.dataset_digest)
    if record is None:
        raise RegistryError(
            f"the dataset {version.dataset_digest[:12]} of {version.task} {version.version} is not in the registry; "
            "build it again with `polyloop corpus build`"
        )
    return open_dataset(loaded.artefacts_dir / record.path, verify=False)
