"""An optional encoder beside BM25: texts as vectors, and exact search among them.

Inputs: a folder with a transformers encoder (safetensors only) and its tokenizer; texts. Outputs: float32 vectors of
length 1, and scores, their cosines. A text's vector is the mean over its tokens, as Reimers and Gurevych (2019) found
best (https://arxiv.org/abs/1908.10084). Search is a matrix product over all passages: exact, and fast enough up to some
millions of them. Limits: a text longer than the model can take is cut at its end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from polyloop.errors import ModelError
from polyloop.retrieval.checkpoints import load_folder, position_limit
from polyloop.retrieval.normalisation import encodable

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Vectors = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class EncodingSettings:
    """How texts become vectors."""

    query_prefix: str = ""
    """Put before a question; some encoders are trained with one, such as "query: "."""
    passage_prefix: str = ""
    """Put before a passage."""
    max_tokens: int = 512
    """Longer texts are cut; an encoder that has fewer positions cuts them there."""
    batch_size: int = 32


class DenseEncoder:
    """A transformers encoder whose mean over tokens is a text's vector."""

    def __init__(
        self, model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", settings: EncodingSettings | None = None
    ) -> None:
        self.model: Any = model
        self.model.eval()  # type: ignore[no-untyped-call]
        self.tokenizer = tokenizer
        self.settings = settings or EncodingSettings()
        most = self.settings.max_tokens
        self._max_tokens = min(most, position_limit(self.model.config) or most)

    def encode_query(self, text: str) -> Vectors:
        """Return the vector of a question, shape (width,)."""
        vector: Vectors = self._encode([self.settings.query_prefix + text])[0]
        return vector

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of passages, shape (num_texts, width); texts of like length are encoded together."""
        order = sorted(range(len(texts)), key=lambda place: (len(texts[place]), place))
        size = self.settings.batch_size
        batches = [order[first : first + size] for first in range(0, len(order), size)]
        vectors = np.zeros((len(texts), int(self.model.config.hidden_size)), dtype=np.float32)
        for batch in batches:
            vectors[batch] = self._encode([self.settings.passage_prefix + texts[place] for place in batch])
        return vectors

    def _encode(self, texts: Sequence[str]) -> Vectors:
        inputs: Any = self.tokenizer(
            [encodable(text) for text in texts],
            padding=True,
            truncation=True,
            max_length=self._max_tokens,
            split_special_tokens=True,
            return_tensors="pt",
            verbose=False,
        ).to(self.model.device)
        with torch.inference_mode():
            states = self.model(**inputs).last_hidden_state.float()
        return mean_vectors(states, inputs["attention_mask"]).cpu().numpy()


def load_encoder(path: Path, settings: EncodingSettings | None = None) -> DenseEncoder:
    """Return the encoder in a folder; ModelError where it is absent, pickled or cannot be loaded."""
    from transformers import AutoModel  # seconds to import, and BM25 alone does not need it

    model, tokenizer = load_folder(path, AutoModel, "encoder")
    if model.config.is_encoder_decoder:
        raise ModelError(f"{path} is an encoder-decoder ({model.config.model_type}); give an encoder such as BERT's")
    return DenseEncoder(model, tokenizer, settings)


def mean_vectors(states: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
    """Return the mean over the tokens of each text, of length 1 (0 for a text without tokens).

    `states` is float32 of shape (num_texts, num_tokens, width), `attention_mask` of shape (num_texts, num_tokens).
    """
    weights = attention_mask.unsqueeze(-1).to(states.dtype)
    means = (states * weights).sum(1) / weights.sum(1).clamp(min=1)
    return torch.nn.functional.normalize(means, dim=-1)


def cosine_scores(vectors: Vectors, query: Vectors) -> Vectors:
    """Return the cosine of a question with each passage, shape (num_passages,), for vectors of length 1."""
    if vectors.shape[1:] != query.shape:
        raise ModelError(
            f"the index holds vectors of width {vectors.shape[1]} but the encoder gives {query.shape[0]}; "
            "build the index again with this encoder"
        )
    scores: Vectors = vectors @ query
    return scores
