"""Reads a Hugging Face dataset, by hub id or local folder, by way of a Parquet file.

Input: id or folder, and the split's name. Output: one Parquet file, read like any other from then on.
Needs the optional `datasets` package; a hub id needs a network, or a copy in the local cache.
"""

import importlib
from pathlib import Path

from polyloop.data.storage import is_disk_full
from polyloop.errors import DataError


def export_hub_dataset(corpus: str, hub: str, split: str, path: Path) -> None:
    """Write a split of a Hugging Face dataset to a Parquet file; DataError if it cannot be loaded."""
    try:
        datasets = importlib.import_module("datasets")
    except ImportError:
        raise DataError(
            f"the corpus {corpus!r} is a Hugging Face dataset ({hub}), which needs the package `datasets`: "
            "install it with `pip install 'polyloop[hub]'`, or name files in `paths`"
        ) from None
    try:
        datasets.disable_progress_bars()
        datasets.load_dataset(hub, split=split).to_parquet(str(path))
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        if is_disk_full(error):
            raise
        reason = str(error).partition("\n")[0]
        raise DataError(
            f"the corpus {corpus!r}: the split {split!r} of the Hugging Face dataset {hub} cannot be loaded: {reason}"
        ) from None
