"""Answers inputs with a model version: labels for classify, texts for all other kinds.

Inputs: `PredictInput`s with normalised texts. Outputs: one `Prediction` each, in order. Inputs are answered in batches
of similar length; padding is masked, and each output is cut at its own input's limit, so that an answer does not
depend on its company (unless the spec has outputs drawn at random). Limits: one call at a time per object; float32.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer

from polyloop.errors import ArtefactError, RequestError
from polyloop.models.artefact import read_manifest
from polyloop.models.artefact import verify as verify_artefact
from polyloop.models.decision import rule_of
from polyloop.models.pretrained import AUTO_CLASSES, LOAD_ERRORS, first_line
from polyloop.models.quiet import quiet_transformers
from polyloop.models.text_scores import text_scores
from polyloop.models.token_scores import IGNORED
from polyloop.spec.models import TaskSpec
from polyloop.tasks import KINDS
from polyloop.tasks.translate import Translate
from polyloop.tasks.writing import TextKind

MAX_BATCH_ROWS = 64
MAX_BATCH_TOKENS = 8_192
"""Padded input tokens of one model call; bounds memory, and more gains no speed on a CPU."""


@dataclass(frozen=True, kw_only=True)
class PredictInput:
    """One text to answer; `target_locale` equals `locale` for classify."""

    text: str
    locale: str
    target_locale: str


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """One answer; `scores` holds the probability of each label for classify and is None for translate."""

    output: str
    scores: dict[str, float] | None
    num_input_tokens: int
    num_output_tokens: int


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What a predictor has to know besides the weights."""

    kind: str
    labels: tuple[str, ...]
    locales: tuple[str, ...]
    max_input_tokens: int
    max_target_tokens: int


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
        contract = Contract(
            kind=task.kind,
            labels=task.labels,
            locales=tuple(locales),
            max_input_tokens=task.model.max_input_tokens,
            max_target_tokens=task.model.max_target_tokens,
        )
        predictor = cls.__new__(cls)
        predictor._load(path, contract, threads, device)
        return predictor

    def _load(self, path: Path, contract: Contract, threads: int | None, device: str) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self._contract = contract
        self._kind = KINDS[contract.kind]
        self._device = torch.device(_pick_device(device))
        auto_class = AUTO_CLASSES[self._kind.architecture]
        try:
            with quiet_transformers():
                self._tokenizer: Any = AutoTokenizer.from_pretrained(path)
                model = auto_class.from_pretrained(path, use_safetensors=True, dtype=torch.float32)
        except LOAD_ERRORS as error:
            raise ArtefactError(f"the model at {path} cannot be loaded: {first_line(error)}") from error
        self._model: Any = model.to(self._device).eval()
        self._rule = rule_of(model.config)
        self._pad_id = int(self._tokenizer.pad_token_id)

    def count_tokens(self, item: PredictInput) -> int:
        """Return the number of tokens of an input; RequestError (422) if it is longer than the version takes."""
        return len(self._encode([item])[0])

    def predict(self, inputs: Sequence[PredictInput]) -> list[Prediction]:
        """Return one prediction an input, in order; RequestError (422) if one is longer than the version takes."""
        rows = self._encode(inputs)
        predictions: dict[int, Prediction] = {}
        with torch.inference_mode():
            for positions in _batches([len(ids) for ids in rows]):
                answers = self._answer([rows[position] for position in positions])
                predictions.update(zip(positions, answers, strict=True))
        return [predictions[position] for position in range(len(rows))]

    def nlls_nats(self, inputs: Sequence[PredictInput], targets: Sequence[str]) -> list[float]:
        """Return the negative log likelihood of each target given its input, in nats, the end token included.

        For kinds that write text. RequestError (422) if an input is longer than the version takes.
        """
        assert isinstance(self._kind, TextKind)
        rows = self._encode(inputs)
        wanted = self._kind.encode_texts(self._tokenizer, targets)
        found: dict[int, float] = {}
        with torch.inference_mode():
            for positions in _batches([len(row) + len(target) for row, target in zip(rows, wanted, strict=True)]):
                input_ids, mask = self._padded([rows[position] for position in positions], on_left=False)
                targets, _ = pad_rows([wanted[position] for position in positions], IGNORED)
                scores = text_scores(self._model, input_ids, mask, targets.to(self._device)).log_probs
                found.update(zip(positions, (-scores).tolist(), strict=True))
        return [found[position] for position in range(len(rows))]

    def warm_up(self) -> None:
        """Answer once per locale, so that the first user does not pay for lazy initialisation."""
        for locale in self._answerable_locales():
            self.predict([PredictInput(text="1", locale=locale, target_locale=locale)])

    def _answerable_locales(self) -> list[str]:
        if not isinstance(self._kind, Translate):
            return list(self._contract.locales)
        vocabulary = self._tokenizer.get_vocab()
        return [locale for locale in self._contract.locales if f"<2{locale}>" in vocabulary]

    def _encode(self, inputs: Sequence[PredictInput]) -> list[list[int]]:
        texts = [item.text for item in inputs]
        rows = self._kind.encode_inputs(self._tokenizer, texts, [item.target_locale for item in inputs])
        limit = self._contract.max_input_tokens
        longest = max((len(ids) for ids in rows), default=0)
        if longest > limit:
            raise RequestError(
                f"the input has {longest} tokens, but this task takes at most {limit}; send it in parts",
                status=422,
                code="input_too_long",
            )
        return rows

    def _answer(self, rows: list[list[int]]) -> list[Prediction]:
        if isinstance(self._kind, TextKind):
            return self._write(self._kind, rows)
        input_ids, attention_mask = self._padded(rows, on_left=False)
        logits = self._model(input_ids=input_ids, attention_mask=attention_mask).logits.float().tolist()
        return [self._label(ids, row) for ids, row in zip(rows, logits, strict=True)]

    def _label(self, ids: list[int], logits: list[float]) -> Prediction:
        output, probabilities = self._rule.answer(logits, self._contract.labels)
        scores = dict(zip(self._contract.labels, probabilities, strict=True))
        return Prediction(output=output, scores=scores, num_input_tokens=len(ids), num_output_tokens=0)

    def _write(self, kind: TextKind, rows: list[list[int]]) -> list[Prediction]:
        limits = [kind.output_limit(len(ids), self._contract.max_target_tokens) for ids in rows]
        # A decoder goes on from the end of its input, so that padding has to be on the other side.
        is_decoder = kind.architecture == "decoder"
        input_ids, attention_mask = self._padded(rows, on_left=is_decoder)
        generated = self._model.generate(
            input_ids=input_ids, attention_mask=attention_mask, max_new_tokens=max(limits), max_length=None
        )
        begin = input_ids.shape[1] if is_decoder else 1
        end = int(self._tokenizer.eos_token_id)
        outputs = [_until_end(ids[begin:], end, limit) for ids, limit in zip(generated.tolist(), limits, strict=True)]
        texts = kind.decode(self._tokenizer, outputs)
        return [
            Prediction(output=text, scores=None, num_input_tokens=len(ids), num_output_tokens=len(output))
            for ids, output, text in zip(rows, outputs, texts, strict=True)
        ]

    def _padded(self, rows: list[list[int]], *, on_left: bool) -> tuple[torch.Tensor, torch.Tensor]:
        input_ids, attention_mask = pad_rows(rows, self._pad_id, on_left=on_left)
        return input_ids.to(self._device), attention_mask.to(self._device)


