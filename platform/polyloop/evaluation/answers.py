"""Asks a predictor many inputs and keeps their order, for evaluations, suites and batch inference alike.

Input: a predictor and inputs. Output: one prediction an input, or why it is refused. Equal inputs are asked once; they
go in order of length, the longest first, which wastes least padding. Limits: answers are held in memory.
"""

import time
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from polyloop.errors import EvaluationError, RequestError
from polyloop.models.predict import PredictInput, Prediction
from polyloop.progress import RestOfWork, Share

BATCH_SIZE = 64
"""Inputs that are handed over together; a predictor makes batches of its own of them."""

TOO_LONG = "input_too_long"
"""Code of the error with which a predictor refuses an input that is longer than it takes."""


@runtime_checkable
class Scorer(Protocol):
    """A predictor that also tells how likely it finds given texts."""

    def nlls_nats(self, inputs: Sequence[PredictInput], targets: Sequence[str]) -> list[float]:
        """Return the negative log likelihood of each target given its input, summed over tokens, the end included."""
        ...


class Predictor(Protocol):
    """Anything that answers a list of inputs with one prediction each, in order."""

    def predict(self, inputs: list[PredictInput]) -> list[Prediction]:
        """Return one prediction an input."""
        ...


def answer(
    predictor: Predictor,
    inputs: Sequence[PredictInput],
    *,
    batch_size: int = BATCH_SIZE,
    progress: Callable[[str], None] | None = None,
    what: str = "answered {done} of {all} inputs",
) -> list[Prediction | None]:
    """Return one prediction an input, in order, None for an input that is too long for the model.

    `progress` is told `what`. Raises EvaluationError for a predictor that gives another number of answers than it got
    inputs, and the RequestError of an input that is refused for another reason.
    """
    found = outcomes(predictor, inputs, batch_size=batch_size, progress=progress, what=what, code=TOO_LONG)
    return [None if isinstance(one, RequestError) else one for one in found]


def outcomes(
    predictor: Predictor,
    inputs: Sequence[PredictInput],
    *,
    batch_size: int = BATCH_SIZE,
    progress: Callable[[str], None] | None = None,
    what: str = "answered {done} of {all} inputs",
    code: str | None = None,
) -> list[Prediction | RequestError]:
    """Return for each input, in order, its prediction or why the model refuses it; otherwise as `answer`.

    With `code`, a refusal of another code is raised at once.
    """
    different = sorted(dict.fromkeys(inputs), key=lambda one: -len(one.text))
    found: dict[PredictInput, Prediction | RequestError] = {}
    begun_s, rest, num_characters = time.monotonic(), RestOfWork(), 0
    all_characters = sum(len(one.text) for one in different) or 1
    for start in range(0, len(different), batch_size):
        batch = different[start : start + batch_size]
        found.update(zip(batch, _answer_batch(predictor, batch, code), strict=True))
        num_characters += sum(len(one.text) for one in batch)
        if progress is not None:
            fraction = num_characters / all_characters
            left_s = rest.left_s(fraction, time.monotonic() - begun_s)
            told = what.format(done=start + len(batch), all=len(different))
            progress(Share(told, fraction=fraction, left_s=left_s, tells_all=False))
    return [found[one] for one in inputs]


def _answer_batch(predictor: Predictor, batch: list[PredictInput], code: str | None) -> list[Prediction | RequestError]:
    """Return the outcomes of a batch, which is halved until what is refused stands alone."""
    try:
        predictions = predictor.predict(batch)
    except RequestError as error:
        if code not in (None, error.code):
            raise
        if len(batch) == 1:
            return [error]
        half = len(batch) // 2
        return _answer_batch(predictor, batch[:half], code) + _answer_batch(predictor, batch[half:], code)
    if len(predictions) != len(batch):
        raise EvaluationError(f"the model gave {len(predictions)} answers to {len(batch)} inputs")
    return list(predictions)
