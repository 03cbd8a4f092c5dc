"""An encoder with hashed n-grams of characters and tokens beside it, for classification.

Input: token ids alone; the characters of each token are a table of the model, made from its tokenizer. Output: logits.
A bag of n-gram embeddings (Joulin et al. 2017, https://aclanthology.org/E17-2068/; character n-grams after Bojanowski
et al. 2017, https://aclanthology.org/Q17-1010/) and the mean of a small BERT's outputs go side by side into one head.
What a linear model of n-grams knows from few rows need not be learned by attention, which adds what n-grams lack.
Limits: hashes collide; a character that the tokenizer cuts into bytes counts as those bytes.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from huggingface_hub.dataclasses import strict
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    BertConfig,
    BertModel,
    BertPreTrainedModel,
    PreTrainedTokenizerBase,
    initialization,
)
from transformers.modeling_outputs import SequenceClassifierOutput

MODEL_TYPE = "polyloop_ngram_bert"

MAX_TOKEN_CHARACTERS = 24
"""Characters of a token that the table holds; the rest of a longer token is left out."""

FIRST_BYTE = 0x110000
"""Number that stands for the byte 0 of a character that was cut; no character has it."""

MIN_ROWS = 2
"""Rows of the train split that an n-gram must be in to count."""

MULTIPLIER = 0x5851F42D4C957F2D
"""Of Knuth's 64-bit linear congruential generator (MMIX); products wrap around."""


@strict
class NgramBertConfig(BertConfig):  # type: ignore[no-untyped-call]
    """Sizes of the encoder and of the n-grams; see `polyloop.spec.network.NgramSpec`."""

    model_type = MODEL_TYPE

    ngram_characters: int = 0
    ngram_tokens: int = 0
    ngram_buckets: int = 1024
    ngram_width: int = 8
    ngram_dropout: float = 0.0
    ngram_init_std: float = 0.05


