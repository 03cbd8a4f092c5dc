"""What decides the answers to rows of files: who is asked, and how a row becomes a request. Plain data.

Inputs: a version's folder, the task's spec, and what of a row is what. Output: a `Question`, which workers are given
whole, and a digest by which an unfinished run is known again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polyloop
from polyloop.batch_inference.columns import RECORD_FIELDS
from polyloop.data.storage import file_sha256, json_sha256
from polyloop.errors import SpecError
from polyloop.models.engines.choice import wish_of
from polyloop.models.manifest import MANIFEST_FILE
from polyloop.spec.models import TaskSpec
from polyloop.tasks import kind_of

FORM_VERSION = 1
"""Raised whenever the same question gives other files than before."""

OutputFormat = Literal["jsonl", "parquet"]

NOT_FROM_ROWS = frozenset({"user", "session"})
"""Fields of a request that say who asks: nobody does."""

INPUT = "input"
INPUT_COLUMNS = (INPUT, "text")
"""Columns that hold the input where none is named; plain text files have the second."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One version of one task, and how it is asked."""

    task_name: str
    task: TaskSpec
    project_locales: tuple[str, ...]
    version: str
    model_dir: Path
    columns: Mapping[str, str]
    """Field of the task's requests -> column; others are read from columns of their own names, where there are such."""
    values: Mapping[str, str]
    """Field -> what it is in each row."""
    keep: tuple[str, ...] = ()
    """Columns that stand beside the answers."""
    form: OutputFormat = "jsonl"
    threads: int = 1
    """Threads of a worker; they change no answer beyond rounding, so that the digest leaves them out."""

    def __post_init__(self) -> None:
        fields = request_fields(self.task)
        for name in (*self.columns, *self.values):
            if name not in fields:
                raise SpecError(
                    f"a request to {self.task_name!r} has no field {name!r} that rows could give; it has "
                    f"{', '.join(fields)}"
                )
        if both := sorted(self.columns.keys() & self.values.keys()):
            raise SpecError(f"{both[0]!r} is given as a column and as a value; keep one of them")
        if taken := sorted(RECORD_FIELDS & set(self.keep)):
            raise SpecError(f"the column {taken[0]!r} cannot be kept: answers have a field of this name; rename it")

    def digest(self, slices: list[tuple[str, str]]) -> str:
        """Return the SHA-256 (hex) over all that decides the answers to slices of files (name, SHA-256)."""
        return json_sha256(
            [
                FORM_VERSION,
                polyloop.__version__,
                [self.task_name, self.task.model_dump(mode="json"), list(self.project_locales)],
                [self.version, file_sha256(self.model_dir / MANIFEST_FILE), str(wish_of(self.task.serving))],
                [dict(self.columns), dict(self.values), list(self.keep), self.form],
                slices,
            ]
        )


def request_fields(task: TaskSpec) -> tuple[str, ...]:
    """Return the fields of a task's requests that a row may give."""
    return tuple(name for name in kind_of(task).request_model.model_fields if name not in NOT_FROM_ROWS)
