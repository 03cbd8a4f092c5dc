"""Answers with labels: a classifier's logits become a label and honest probabilities.

Inputs: `PredictInput`s. Outputs: one `Prediction` each, in order, with the probability of each label.
"""

from collections.abc import Sequence

import torch

from polyloop.models.contract import PredictInput, Prediction
from polyloop.models.decision import rule_of
from polyloop.models.loaded import LoadedModel, batches


class Labels:
    """A loaded classifier."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded = loaded
        self._rule = rule_of(loaded.model.config)

    def count_tokens(self, item: PredictInput) -> int:
        """Return the number of tokens of an input."""
        return len(self._loaded.encode([item])[0])

    def predict(self, inputs: Sequence[PredictInput]) -> list[Prediction]:
        """Return a label for each input."""
        rows = self._loaded.encode(inputs)
        predictions: dict[int, Prediction] = {}
        with torch.inference_mode():
            for positions in batches([len(ids) for ids in rows]):
                input_ids, attention_mask = self._loaded.padded([rows[position] for position in positions])
                logits = self._loaded.model(input_ids=input_ids, attention_mask=attention_mask).logits.float().tolist()
                for position, row in zip(positions, logits, strict=True):
                    predictions[position] = self._label(rows[position], row)
        return [predictions[position] for position in range(len(rows))]

    def answerable_locales(self) -> list[str]:
        """Return all locales."""
        return list(self._loaded.contract.locales)

    def _label(self, ids: list[int], logits: list[float]) -> Prediction:
        labels = self._loaded.contract.labels
        output, probabilities = self._rule.answer(logits, labels)
        scores = dict(zip(labels, probabilities, strict=True))
        return Prediction(output=output, scores=scores, num_input_tokens=len(ids), num_output_tokens=0)
