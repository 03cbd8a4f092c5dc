"""Finds answers in passages with an extractive question-answering model of transformers.

Inputs: a folder with a model that gives start and end logits (AutoModelForQuestionAnswering) and its fast tokenizer; a
question with passages. Output: spans, best first. Files are safetensors only. Padding never changes a result by
more than the model's own rounding. Limits: one question a call; left-padding and generative models do not fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from polyloop.retrieval.checkpoints import load_folder
from polyloop.retrieval.spans import SpanDecision, TextSpan, best_spans, decide_spans, no_answer_score
from polyloop.retrieval.windows import Window, WindowSize, make_windows

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

NOT_PADDED = 0
PADDING_IDS = {"attention_mask": NOT_PADDED, "token_type_ids": NOT_PADDED}


@dataclass(frozen=True, kw_only=True)
class ReadingSettings:
    """How answers are read."""

    max_answer_tokens: int = 30
    num_candidates: int = 5
    """Spans that compete, and so citations at most."""
    batch_size: int = 8
    window: WindowSize = field(default_factory=WindowSize)


class SpanReader:
    """A reading model with its tokenizer."""

    def __init__(
        self, model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", settings: ReadingSettings | None = None
    ) -> None:
        self.model: Any = model
        self.model.eval()  # type: ignore[no-untyped-call]
        self.tokenizer = tokenizer
        self.settings = settings or ReadingSettings()

    def decide(self, question: str, passages: Sequence[str]) -> SpanDecision:
        """Return the best spans of the passages, with places in the given order."""
        settings = self.settings
        windows = make_windows(self.tokenizer, question, passages, settings.window) if question.strip() else []
        spans: list[TextSpan] = []
        nothing: list[float] = []
        for window, (starts, ends) in zip(windows, self._logits(windows), strict=True):
            spans += _text_spans(window, starts, ends, settings)
            nothing.append(no_answer_score(starts, ends))
        return decide_spans(spans, nothing, limit=settings.num_candidates)

    def _logits(self, windows: Sequence[Window]) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Return start and end logits of each window, shape (num_tokens,), in float64."""
        logits: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
        for first in range(0, len(windows), self.settings.batch_size):
            batch = windows[first : first + self.settings.batch_size]
            with torch.inference_mode():
                output: Any = self.model(**_padded(batch, self.tokenizer.pad_token_id or 0, self.model.device))
            starts, ends = (
                values.to("cpu", torch.float64).numpy() for values in (output.start_logits, output.end_logits)
            )
            for row, window in enumerate(batch):
                num_tokens = len(window.readable)
                logits.append((starts[row, :num_tokens], ends[row, :num_tokens]))
        return logits


def load_span_reader(path: Path, settings: ReadingSettings | None = None) -> SpanReader:
    """Return the reader in a folder; ModelError where it is absent, pickled, not extractive or untrained for it."""
    from transformers import AutoModelForQuestionAnswering  # seconds to import, and BM25 alone does not need it

    model, tokenizer = load_folder(path, AutoModelForQuestionAnswering, "reading model")
    return SpanReader(model, tokenizer, settings)


def _text_spans(
    window: Window, starts: NDArray[np.float64], ends: NDArray[np.float64], settings: ReadingSettings
) -> list[TextSpan]:
    found = best_spans(
        starts, ends, window.readable, max_tokens=settings.max_answer_tokens, limit=settings.num_candidates
    )
    return [
        TextSpan(
            passage=window.passage,
            start=int(window.offsets[span.first, 0]),
            end=int(window.offsets[span.last, 1]),
            score=span.score,
        )
        for span in found
    ]


def _padded(windows: Sequence[Window], pad_id: int, device: torch.device) -> dict[str, torch.Tensor]:
    """Return the inputs of windows as int64 tensors of shape (num_windows, longest), padded at the end."""
    longest = max(len(window.readable) for window in windows)
    return {
        name: torch.tensor(
            [
                ids + [PADDING_IDS.get(name, pad_id)] * (longest - len(ids))
                for ids in (window.model_inputs[name] for window in windows)
            ],
            device=device,
        )
        for name in windows[0].model_inputs
    }
