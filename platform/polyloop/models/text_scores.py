"""The log-probability of a text given an input, by an encoder-decoder or by a decoder.

Inputs: a transformers model and padded ids. Output: one sum of token log-probabilities a row, and the number of tokens
in it. Neither padding nor the other rows of a batch change a row's number, beyond rounding. A decoder reads input and
text joined in one row, padded on the right, and is asked for logits only where the text is predicted, if its forward
takes `logits_to_keep`. Limits: an encoder-decoder reads an input anew for each of its texts.
"""

import inspect
from dataclasses import dataclass
from typing import Any

import torch

from polyloop.errors import EmptySideError
from polyloop.models.token_scores import IGNORED, token_log_probs

FILLER_ID = 0
"""Id at masked places of a joined row; any id of the vocabulary would do."""


@dataclass(frozen=True, kw_only=True)
class TextScores:
    """Of each text, the sum of its tokens' log-probabilities in nats (float32) and its length in tokens, (rows,)."""

    log_probs: torch.Tensor
    num_tokens: torch.Tensor


@dataclass(frozen=True, kw_only=True)
class JoinedRows:
    """What a decoder reads, all (rows, longest): ids, mask, and at each place the text's token that comes next."""

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    next_ids: torch.Tensor


def text_scores(model: Any, input_ids: torch.Tensor, attention_mask: torch.Tensor, targets: torch.Tensor) -> TextScores:
    """Return the log-probabilities of `targets` given the inputs, in one call of the model.

    `input_ids` and `attention_mask` (0 or 1) are (rows, longest input), `targets` is (rows, longest target) with -100
    for padding; all int64 and padded on the right. A target without tokens has log-probability 0. The model may be
    wrapped (DDP, peft, torch.compile) and decides by `config.is_encoder_decoder` how it is read. EmptySideError where
    a decoder gets an empty input: nothing would predict the first token.
    """
    if not targets.shape[1]:
        targets = targets.new_full((len(targets), 1), IGNORED)
    bare = _bare(model)
    if bare.config.is_encoder_decoder:
        per_token = _encoder_decoder_scores(model, bare, input_ids, attention_mask, targets)
    else:
        per_token = _decoder_scores(model, bare, join_rows(input_ids, attention_mask, targets))
    return TextScores(log_probs=per_token.sum(dim=1), num_tokens=(targets != IGNORED).sum(dim=1))


def join_rows(input_ids: torch.Tensor, attention_mask: torch.Tensor, targets: torch.Tensor) -> JoinedRows:
    """Return each input followed by its target, padded on the right; arguments and error as in `text_scores`."""
    is_input, is_target = attention_mask.bool(), targets != IGNORED
    num_input, num_target = is_input.sum(dim=1, keepdim=True), is_target.sum(dim=1, keepdim=True)
    shortest, width = torch.stack([num_input.min(), (num_input + num_target).max()]).tolist()
    if not shortest:
        raise EmptySideError(
            f"row {int(num_input.argmin())} of the batch has an empty input; give a decoder at least a start token"
        )
    columns = torch.arange(width, device=input_ids.device)
    from_input = columns < num_input
    from_target = (columns < num_input + num_target) & ~from_input
    joined = input_ids.new_full((len(input_ids), width), FILLER_ID)
    # Boolean masks are read row by row on both sides, and each row has equally many places in both.
    joined[from_input] = input_ids[is_input]
    joined[from_target] = targets[is_target]
    next_ids = torch.full_like(joined, IGNORED)
    next_ids[:, :-1] = joined[:, 1:].where(from_target[:, 1:], IGNORED)
    return JoinedRows(
        input_ids=joined, attention_mask=(from_input | from_target).to(attention_mask.dtype), next_ids=next_ids
    )


def decoder_inputs(bare: Any, targets: torch.Tensor) -> torch.Tensor:
    """Return what an encoder-decoder's decoder reads to write `targets`, (rows, longest) with -100 for padding.

    Some families (M2M100, Blenderbot) have no function of their own for that: they put each token one place on.
    """
    if hasattr(bare, "prepare_decoder_input_ids_from_labels"):
        own: torch.Tensor = bare.prepare_decoder_input_ids_from_labels(targets)
        return own
    start = targets.new_full((len(targets), 1), bare.config.decoder_start_token_id)
    return torch.cat([start, targets[:, :-1].where(targets[:, :-1] != IGNORED, bare.config.pad_token_id)], dim=1)


def _encoder_decoder_scores(
    model: Any, bare: Any, input_ids: torch.Tensor, attention_mask: torch.Tensor, targets: torch.Tensor
) -> torch.Tensor:
    logits = model(
        input_ids=input_ids,
        attention_mask=attention_mask,
        decoder_input_ids=decoder_inputs(bare, targets),
        use_cache=False,
    ).logits
    return token_log_probs(logits.flatten(0, 1), targets.flatten()).view(targets.shape)


def _decoder_scores(model: Any, bare: Any, rows: JoinedRows) -> torch.Tensor:
    is_scored = rows.next_ids != IGNORED
    accepted = inspect.signature(bare.forward).parameters
    inputs: dict[str, Any] = {"input_ids": rows.input_ids, "attention_mask": rows.attention_mask, "use_cache": False}
    if "position_ids" in accepted:
        columns = torch.arange(rows.input_ids.shape[1], device=rows.input_ids.device)
        inputs["position_ids"] = columns.expand(rows.input_ids.shape)
    if "logits_to_keep" not in accepted:
        logits = model(**inputs).logits
        return token_log_probs(logits.flatten(0, 1), rows.next_ids.flatten()).view(rows.next_ids.shape)
    # With a mask the model projects only these places to the vocabulary, and returns them in one flat list.
    logits = model(**inputs, logits_to_keep=is_scored).logits
    scores = token_log_probs(logits, rows.next_ids[is_scored])
    return scores.new_zeros(is_scored.shape).masked_scatter(is_scored, scores)


def _bare(model: Any) -> Any:
    """Return the transformers model inside DDP's, torch.compile's and peft's wrappers."""
    inner = getattr(model, "module", model)
    inner = getattr(inner, "_orig_mod", inner)
    return inner.get_base_model() if hasattr(inner, "get_base_model") else inner
