"""Answers with texts: what an encoder-decoder or a decoder writes for an input, and how likely it finds given texts.

Inputs: `PredictInput`s, or rows of ids. Outputs: one `Prediction` each, in order, or ids. Padding is masked, and each
output is cut at its own input's limit, so that an answer does not depend on its company.
"""

from collections.abc import Sequence
from typing import Any

import torch

from polyloop.models.contract import PredictInput, Prediction
from polyloop.models.loaded import LoadedModel, batches, pad_rows
from polyloop.models.text_scores import text_scores
from polyloop.models.token_scores import IGNORED
from polyloop.tasks.translate import Translate
from polyloop.tasks.writing import TextKind, locale_tag


class Texts:
    """A loaded model that writes."""

    def __init__(self, loaded: LoadedModel, kind: TextKind) -> None:
        self._loaded, self._kind = loaded, kind

    def count_tokens(self, item: PredictInput) -> int:
        """Return the number of tokens of an input."""
        return len(self._loaded.encode([item])[0])

    def predict(self, inputs: Sequence[PredictInput]) -> list[Prediction]:
        """Return a text for each input."""
        if not inputs:
            return []
        rows = self._loaded.encode(inputs)
        written = write(self._loaded, self._kind, rows)
        with self._loaded.tokenizing.lock:
            return predictions(rows, written, self._kind, self._loaded.tokenizer)

    def nlls_nats(self, inputs: Sequence[PredictInput], targets: Sequence[str]) -> list[float]:
        """Return the negative log likelihood of each target given its input, in nats, the end token included."""
        rows = self._loaded.encode(inputs)
        with self._loaded.tokenizing.lock:
            wanted = self._kind.encode_texts(self._loaded.tokenizer, targets)
        return nlls_nats(self._loaded, rows, wanted)

    def answerable_locales(self) -> list[str]:
        """Return all locales that the model can write."""
        with self._loaded.tokenizing.lock:
            return writable_locales(self._kind, self._loaded.tokenizer, self._loaded.contract.locales)


def predictions(
    rows: Sequence[list[int]], outputs: Sequence[list[int]], kind: TextKind, tokenizer: Any
) -> list[Prediction]:
    """Return what was written for each row of ids as a prediction."""
    return [
        Prediction(output=text, scores=None, num_input_tokens=len(ids), num_output_tokens=len(output))
        for ids, output, text in zip(rows, outputs, kind.decode(tokenizer, outputs), strict=True)
    ]


def writable_locales(kind: TextKind, tokenizer: Any, locales: Sequence[str]) -> list[str]:
    """Return the locales that a model can write: for translate those with a tag, for other kinds all."""
    if not isinstance(kind, Translate):
        return list(locales)
    vocabulary = tokenizer.get_vocab()
    return [locale for locale in locales if locale_tag(locale) in vocabulary]


def write(loaded: LoadedModel, kind: TextKind, rows: Sequence[list[int]]) -> list[list[int]]:
    """Return the ids that the model writes for each row, the end token included, in batches of similar length."""
    written: dict[int, list[int]] = {}
    with torch.inference_mode():
        for positions in batches([len(ids) for ids in rows]):
            outputs = _write_batch(loaded, kind, [rows[position] for position in positions])
            written.update(zip(positions, outputs, strict=True))
    return [written[position] for position in range(len(rows))]


def nlls_nats(loaded: LoadedModel, rows: Sequence[list[int]], wanted: Sequence[list[int]]) -> list[float]:
    """Return the negative log likelihood, in nats, of each row of wanted ids given its row of input ids."""
    found: dict[int, float] = {}
    with torch.inference_mode():
        for positions in batches([len(row) + len(target) for row, target in zip(rows, wanted, strict=True)]):
            input_ids, mask = loaded.padded([rows[position] for position in positions])
            targets, _ = pad_rows([wanted[position] for position in positions], IGNORED)
            scores = text_scores(loaded.model, input_ids, mask, targets.to(loaded.device)).log_probs
            found.update(zip(positions, (-scores).tolist(), strict=True))
    return [found[position] for position in range(len(rows))]


def _write_batch(loaded: LoadedModel, kind: TextKind, rows: list[list[int]]) -> list[list[int]]:
    limits = [kind.output_limit(len(ids), loaded.contract.max_target_tokens) for ids in rows]
    # A decoder goes on from the end of its input, so that padding has to be on the other side.
    is_decoder = kind.architecture == "decoder"
    input_ids, attention_mask = loaded.padded(rows, on_left=is_decoder)
    generated: Any = loaded.model.generate(
        input_ids=input_ids, attention_mask=attention_mask, max_new_tokens=max(limits), max_length=None
    )
    begin = input_ids.shape[1] if is_decoder else 1
    end = int(loaded.tokenizer.eos_token_id)
    return [until_end(ids[begin:], end, limit) for ids, limit in zip(generated.tolist(), limits, strict=True)]


def until_end(ids: list[int], end: int, limit: int) -> list[int]:
    """Return the generated ids up to and with the end token, at most `limit` of them."""
    ids = ids[:limit]
    return ids[: ids.index(end) + 1] if end in ids else ids
