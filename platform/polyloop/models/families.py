"""Loads what answers for a version: the family of its kind, by the engine that was chosen.

Inputs: a folder, what a predictor has to know, and the choice of an engine. Output: a `Family`. Where CTranslate2
cannot answer (it is not installed, its files are missing or changed, this machine lacks the numeric type), PyTorch
does, and the log says so as an error: the answers are right, and slower than they should be. Where this machine
computes int8 wrongly, float32 answers in its place.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from polyloop.errors import ArtefactError, ModelError
from polyloop.models.answers import Answers
from polyloop.models.contract import Contract, Family
from polyloop.models.engine_files import ENGINE_FOLDER
from polyloop.models.engines.choice import EngineChoice
from polyloop.models.engines.processors import exact_here
from polyloop.models.labels import Labels
from polyloop.models.loaded import LoadedModel
from polyloop.models.texts import Texts
from polyloop.tasks import KINDS
from polyloop.tasks.answer import Answer
from polyloop.tasks.base import TaskKind
from polyloop.tasks.writing import TextKind

logger = logging.getLogger("polyloop.models")


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What a loaded model may use."""

    device: torch.device
    """Where PyTorch computes."""
    threads: int
    """Threads of one call."""
    max_streams: int = 0
    """Texts that are written piece by piece at once, beside one batch."""


def load_family(
    path: Path,
    contract: Contract,
    choice: EngineChoice,
    resources: Resources,
    check_engine: Callable[[], None],
) -> tuple[Family, EngineChoice]:
    """Return what answers for the model in a folder, and the engine that it answers by after all.

    `check_engine` raises ArtefactError where the converted model's files are not those that were published.
    ArtefactError or ModelError where PyTorch, too, cannot load the model.
    """
    kind, asked, choice = KINDS[contract.kind], choice, exact_here(choice)
    if asked.regret:
        logger.warning("%s answers by %s, not as the spec asks: %s", path, asked, asked.regret)
    if choice != asked:
        logger.warning("%s answers by %s instead of %s: %s", path, choice, asked, choice.regret)
    if choice.engine == "ctranslate2":
        try:
            check_engine()
            return _converted(path, kind, contract, choice, resources), choice
        except (ImportError, ArtefactError, ModelError) as error:
            logger.error("%s answers by PyTorch, for CTranslate2 cannot: %s", path, error)
    return _by_pytorch(path, contract, resources.device), EngineChoice()


def _converted(path: Path, kind: TaskKind, contract: Contract, choice: EngineChoice, resources: Resources) -> Family:
    # Only here, so that a machine without CTranslate2 has PyTorch to answer.
    from polyloop.models.engines.computing import Computing
    from polyloop.models.engines.encoders import converted_labels
    from polyloop.models.engines.texts import ConvertedTexts

    folder = path / ENGINE_FOLDER
    if isinstance(kind, TextKind):
        calls = 1 + resources.max_streams
        computing = Computing(compute_type=choice.compute_type, threads=resources.threads, calls=calls)
        return ConvertedTexts(path, folder, kind, contract, computing)
    computing = Computing(compute_type=choice.compute_type, threads=resources.threads)
    return converted_labels(path, folder, kind, contract, computing)


def _by_pytorch(path: Path, contract: Contract, device: torch.device) -> Family:
    kind = KINDS[contract.kind]
    if isinstance(kind, Answer):
        return Answers(path, contract, device)
    loaded = LoadedModel(path, kind, contract, device)
    return Texts(loaded, kind) if isinstance(kind, TextKind) else Labels(loaded)
