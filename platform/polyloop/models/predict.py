"""Answers inputs with a model version: labels for classify, answers out of documents for answer, texts for all others.

Inputs: `PredictInput`s with normalised texts. Outputs: one `Prediction` each, in order. Inputs are answered in batches
of similar length; padding is masked, and each output is cut at its own input's limit, so that an answer does not
depend on its company (unless the spec has outputs drawn at random). How each family of kinds does it is in `labels`,
`texts` and `answers`. Limits: one call at a time per object; float32.
"""

from collections.abc import Sequence
from pathlib import Path

import torch

from polyloop.models.answers import Answers
from polyloop.models.artefact import read_manifest
from polyloop.models.artefact import verify as verify_artefact
from polyloop.models.contract import Contract, Family, PredictInput, Prediction
from polyloop.models.labels import Labels
from polyloop.models.loaded import LoadedModel, pad_rows
from polyloop.models.texts import Texts
from polyloop.spec.models import TaskSpec
from polyloop.tasks import KINDS, kind_of
from polyloop.tasks.answer import Answer
from polyloop.tasks.writing import TextKind

__all__ = ["PredictInput", "Prediction", "Predictor", "pad_rows"]


class Predictor:
    """A loaded model version."""

    def __init__(self, path: Path, *, threads: int | None = None, device: str = "auto", verify: bool = True) -> None:
        """Load the artefact at `path`; ArtefactError if it was changed since it was published.

        `threads` sets the number of threads of the whole process for matrix work; `device` is a torch device, or
        `auto` for a GPU where there is one.
        """
        manifest = verify_artefact(path) if verify else read_manifest(path)
        contract = Contract(
            kind=manifest.kind,
            architecture=manifest.architecture,
            labels=manifest.labels,
            locales=manifest.locales,
            max_input_tokens=manifest.max_input_tokens,
            max_target_tokens=manifest.max_target_tokens,
        )
        self._load(path, contract, threads, device)

    @classmethod
    def of_trained(
        cls, path: Path, task: TaskSpec, locales: Sequence[str], *, threads: int | None = None, device: str = "auto"
    ) -> "Predictor":
        """Load a trained model that is not published yet, so that it can be evaluated first."""
        predictor = cls.__new__(cls)
        predictor._load(path, contract_of(task, locales), threads, device)
        return predictor

    def _load(self, path: Path, contract: Contract, threads: int | None, device: str) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self._contract = contract
        self._family = _family(path, contract, torch.device(_pick_device(device)))

    def count_tokens(self, item: PredictInput) -> int:
        """Return the number of tokens of an input; RequestError (422) if it is longer than the version takes."""
        return self._family.count_tokens(item)

    def predict(self, inputs: Sequence[PredictInput]) -> list[Prediction]:
        """Return one prediction an input, in order; RequestError (422) if one is longer than the version takes."""
        return self._family.predict(inputs)

    def nlls_nats(self, inputs: Sequence[PredictInput], targets: Sequence[str]) -> list[float]:
        """Return the negative log likelihood of each target given its input, in nats, the end token included.

        For kinds that write text. RequestError (422) if an input is longer than the version takes.
        """
        assert isinstance(self._family, Texts)
        return self._family.nlls_nats(inputs, targets)

    def warm_up(self) -> None:
        """Answer once per locale, so that the first user does not pay for lazy initialisation."""
        for locale in self._family.answerable_locales():
            self.predict([PredictInput(text="1", locale=locale, target_locale=locale)])


def contract_of(task: TaskSpec, locales: Sequence[str]) -> Contract:
    """Return what a predictor of a task's next version has to know."""
    return Contract(
        kind=task.kind,
        architecture=kind_of(task).architecture,
        labels=task.labels,
        locales=tuple(locales),
        max_input_tokens=task.model.max_input_tokens,
        max_target_tokens=task.model.max_target_tokens,
    )


def _family(path: Path, contract: Contract, device: torch.device) -> Family:
    kind = KINDS[contract.kind]
    if isinstance(kind, Answer):
        return Answers(path, contract, device)
    loaded = LoadedModel(path, kind, contract, device)
    return Texts(loaded, kind) if isinstance(kind, TextKind) else Labels(loaded)


def _pick_device(device: str) -> str:
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"
