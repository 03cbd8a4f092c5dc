"""Settles which engine a version is published with: converts the trained model and compares what both answer.

Input: a trained model that writes texts or gives labels, its task and dataset. Output: the note for the manifest, and
in the model's folder the converted model, where it is what serves. A model that cannot be converted, or whose answers
would not be the same, is published without it, and that is told and logged. What was settled is kept beside the trained
model, so that a publication which is tried again is the same.
"""

import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from pydantic import ValidationError

from polyloop.data.dataset import Dataset
from polyloop.errors import EvaluationError, ModelError, first_line
from polyloop.models.contract import Contract
from polyloop.models.engine_files import ENGINE_FOLDER
from polyloop.models.engines.choice import PYTORCH_TYPE, EngineWish, wish_of
from polyloop.models.engines.verdict import decide
from polyloop.models.manifest import ComputeType, EngineNote
from polyloop.models.predict import contract_of
from polyloop.models.storage import write_bytes
from polyloop.retraining.engine_subjects import LabelSubject, Subject, TextSubject
from polyloop.retraining.engine_trials import Trials
from polyloop.spec.models import TaskSpec
from polyloop.tasks import kind_of
from polyloop.tasks.base import TaskKind
from polyloop.tasks.writing import TextKind

logger = logging.getLogger("polyloop.retraining")

TRIED_TYPES: tuple[ComputeType, ...] = ("int8", "float32")
"""Numeric types that CTranslate2 is tried in."""


def settle_engine(
    task: TaskSpec, dataset: Dataset, trained_dir: Path, locales: Sequence[str], progress: Callable[[str], None]
) -> EngineNote:
    """Return which engine a version is published with, and leave its files in `trained_dir`.

    ArtefactError where the trained model cannot be loaded, StorageFullError where the disk is full.
    """
    kind, wish, contract = kind_of(task), wish_of(task.serving), contract_of(task, locales)
    record = trained_dir.parent / f"engine-{wish.engine}.json"
    kept = _kept(record, trained_dir)
    if kept is not None:
        return kept
    shutil.rmtree(trained_dir / ENGINE_FOLDER, ignore_errors=True)
    if task.kind == "answer":
        return _pytorch(f"a version of kind {task.kind} is not converted")
    if wish.engine == "pytorch":
        return _pytorch("the spec has PyTorch answer")
    note = _tried(kind, task, wish, contract, dataset, trained_dir, progress)
    write_bytes(record, note.model_dump_json(indent=2).encode())
    return note


def _subject(kind: TaskKind, trained_dir: Path, contract: Contract) -> Subject:
    if isinstance(kind, TextKind):
        return TextSubject(trained_dir, kind, contract)
    return LabelSubject(trained_dir, kind, contract)


def _kept(record: Path, trained_dir: Path) -> EngineNote | None:
    """Return what an earlier attempt has settled, if the folder is as that attempt left it."""
    try:
        note = EngineNote.model_validate_json(record.read_bytes())
    except (OSError, ValidationError):
        return None
    return note if (note.engine == "ctranslate2") == (trained_dir / ENGINE_FOLDER).is_dir() else None


def _pytorch(reason: str) -> EngineNote:
    return EngineNote(engine="pytorch", compute_type=PYTORCH_TYPE, reason=reason)


def _tried(
    kind: TaskKind,
    task: TaskSpec,
    wish: EngineWish,
    contract: Contract,
    dataset: Dataset,
    trained_dir: Path,
    progress: Callable[[str], None],
) -> EngineNote:
    converted_dir = trained_dir.parent / "converted"
    shutil.rmtree(converted_dir, ignore_errors=True)
    try:
        # Only here, so that a machine without CTranslate2 can publish all the same.
        from polyloop.models.engines.convert import convert

        convert(trained_dir, converted_dir)
    except (ImportError, ModelError, RuntimeError, ValueError) as error:
        return _told(_pytorch(f"CTranslate2: {first_line(error)}"), progress)
    threads = task.serving.threads
    try:
        # Replicas have as many, and PyTorch's belong to the whole process.
        with torch_threads(threads):
            subject = _subject(kind, trained_dir, contract)
            trials = Trials(subject, dataset.table("holdout"), threads=threads)
            found = [trials.reference, *(trials.converted(converted_dir, one) for one in TRIED_TYPES)]
    except EvaluationError as error:
        return _told(_pytorch(str(error)), progress)
    note = decide(found, wish, deviations=subject.deviations, threads=threads)
    if note.engine == "ctranslate2":
        converted_dir.rename(trained_dir / ENGINE_FOLDER)
    return _told(note, progress)


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let PyTorch have so many threads inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _told(note: EngineNote, progress: Callable[[str], None]) -> EngineNote:
    for trial in note.trials:
        if trial.refusals:
            message = f"{trial.name} is left out: {'; '.join(trial.refusals)}"
            logger.warning(message)
            progress(message)
    if not note.trials:
        logger.warning("it is published without CTranslate2: %s", note.reason)
    progress(f"{note.engine} {note.compute_type} is to answer: {note.reason}")
    return note
