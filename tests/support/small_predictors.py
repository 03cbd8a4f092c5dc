"""Small predictors with real behaviour, whose weak points a test knows, and rows of a holdout."""

import math
from collections.abc import Callable, Sequence

from polyloop.errors import RequestError
from polyloop.evaluation.suites.sample import HoldoutRow
from polyloop.models.predict import PredictInput, Prediction

LABELS = ("positive", "negative", "neutral")


class WordClassifier:
    """Weighs words: the score of a label is the softmax of its words' count; refuses texts over `limit` characters."""

    def __init__(self, words: dict[str, str], *, limit: int = 1_000, labels: Sequence[str] = LABELS) -> None:
        self.words = words
        self.limit = limit
        self.labels = labels
        self.batches: list[int] = []

    def predict(self, inputs: list[PredictInput]) -> list[Prediction]:
        self.batches.append(len(inputs))
        if any(len(one.text) > self.limit for one in inputs):
            raise RequestError("too long", code="input_too_long")
        return [self._one(one.text) for one in inputs]

    def _one(self, text: str) -> Prediction:
        weights = {label: 1.0 if label == self.labels[-1] else 0.0 for label in self.labels}
        for word, label in self.words.items():
            weights[label] += 2.0 * text.count(word)
        total = sum(math.exp(weight) for weight in weights.values())
        scores = {label: math.exp(weight) / total for label, weight in weights.items()}
        best = max(self.labels, key=lambda label: scores[label])
        return Prediction(output=best, scores=scores, num_input_tokens=1, num_output_tokens=0)


class Translator:
    """Applies a function to texts, without scores."""

    def __init__(self, translate: Callable[[str], str]) -> None:
        self.translate = translate

    def predict(self, inputs: list[PredictInput]) -> list[Prediction]:
        return [
            Prediction(output=self.translate(one.text), scores=None, num_input_tokens=1, num_output_tokens=1)
            for one in inputs
        ]


def holdout_row(text: str, reference: str = "positive", *, locale: str = "en", to: str | None = None) -> HoldoutRow:
    return HoldoutRow(
        id=f"id-{locale}-{text}", locale=locale, target_locale=to or locale, text=text, reference=reference
    )
