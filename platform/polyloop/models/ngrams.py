"""An encoder beside a linear classifier of n-grams, for classification from few rows.

Input: token ids alone; the characters of each token are a table of the model, made from its tokenizer. Output: logits,
a weighted mean of what the n-grams of a row say and of what a small BERT says.

The two learn apart. The linear classifier is solved before the first step (`polyloop.models.ngram_fit`) and never
trained after; in training the encoder answers alone. An encoder that was trained on what the n-grams leave over learned
the noise of the train rows instead (docs/decisions/0017).
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from huggingface_hub.dataclasses import strict
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional
from transformers import BertConfig, BertModel, BertPreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from polyloop.errors import ModelError
from polyloop.models.blend import EQUAL, best_share
from polyloop.models.ngram_features import MAX_TOKEN_CHARACTERS, hashed_ngrams

MODEL_TYPE = "polyloop_ngram_bert"

MIN_ROWS = 2
"""Rows of the train split that an n-gram must be in to count."""

MAX_CELLS = 2**31 - 1
"""Most n-grams of all rows together: liblinear numbers them by 32 bits."""


@strict
class NgramBertConfig(BertConfig):  # type: ignore[no-untyped-call]
    """Sizes of the encoder and of the n-grams; see `polyloop.spec.network.NgramSpec`."""

    model_type = MODEL_TYPE

    ngram_characters: int = 0
    ngram_tokens: int = 0
    ngram_features: int = 0
    """How many different n-grams count; found in the train rows."""
    encoder_share: float = EQUAL
    """Part of the encoder in the mean of logits; chosen on the dev rows."""


class NgramBertForSequenceClassification(BertPreTrainedModel):  # type: ignore[no-untyped-call]
    """Logits from n-grams and an encoder."""

    config_class = NgramBertConfig
    token_characters: torch.Tensor
    ngram_keys: torch.Tensor
    ngram_rarity: torch.Tensor
    ngram_table: torch.Tensor
    ngram_bias: torch.Tensor

    def __init__(self, config: NgramBertConfig) -> None:
        super().__init__(config)
        num_labels = len(config.id2label or {})
        self.bert = BertModel(config, add_pooling_layer=False)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.classifier = nn.Linear(config.hidden_size, num_labels)
        characters = torch.zeros(config.vocab_size, MAX_TOKEN_CHARACTERS, dtype=torch.int32)
        self.register_buffer("token_characters", characters)
        self.make_room(config.ngram_features)
        self.register_buffer("ngram_bias", torch.zeros(num_labels))
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, **_: Any) -> SequenceClassifierOutput:
        """Return logits (rows, labels) for ids and mask of the shape (rows, length); in training, the encoder's."""
        hidden = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask[..., None].to(hidden.dtype)
        mean = (hidden * mask).sum(1) / mask.sum(1)
        logits = self.classifier(self.dropout(mean))
        if not self.training:
            linear = self.linear_logits(input_ids, attention_mask)
            logits = torch.lerp(linear, logits.to(linear.dtype), self.config.encoder_share)
        return SequenceClassifierOutput(logits=logits)

    def observe(
        self,
        batches: Iterable[tuple[torch.Tensor, torch.Tensor]],
        has_label: NDArray[np.bool_],
        row_weights: NDArray[np.float32],
    ) -> None:
        """Solve the linear part on the train rows: ids and mask by batches, labels (rows, labels), weights (rows,).

        n-grams weigh ln((rows + 1) / (rows with it + 1)), after Spärck Jones 1972, over the length of their row; those
        of fewer than MIN_ROWS rows do not count. All n-grams of all rows are held in memory: 85 bytes each, 30 more for
        each thread after the first, and 32 for each n-gram that counts times labels. ModelError where there are more
        than MAX_CELLS.
        """
        # What serves a model has no use for the solver, which takes a second to import.
        from scipy.sparse import csr_matrix

        from polyloop.models.ngram_fit import fit_linear

        rows, hashes = self._cells(batches)
        num_rows = len(has_label)
        keys, places, counts = torch.unique(hashes, return_inverse=True, return_counts=True)
        counted = counts >= MIN_ROWS
        keys, rarity = keys[counted], torch.log((num_rows + 1) / (counts[counted] + 1.0))
        kept = counted[places]
        rows, columns = rows[kept], (torch.cumsum(counted, 0) - 1)[places[kept]].int()
        del hashes, places, kept
        self.begin(len(rarity))
        if not len(rarity):
            return
        values = over_length(rarity[columns], rows, num_rows)
        features = csr_matrix(
            (values.numpy(), (rows.numpy(), columns.numpy())),
            shape=(num_rows, len(rarity)),
            dtype=np.float32,
        )
        solved = fit_linear(features, has_label, row_weights, num_threads=torch.get_num_threads())
        self.ngram_keys.copy_(keys)
        self.ngram_rarity.copy_(rarity)
        self.ngram_table.copy_(torch.from_numpy(solved.weights))
        self.ngram_bias.copy_(torch.from_numpy(solved.biases))

    def settle(self, answers: Callable[[], tuple[NDArray[np.float64], NDArray[np.int64]]]) -> None:
        """Choose the encoder's share; `answers` gives this model's logits and the right labels of the dev rows."""
        self.config.encoder_share = 0.0
        linear, labels = answers()
        self.config.encoder_share = 1.0
        self.config.encoder_share = best_share(linear, answers()[0], labels)

    def begin(self, num_features: int) -> None:
        """Make room for so many n-grams and forget what a version that is gone on from had found out."""
        self.config.encoder_share = EQUAL
        self.ngram_bias.zero_()
        self.make_room(num_features)

    def make_room(self, num_features: int) -> None:
        """Make the tables as large as so many n-grams need; what they held is gone."""
        device = self.classifier.weight.device
        self.config.ngram_features = num_features
        self.register_buffer("ngram_keys", torch.zeros(num_features, dtype=torch.int64, device=device))
        self.register_buffer("ngram_rarity", torch.zeros(num_features, device=device))
        self.register_buffer("ngram_table", torch.zeros(num_features, self.classifier.out_features, device=device))

    def linear_logits(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Return what the n-grams say, (rows, labels)."""
        if not len(self.ngram_keys):
            return self.ngram_bias.expand(len(input_ids), -1)
        rows, hashes = self._distinct(input_ids, attention_mask)
        places = torch.searchsorted(self.ngram_keys, hashes).clamp(max=len(self.ngram_keys) - 1)
        known = self.ngram_keys[places] == hashes
        rows, places = rows[known], places[known]
        values = over_length(self.ngram_rarity[places], rows, len(input_ids))
        starts = torch.searchsorted(rows, torch.arange(len(input_ids), device=rows.device))
        sums = functional.embedding_bag(places, self.ngram_table, starts, mode="sum", per_sample_weights=values)
        return sums + self.ngram_bias

    def _cells(self, batches: Iterable[tuple[torch.Tensor, torch.Tensor]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return row, int32, and hash of each n-gram of each row, both (cells,), on the CPU."""
        numbers, hashes, num_rows, device = [], [], 0, self.token_characters.device
        for ids, mask in batches:
            rows, found = self._distinct(ids.to(device), mask.to(device))
            numbers.append((rows + num_rows).int().cpu())
            hashes.append(found.cpu())
            num_rows += len(ids)
        if (num_cells := sum(map(len, hashes))) > MAX_CELLS:
            raise ModelError(
                f"the train rows have {num_cells:,} n-grams and at most {MAX_CELLS:,} can be solved; lower "
                "`model.ngrams.characters` or `model.max_input_tokens`, or leave `model.ngrams` out"
            )
        return torch.cat(numbers), torch.cat(hashes)

    def _distinct(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return row and hash of the different n-grams of each row, in order, both (cells,)."""
        hashes, present = self._hashes(input_ids, attention_mask)
        ordered = torch.where(present, hashes, -1).sort(dim=1).values
        is_first = ordered >= 0
        is_first[:, 1:] &= ordered[:, 1:] != ordered[:, :-1]
        return is_first.nonzero(as_tuple=True)[0], ordered[is_first]

    def _hashes(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the hash of each n-gram of each row, and which places hold one; both (rows, places)."""
        config = self.config
        parts = list(hashed_ngrams(input_ids, attention_mask.bool(), config.ngram_tokens, salt=1))
        if config.ngram_characters:
            characters, present = self._characters(input_ids)
            parts += hashed_ngrams(characters, present, config.ngram_characters, salt=2)
        return torch.cat([hashes for hashes, _ in parts], dim=1), torch.cat([valid for _, valid in parts], dim=1)

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


def over_length(values: torch.Tensor, rows: torch.Tensor, num_rows: int) -> torch.Tensor:
    """Return the values, each over the Euclidean length of all values of its row; `rows` says which one."""
    squares = torch.zeros(num_rows, device=values.device).index_add_(0, rows, values.square())
    return values / squares.sqrt().clamp(min=1e-6)[rows]
