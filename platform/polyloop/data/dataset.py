"""Reads published datasets. It needs no Ray, so training and evaluation processes may use it anywhere.

Input: the folder of a dataset. Output: its manifest, and each split as an Arrow table. `ArtefactError` for a folder
that is incomplete or does not match its manifest.
"""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from polyloop.data.manifest import FORMAT_VERSION, TOKENIZER_NAME, Manifest, read_manifest
from polyloop.data.rows import ENCODED_SCHEMA, Split
from polyloop.data.storage import file_sha256s
from polyloop.errors import ArtefactError


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """An immutable build of a task's corpora and curated feedback."""

    digest: str
    path: Path
    manifest: Manifest

    @property
    def holdout_digest(self) -> str:
        """SHA-256 (hex) over the holdout rows alone: two datasets that share it judge versions on the same rows."""
        return self.manifest.holdout_digest

    @property
    def tokenizer_dir(self) -> Path:
        """Folder of the tokenizer that made the token ids."""
        return self.path / TOKENIZER_NAME

    def table(self, split: Split) -> pa.Table:
        """Return the rows of a split in the order of their ids; its columns are those of `ENCODED_SCHEMA`."""
        names = sorted(file.name for file in self.manifest.files if file.name.startswith(f"{split}/"))
        if not names:
            return ENCODED_SCHEMA.empty_table()
        return pa.concat_tables([pq.read_table(self.path / name, schema=ENCODED_SCHEMA) for name in names])


def open_dataset(path: Path, *, verify: bool = True) -> Dataset:
    """Return the dataset of a folder; `verify` compares the SHA-256 of each file with the manifest."""
    manifest = read_manifest(path)
    if manifest.format_version != FORMAT_VERSION:
        raise ArtefactError(
            f"{path}: the dataset has format version {manifest.format_version}, this code reads {FORMAT_VERSION}; "
            "build it again"
        )
    _check_files(path, manifest, verify)
    return Dataset(digest=manifest.digest, path=path, manifest=manifest)


def _check_files(path: Path, manifest: Manifest, verify: bool) -> None:
    files = manifest.files
    for file in files:
        target = path / file.name
        if not target.is_file() or target.stat().st_size != file.size_bytes:
            raise _damaged(path, file.name)
    if verify:
        for file, sha256 in zip(files, file_sha256s(path / file.name for file in files), strict=True):
            if sha256 != file.sha256:
                raise _damaged(path, file.name)


def _damaged(path: Path, name: str) -> ArtefactError:
    return ArtefactError(
        f"{path}: {name} is missing or not what was published; remove the folder and build the dataset again"
    )