class NgramBertForSequenceClassification(BertPreTrainedModel):  # type: ignore[no-untyped-call]
    """Logits from a bag of n-grams and an encoder."""

    config_class = NgramBertConfig
    token_characters: torch.Tensor
    ngram_weights: torch.Tensor

    def __init__(self, config: NgramBertConfig) -> None:
        super().__init__(config)
        self.bert = BertModel(config, add_pooling_layer=False)
        self.ngrams = nn.EmbeddingBag(config.ngram_buckets, config.ngram_width, mode="sum")
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.classifier = nn.Linear(config.hidden_size + config.ngram_width, len(config.id2label or {}))
        characters = torch.zeros(config.vocab_size, MAX_TOKEN_CHARACTERS, dtype=torch.int32)
        self.register_buffer("token_characters", characters)
        self.register_buffer("ngram_weights", torch.ones(config.ngram_buckets))
        self.post_init()  # type: ignore[no-untyped-call]

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)  # type: ignore[no-untyped-call]
        if isinstance(module, nn.EmbeddingBag):
            initialization.normal_(module.weight, std=self.config.ngram_init_std)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, **_: Any) -> SequenceClassifierOutput:
        """Return logits (rows, labels) for ids and mask of the shape (rows, length)."""
        hidden = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask[..., None].to(hidden.dtype)
        mean = (hidden * mask).sum(1) / mask.sum(1)
        both = torch.cat([mean, self._bag(input_ids, attention_mask).to(mean.dtype)], dim=-1)
        return SequenceClassifierOutput(logits=self.classifier(self.dropout(both)))

    def observe(self, batches: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> None:
        """Weight n-grams by their inverse document frequency in the train rows, as batches of ids and mask.

        ln((rows + 1) / (rows with it + 1)), after Spärck Jones 1972; n-grams of fewer than MIN_ROWS rows get nothing:
        what was hardly learned, or never, would be noise in an answer.
        """
        counts = torch.zeros(self.config.ngram_buckets, dtype=torch.int64)
        num_rows = 0
        for input_ids, attention_mask in batches:
            buckets, present = self._buckets(input_ids, attention_mask)
            rows = torch.arange(len(input_ids))[:, None].expand_as(buckets)
            distinct = torch.unique(torch.stack([rows[present], buckets[present]]), dim=1)[1]
            counts += torch.bincount(distinct, minlength=len(counts))
            num_rows += len(input_ids)
        weights = torch.log((num_rows + 1) / (counts + 1.0))
        self.ngram_weights.copy_(torch.where(counts >= MIN_ROWS, weights, 0.0))

    def _bag(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return the weighted sum of the n-grams' embeddings over the length of the weights, (rows, width)."""
        config = self.config
        buckets, present = self._buckets(input_ids, attention_mask)
        weights = self.ngram_weights[buckets]
        present = present & (weights > 0)
        if self.training and config.ngram_dropout:
            present = present & (torch.rand(present.shape, device=present.device) >= config.ngram_dropout)
        sizes = present.sum(1)
        offsets = torch.cumsum(sizes, 0) - sizes
        bags: torch.Tensor = self.ngrams(buckets[present], offsets, per_sample_weights=weights[present])
        lengths = (weights.square() * present).sum(1).sqrt().clamp(min=1e-6)
        return bags / lengths[:, None]

    def _buckets(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the bucket of each n-gram of each row, and which places hold one; both (rows, places)."""
        config = self.config
        parts = list(hashed_ngrams(input_ids, attention_mask.bool(), config.ngram_tokens, salt=1))
        if config.ngram_characters:
            characters, present = self._characters(input_ids)
            parts += hashed_ngrams(characters, present, config.ngram_characters, salt=2)
        hashes = torch.cat([hashes for hashes, _ in parts], dim=1)
        return hashes % config.ngram_buckets, torch.cat([valid for _, valid in parts], dim=1)

    def _characters(self, input_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the characters of each row without gaps, and which places hold one; both (rows, most characters)."""
        characters = self.token_characters[input_ids].flatten(1)
        present = characters != 0
        places = torch.cumsum(present, 1) - 1
        counts = present.sum(1)
        longest = max(1, int(counts.max()))
        joined = torch.zeros(len(input_ids), longest, dtype=torch.int64, device=input_ids.device)
        rows = torch.arange(len(input_ids), device=input_ids.device)[:, None].expand_as(places)
        joined[rows[present], places[present]] = characters[present].long()
        return joined, torch.arange(longest, device=input_ids.device) < counts[:, None]


def hashed_ngrams(
    ids: torch.Tensor, present: torch.Tensor, longest: int, *, salt: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield for each order the n-grams' hashes, int64 and not negative, and which of them are there.

    `ids` is (rows, length) and `present` says where; a row's ids stand at its left. Orders longer than the rows are
    left out.
    """
    hashes = torch.zeros_like(ids)
    for order in range(1, min(longest, ids.shape[1]) + 1):
        width = ids.shape[1] - order + 1
        hashes = (hashes[:, :width] + ids[:, order - 1 :] + 1) * MULTIPLIER
        mixed = hashes ^ ((hashes >> 29) + salt + 16 * order)
        yield ((mixed * MULTIPLIER) >> 1).abs(), present[:, order - 1 :]


def token_characters(tokenizer: PreTrainedTokenizerBase) -> torch.Tensor:
    """Return the case-folded characters of each token, int32 (tokens, MAX_TOKEN_CHARACTERS), 0 where there is none."""
    table = torch.zeros(len(tokenizer), MAX_TOKEN_CHARACTERS, dtype=torch.int32)
    special = set(tokenizer.all_special_ids)
    # The same character stands for a byte in one kind of tokenizer and for itself in the other.
    as_bytes = "Ġ" in tokenizer.get_vocab()
    raw = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    for token_id, token in enumerate(raw):
        if token_id in special:
            continue
        characters = characters_of(token, as_bytes=as_bytes)[:MAX_TOKEN_CHARACTERS]
        table[token_id, : len(characters)] = torch.tensor(characters, dtype=torch.int32)
    return table


def characters_of(token: str, *, as_bytes: bool) -> list[int]:
    """Return the characters that a token of a byte-level BPE (`as_bytes`), or of one with byte fallback, stands for."""
    if not as_bytes:
        if token.startswith("<0x") and token.endswith(">"):
            return [FIRST_BYTE + int(token[3:-1], 16)]
        return [ord(one) for one in token.replace("\u2581", " ").casefold()]
    content = bytes(BYTE_OF[character] for character in token)
    text = content.decode("utf-8", errors="surrogateescape").casefold()
    # A byte that is no character by itself is decoded as U+DC80 to U+DCFF.
    return [FIRST_BYTE + ord(one) - 0xDC00 if 0xDC80 <= ord(one) <= 0xDCFF else ord(one) for one in text]


def _byte_alphabet() -> dict[str, int]:
    """Return the byte for each character of the alphabet of byte-level BPE (Radford et al. 2019): printable Latin-1
    stands for itself, the other bytes for the characters from U+0100 on, in order."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + place): byte for place, byte in enumerate(others)}


BYTE_OF = _byte_alphabet()

AutoConfig.register(MODEL_TYPE, NgramBertConfig)
AutoModelForSequenceClassification.register(NgramBertConfig, NgramBertForSequenceClassification)
