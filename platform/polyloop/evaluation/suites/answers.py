"""Asks a predictor many inputs and keeps their order. The one place where suites touch a model's answers.

Input: a predictor and inputs. Output: one prediction an input, None where the model refuses it as too long. Equal
inputs are asked once; they go in order of length, which wastes least padding. Limits: answers are held in memory.
"""

from collections.abc import Callable, Sequence

from polyloop.errors import EvaluationError, RequestError
from polyloop.evaluation.evaluate import TOO_LONG, Predictor
from polyloop.models.predict import PredictInput, Prediction

BATCH_SIZE = 64
"""Inputs that are handed over together; a predictor makes batches of its own of them."""


def answer(
    predictor: Predictor,
    inputs: Sequence[PredictInput],
    *,
    batch_size: int = BATCH_SIZE,
    progress: Callable[[str], None] | None = None,
) -> list[Prediction | None]:
    """Return one prediction an input, in order, None for an input that is too long for the model.

    Raises EvaluationError for a predictor that gives another number of answers than it got inputs.
    """
    different = sorted(dict.fromkeys(inputs), key=lambda one: -len(one.text))
    found: dict[PredictInput, Prediction | None] = {}
    for start in range(0, len(different), batch_size):
        batch = different[start : start + batch_size]
        found.update(zip(batch, _answer_batch(predictor, batch), strict=True))
        if progress is not None:
            progress(f"answered {start + len(batch)} of {len(different)} inputs")
    return [found[one] for one in inputs]


def _answer_batch(predictor: Predictor, batch: list[PredictInput]) -> list[Prediction | None]:
    try:
        predictions = predictor.predict(batch)
    except RequestError as error:
        if error.code != TOO_LONG:
            raise
        if len(batch) == 1:
            return [None]
        half = len(batch) // 2
        return _answer_batch(predictor, batch[:half]) + _answer_batch(predictor, batch[half:])
    if len(predictions) != len(batch):
        raise EvaluationError(f"the model gave {len(predictions)} answers to {len(batch)} inputs")
    return list(predictions)
