"""How likely a language model finds each sentence of a pair, for masked and for causal models.

Inputs: any transformers model with a language modelling head, its tokenizer, and pairs of texts. Output: two scores a
pair, natural logarithms, to be compared with each other only. Batches hold texts of like length; padding is masked, so
scores do not depend on the batch but for rounding.

Limits: a masked model reads a sentence once for each token that the two share, a causal model once. A batch takes
rows x tokens x vocabulary numbers of logits.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Literal

import torch
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
)

from polyloop.errors import EvaluationError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

BATCH_SIZE = 32
"""Sentences of one model call."""
Family = Literal["masked", "causal"]
TextPair = tuple[str, str]
ScorePair = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class _Query:
    """Tokens to read, and at which places of the output which tokens are scored."""

    ids: tuple[int, ...]
    places: tuple[int, ...]
    targets: tuple[int, ...]


def family_of(model: "PreTrainedModel") -> Family:
    """Return whether a model fills masks or continues texts; EvaluationError if its class does neither."""
    name = type(model).__name__
    if name in MODEL_FOR_MASKED_LM_MAPPING_NAMES.values() and not model.config.is_encoder_decoder:
        return "masked"
    if name in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values() and not model.config.is_encoder_decoder:
        return "causal"
    raise EvaluationError(
        f"{name} neither fills masks nor continues texts; load the checkpoint with AutoModelForMaskedLM or "
        "AutoModelForCausalLM"
    )


def pair_scores(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    pairs: Sequence[TextPair],
    *,
    batch_size: int = BATCH_SIZE,
) -> list[ScorePair]:
    """Return the scores of the two texts of each pair, as the model's family has them."""
    scored = masked_scores if family_of(model) == "masked" else causal_scores
    return scored(model, tokenizer, pairs, batch_size=batch_size)


def masked_scores(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    pairs: Sequence[TextPair],
    *,
    batch_size: int = BATCH_SIZE,
) -> list[ScorePair]:
    """Return the pseudo-log-likelihood of the tokens that the two texts of a pair share, given those that differ.

    Each shared token is masked alone and scored from all others, and the logarithms are summed (Nangia et al. 2020,
    section 3). Which tokens are shared, a longest common subsequence of blocks tells. Raises EvaluationError for a
    tokenizer without a mask token, and for a text that is too long for the model.
    """
    if tokenizer.mask_token_id is None:
        raise EvaluationError(
            f"the tokenizer {tokenizer.name_or_path!r} has no mask token; it is not of a masked model"
        )
    queries: list[_Query] = []
    owners: list[int] = []
    for number, (first, second) in enumerate(pairs):
        encoded = [_encoded(tokenizer, text) for text in (first, second)]
        for side, ((ids, special), places) in enumerate(
            zip(encoded, _shared(encoded[0][0], encoded[1][0]), strict=True)
        ):
            for place in places:
                if not special[place]:
                    masked = (*ids[:place], tokenizer.mask_token_id, *ids[place + 1 :])
                    queries.append(_Query(ids=masked, places=(place,), targets=(ids[place],)))
                    owners.append(2 * number + side)
    sums = [0.0] * (2 * len(pairs))
    for owner, logarithm in zip(owners, _log_likelihoods(model, tokenizer, queries, batch_size), strict=True):
        sums[owner] += logarithm
    return list(zip(sums[::2], sums[1::2], strict=True))


def causal_scores(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    pairs: Sequence[TextPair],
    *,
    batch_size: int = BATCH_SIZE,
) -> list[ScorePair]:
    """Return the mean log-likelihood of a text's tokens, each given those before it.

    The mean is that of perplexity, as in LLaMA (Touvron et al. 2023, section 5.1, https://arxiv.org/abs/2302.13971);
    lm-evaluation-harness compares sums instead, which favours the text with fewer tokens. A text follows the beginning
    token, or the end token where there is no other; without either, its first token is read and not scored.
    """
    start = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
    queries = []
    for text in (text for pair in pairs for text in pair):
        plain = tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        ids = tuple(plain) if start is None else (start, *plain)
        if len(ids) < 2:
            raise EvaluationError(f"{text!r} has no token to score; leave out the pair")
        queries.append(_Query(ids=ids, places=tuple(range(len(ids) - 1)), targets=ids[1:]))
    sums = _log_likelihoods(model, tokenizer, queries, batch_size)
    means = [one / len(query.targets) for one, query in zip(sums, queries, strict=True)]
    return list(zip(means[::2], means[1::2], strict=True))


def _encoded(tokenizer: "PreTrainedTokenizerBase", text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the token ids of a text, special ones included, and 1 for each id that the tokenizer added."""
    encoded = tokenizer(text, return_special_tokens_mask=True, verbose=False)
    return tuple(encoded["input_ids"]), tuple(encoded["special_tokens_mask"])


def _shared(first: Sequence[int], second: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the places of the tokens that two lists share, in each of them."""
    blocks = SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks()
    return (
        [block.a + step for block in blocks for step in range(block.size)],
        [block.b + step for block in blocks for step in range(block.size)],
    )


def _log_likelihoods(
    model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", queries: Sequence[_Query], batch_size: int
) -> list[float]:
    """Return for each query the sum of the logarithms of its targets' probabilities."""
    _refuse_too_long(model, queries)
    order = sorted(range(len(queries)), key=lambda number: len(queries[number].ids))
    found = [0.0] * len(queries)
    padding = tokenizer.pad_token_id or 0
    with _evaluating(model), torch.inference_mode():
        for start in range(0, len(order), batch_size):
            numbers = order[start : start + batch_size]
            sums = _batch([queries[number] for number in numbers], model, padding)
            for number, one in zip(numbers, sums, strict=True):
                found[number] = one
    return found


def _batch(queries: Sequence[_Query], model: Any, padding: int) -> list[float]:
    width = max(len(query.ids) for query in queries)
    ids = torch.full((len(queries), width), padding, dtype=torch.long)
    attended = torch.zeros((len(queries), width), dtype=torch.long)
    for row, query in enumerate(queries):
        ids[row, : len(query.ids)] = torch.tensor(query.ids)
        attended[row, : len(query.ids)] = 1
    logits = model(input_ids=ids.to(model.device), attention_mask=attended.to(model.device)).logits
    rows = torch.tensor([row for row, query in enumerate(queries) for _ in query.places])
    places = torch.tensor([place for query in queries for place in query.places])
    targets = torch.tensor([target for query in queries for target in query.targets])
    # Only the scored places are normalised, in float32 whatever the model's own type is.
    chosen = logits[rows.to(logits.device), places.to(logits.device)].float().log_softmax(dim=-1)
    logarithms = chosen.gather(1, targets.to(logits.device)[:, None])[:, 0].double().cpu()
    return torch.zeros(len(queries), dtype=torch.float64).index_add_(0, rows, logarithms).tolist()


def _refuse_too_long(model: "PreTrainedModel", queries: Sequence[_Query]) -> None:
    limit = getattr(model.config, "max_position_embeddings", None)
    longest = max((len(query.ids) for query in queries), default=0)
    if isinstance(limit, int) and longest > limit:
        raise EvaluationError(f"a sentence has {longest} tokens and the model reads {limit}; leave out such pairs")


@contextmanager
def _evaluating(model: "PreTrainedModel") -> Iterator[None]:
    """Switch dropout off inside the block."""
    was_training = model.training
    model.train(False)
    try:
        yield
    finally:
        model.train(was_training)