def pad_rows(rows: Sequence[Sequence[int]], pad_id: int, *, on_left: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and mask, each int64 of shape (rows, longest), padded on the right or the left."""
    longest = max(len(ids) for ids in rows)
    input_ids = torch.full((len(rows), longest), pad_id, dtype=torch.int64)
    attention_mask = torch.zeros((len(rows), longest), dtype=torch.int64)
    for index, ids in enumerate(rows):
        start = longest - len(ids) if on_left else 0
        input_ids[index, start : start + len(ids)] = torch.tensor(ids, dtype=torch.int64)
        attention_mask[index, start : start + len(ids)] = 1
    return input_ids, attention_mask


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield positions in batches of similar length, the longest first, within the limits of one model call."""
    batch: list[int] = []
    width = 0
    for position in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        full = len(batch) == MAX_BATCH_ROWS or (len(batch) + 1) * width > MAX_BATCH_TOKENS
        if batch and full:
            yield batch
            batch = []
        width = width if batch else lengths[position]
        batch.append(position)
    if batch:
        yield batch


def _until_end(ids: list[int], end: int, limit: int) -> list[int]:
    """Return the generated ids up to and with the end token, at most `limit` of them."""
    ids = ids[:limit]
    return ids[: ids.index(end) + 1] if end in ids else ids


def _pick_device(device: str) -> str:
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"
