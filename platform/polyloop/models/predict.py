"""Answers inputs with a model version: labels for classify, answers out of documents for answer, texts for all others.

Inputs: `PredictInput`s with normalised texts. Outputs: one `Prediction` each, in order. Inputs are answered in batches
of similar length; padding is masked, and each output is cut at its own input's limit, so that an answer does not
depend on its company (unless the spec has outputs drawn at random). How each family of kinds does it is in `labels`,
`texts`, `engines` and `answers`. Limits: one call at a time per object, streams aside; PyTorch in float32.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path

import torch

from polyloop.models.artefact import read_manifest, verify_engine, verify_model
from polyloop.models.contract import Contract, PredictInput, Prediction, Scoring, Streaming
from polyloop.models.engines.choice import ANY_ENGINE, EngineChoice, EngineWish, choose
from polyloop.models.families import Resources, load_family
from polyloop.models.loaded import pad_rows
from polyloop.models.manifest import EngineNote
from polyloop.spec.models import TaskSpec
from polyloop.tasks import kind_of

__all__ = ["PredictInput", "Prediction", "Predictor", "pad_rows"]


class Predictor:
    """A loaded model version."""

    def __init__(
        self,
        path: Path,
        *,
        threads: int | None = None,
        device: str = "auto",
        verify: bool = True,
        wish: EngineWish = ANY_ENGINE,
        max_streams: int = 0,
    ) -> None:
        """Load the artefact at `path`; ArtefactError if it was changed since it was published.

        `threads` sets the number of threads of the whole process for matrix work; `device` is the torch device that
        PyTorch computes on, or `auto` for a GPU where there is one. `wish` asks for an engine; where it cannot answer,
        PyTorch does and the log says so. At most `max_streams` streams may be open at once.
        """
        manifest = verify_model(path) if verify else read_manifest(path)
        contract = Contract(
            kind=manifest.kind,
            architecture=manifest.architecture,
            labels=manifest.labels,
            locales=manifest.locales,
            max_input_tokens=manifest.max_input_tokens,
            max_target_tokens=manifest.max_target_tokens,
        )

        def check_engine() -> None:
            if verify:
                verify_engine(path, manifest)

        self._load(path, contract, manifest.engine, wish, check_engine, _resources(threads, device, max_streams))

    @classmethod
    def of_trained(
        cls,
        path: Path,
        task: TaskSpec,
        locales: Sequence[str],
        *,
        threads: int | None = None,
        device: str = "auto",
        engine: EngineNote | None = None,
        wish: EngineWish = ANY_ENGINE,
    ) -> "Predictor":
        """Load a trained model that is not published yet, so that it can be evaluated first.

        `engine` is what its manifest is going to say of engines.
        """
        predictor = cls.__new__(cls)
        contract = contract_of(task, locales)
        predictor._load(path, contract, engine, wish, lambda: None, _resources(threads, device, 0))
        return predictor

    def _load(
        self,
        path: Path,
        contract: Contract,
        note: EngineNote | None,
        wish: EngineWish,
        check_engine: Callable[[], None],
        resources: Resources,
    ) -> None:
        self._contract = contract
        self._family, self._engine = load_family(path, contract, choose(note, wish), resources, check_engine)

    @property
    def engine(self) -> EngineChoice:
        """Return what answers."""
        return self._engine

    @property
    def can_stream(self) -> bool:
        """Return whether `stream` may be called: True if texts can be given while they are written."""
        return isinstance(self._family, Streaming) and self._family.can_stream

    def count_tokens(self, item: PredictInput) -> int:
        """Return the number of tokens of an input; RequestError (422) if it is longer than the version takes."""
        return self._family.count_tokens(item)

    def predict(self, inputs: Sequence[PredictInput]) -> list[Prediction]:
        """Return one prediction an input, in order; RequestError (422) if one is longer than the version takes."""
        return self._family.predict(inputs)

    def stream(self, item: PredictInput) -> Generator[str | Prediction]:
        """Yield the pieces of one text as they are written, and then what `predict` gives, whose output they make up.

        Only where `can_stream`; may go on beside other calls. Closing the generator stops the writing. RequestError
        (422) if the input is longer than the version takes.
        """
        assert isinstance(self._family, Streaming)
        return self._family.stream(item)

    def nlls_nats(self, inputs: Sequence[PredictInput], targets: Sequence[str]) -> list[float]:
        """Return the negative log likelihood of each target given its input, in nats, the end token included.

        For kinds that write text. RequestError (422) if an input is longer than the version takes.
        """
        assert isinstance(self._family, Scoring)
        return self._family.nlls_nats(inputs, targets)

    def warm_up(self) -> None:
        """Answer once per locale, so that the first user does not pay for lazy initialisation."""
        items = [PredictInput(text="1", locale=one, target_locale=one) for one in self._family.answerable_locales()]
        for item in items:
            self.predict([item])
        if items and self.can_stream:
            with closing(self.stream(items[0])) as parts:
                next(parts)


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


def _resources(threads: int | None, device: str, max_streams: int) -> Resources:
    if threads is not None:
        torch.set_num_threads(threads)
    name = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    return Resources(device=torch.device(name), threads=threads or torch.get_num_threads(), max_streams=max_streams)
