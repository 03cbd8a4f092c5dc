"""Files of preferences for small tasks, as the planning of a training writes them."""

from pathlib import Path
from typing import Any
from uuid import UUID

from tests.support.small_tasks import number_words

from polyloop.data.dataset import open_dataset
from polyloop.retraining.preference_rows import Preferred
from polyloop.retraining.preferring import encoded, save_preferences
from polyloop.spec.models import TaskSpec
from polyloop.training.preference.from_feedback import RatedText, TextPair

LOCALES = ("en", "de", "fr")


def write_pairs(path: Path, task: TaskSpec, dataset_dir: Path, numbers: range = range(24)) -> Path:
    """Write pairs that prefer a number's digits to the same with 99 behind them, and return the file."""
    rows: list[Any] = [
        TextPair(input=number_words(n), chosen=str(n), rejected=f"{n}99", weight=1.0 + n % 2) for n in numbers
    ]
    return _write(path, rows, task, dataset_dir)


def write_judgements(path: Path, task: TaskSpec, dataset_dir: Path, numbers: range = range(24)) -> Path:
    """Write a number's digits as good and, for every other number, the same with 99 behind them as bad."""
    rows: list[Any] = []
    for n in numbers:
        rows.append(RatedText(input=number_words(n), target=str(n), is_desirable=True, weight=1.0))
        if n % 2:
            rows.append(RatedText(input=number_words(n), target=f"{n}99", is_desirable=False, weight=1.0))
    return _write(path, rows, task, dataset_dir)


def _write(path: Path, rows: list[Any], task: TaskSpec, dataset_dir: Path) -> Path:
    locale = "de" if task.kind == "translate" else "en"
    preferred = [
        Preferred(id=str(UUID(int=at)), locale="en", target_locale=locale, row=row) for at, row in enumerate(rows)
    ]
    table, left_out = encoded(preferred, task, LOCALES, open_dataset(dataset_dir))
    assert not left_out
    return save_preferences(table, path).path
