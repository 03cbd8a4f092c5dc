"""The manifest of a dataset: where each row came from, what was dropped and why, and a digest of every file.

Input and output: manifest.json beside the dataset's files. Frozen; a file of another format version is refused.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from polyloop.data.rows import Split
from polyloop.errors import ArtefactError

FORMAT_VERSION = 2
MANIFEST_NAME = "manifest.json"
DROPS_NAME = "drops.jsonl"
TOKENIZER_NAME = "tokenizer"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class SourceFile(_Frozen):
    """A corpus file as it was when the dataset was built."""

    path: str
    sha256: str
    size_bytes: int


class PartFile(_Frozen):
    """A file of a dataset."""

    name: str
    """Path under the dataset's folder."""
    sha256: str
    size_bytes: int


class StepRecord(_Frozen):
    """What one step of the build did, over all corpora of the task."""

    name: str
    rows_in: int
    rows_out: int
    rows_changed: int
    """Rows whose texts or locales the step changed; 0 for steps that only judge."""
    dropped: dict[str, int]
    """Reason -> rows."""


class CorpusRecord(_Frozen):
    """What one corpus gave."""

    files: tuple[SourceFile, ...]
    hub: str | None
    """Hub id or folder of a Hugging Face dataset; `files` then holds what was exported from it."""
    licence: str
    source: str
    rows_read: int
    """Rows kept and dropped; an exploded row counts once for each of its elements."""
    rows_kept: int
    dropped: dict[str, int]
    """Reason -> rows."""
    found: dict[str, int]
    """What steps saw in its rows -> how often, such as `language:fr` or `pii:email`."""


class TokenizerRecord(_Frozen):
    """Where the tokenizer came from."""

    kind: Literal["trained", "pretrained", "reused"]
    vocab_size: int
    sha256: str


class Manifest(_Frozen):
    """All that is known of a dataset."""

    format_version: int
    task: str
    digest: str
    """SHA-256 (hex) over rows, splits, labels and tokenizer; independent of files, order and machine."""
    build_key: str
    """SHA-256 (hex) over everything that decides the content: file digests, spec, feedback, tokenizer."""
    holdout_digest: str
    """SHA-256 (hex) over the holdout rows alone."""
    spec_digest: str
    code_version: str
    created_at: datetime
    """UTC."""
    corpora: dict[str, CorpusRecord]
    """By name; `feedback` is the curated feedback."""
    rows: dict[Split, dict[str, int]]
    """Split -> target locale -> rows."""
    label_counts: dict[Split, dict[str, dict[str, int]]]
    """Split -> locale -> label -> rows; empty for tasks whose target is free text."""
    dropped: dict[str, int]
    """Reason -> rows, over all corpora; drops.jsonl holds a few of each."""
    steps: tuple[StepRecord, ...]
    """What was done, in order: reading, the cleaning steps, deduplication, decontamination and encoding."""
    tokenizer: TokenizerRecord
    feedback_digest: str | None
    """SHA-256 (hex) of the curated feedback file."""
    warnings: tuple[str, ...]
    duration_s: float
    rows_per_s: float
    """Rows read per second of the whole build."""
    files: tuple[PartFile, ...]
    """Every file of the dataset but the manifest."""

    def num_rows(self, split: Split) -> int:
        """Return the number of rows of a split."""
        return sum(self.rows[split].values())

    def to_json(self) -> bytes:
        """Return what manifest.json holds."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=2).encode() + b"\n"


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a dataset's folder; ArtefactError if it is missing, malformed or of another version."""
    path = folder / MANIFEST_NAME
    try:
        return Manifest.model_validate_json(path.read_bytes(), strict=False)
    except FileNotFoundError:
        raise ArtefactError(f"{folder}: this is no dataset: it has no {MANIFEST_NAME}; build it again") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ArtefactError(f"{path}: {place}: {first['msg']}; remove the folder and build the dataset again") from None
