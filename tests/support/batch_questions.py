"""Questions and slices for tests of batch inference that need no model."""

from pathlib import Path
from typing import Any

from tests.support.small_tasks import small_task

from polyloop.batch_inference.question import Question
from polyloop.data.read.row import file_format
from polyloop.data.read.scan import scan_file
from polyloop.data.read.slices import Slice


def question(kind: str = "translate", *, spec: dict[str, Any] | None = None, **changes: Any) -> Question:
    """Return a question to version v1 of a small task of the kind."""
    facts: dict[str, Any] = {
        "task_name": "numbers",
        "task": small_task(kind, **(spec or {})),
        "project_locales": ("en", "de", "fr"),
        "version": "v1",
        "model_dir": Path("v1"),
        "columns": {},
        "values": {},
    }
    return Question(**(facts | changes))


def slice_of(path: Path, text: str) -> Slice:
    """Write a file and return its only slice."""
    path.write_text(text, encoding="utf-8")
    (piece,) = scan_file(str(path), file_format(str(path)), "utf-8").slices
    return piece
