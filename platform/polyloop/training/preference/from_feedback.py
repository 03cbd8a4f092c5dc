"""How what users say about answers becomes preferences. Pure.

Inputs: plain records of judged answers. Outputs: records of texts to prefer or to rate, or the named reason why there
is none; and tables of token ids from these. Which users and corrections to trust is decided before, by the curation of
feedback; so is what belongs to the holdout.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa

from polyloop.tasks.text import normalise_text
from polyloop.training.preference.pairs import BINARY_SCHEMA, PREFERENCE_SCHEMA

Encode = Callable[[Sequence[str]], list[list[int]]]
"""Returns the token ids of each text, special tokens included."""


@dataclass(frozen=True, kw_only=True)
class JudgedAnswer:
    """A served output with what one user said about it: a rating (1 or -1), a correction, or both."""

    input: str
    output: str
    rating: int | None = None
    correction: str | None = None
    weight: float = 1.0


@dataclass(frozen=True, kw_only=True)
class TextPair:
    """A row for DPO, in normalised texts."""

    input: str
    chosen: str
    rejected: str
    weight: float


@dataclass(frozen=True, kw_only=True)
class RatedText:
    """A row for KTO, in normalised texts."""

    input: str
    target: str
    is_desirable: bool
    weight: float


class LeftOut(StrEnum):
    """Why a record gives no row."""

    NOTHING_SAID = "nothing_said"
    """It has no correction (for a pair), or no rating (for a rated text)."""
    EMPTY = "empty"
    """Nothing visible is in the input or in one of the texts."""
    UNCHANGED = "unchanged"
    """The two texts are the same."""
    CONTRADICTORY = "contradictory"
    """The output was rated good and corrected to another one."""


def pair_of_correction(answer: JudgedAnswer) -> TextPair | LeftOut:
    """Return the correction preferred to the served output, or why not."""
    if answer.correction is None:
        return LeftOut.NOTHING_SAID
    pair = _pair(answer.input, answer.correction, answer.output, answer.weight)
    return LeftOut.CONTRADICTORY if isinstance(pair, TextPair) and answer.rating == 1 else pair


def rated_text(answer: JudgedAnswer) -> RatedText | LeftOut:
    """Return the served output as good (rating 1) or bad (-1), or why not; ValueError for another rating."""
    if answer.rating is None:
        return LeftOut.NOTHING_SAID
    if answer.rating not in (1, -1):
        raise ValueError(f"a rating is 1 or -1, not {answer.rating!r}")
    if answer.rating == 1 and isinstance(_pair(answer.input, answer.correction or "", answer.output, 1.0), TextPair):
        return LeftOut.CONTRADICTORY
    source, target = normalise_text(answer.input), normalise_text(answer.output)
    if not (source and target):
        return LeftOut.EMPTY
    return RatedText(input=source, target=target, is_desirable=answer.rating == 1, weight=answer.weight)


def rated_texts_of_pair(pair: TextPair) -> tuple[RatedText, RatedText]:
    """Return a pair's chosen text as good and its rejected one as bad, so that KTO can learn from pairs too."""
    return (
        RatedText(input=pair.input, target=pair.chosen, is_desirable=True, weight=pair.weight),
        RatedText(input=pair.input, target=pair.rejected, is_desirable=False, weight=pair.weight),
    )


def pair_table(pairs: Sequence[TextPair], encode_inputs: Encode, encode_targets: Encode) -> pa.Table:
    """Return pairs as a table with the columns of `PREFERENCE_SCHEMA`, in their order."""
    columns = {
        "input_ids": encode_inputs([pair.input for pair in pairs]),
        "chosen_ids": encode_targets([pair.chosen for pair in pairs]),
        "rejected_ids": encode_targets([pair.rejected for pair in pairs]),
        "weight": [pair.weight for pair in pairs],
    }
    return pa.table(columns, schema=PREFERENCE_SCHEMA)


def rated_table(texts: Sequence[RatedText], encode_inputs: Encode, encode_targets: Encode) -> pa.Table:
    """Return rated texts as a table with the columns of `BINARY_SCHEMA`, in their order."""
    columns = {
        "input_ids": encode_inputs([text.input for text in texts]),
        "target_ids": encode_targets([text.target for text in texts]),
        "desirable": [text.is_desirable for text in texts],
        "weight": [text.weight for text in texts],
    }
    return pa.table(columns, schema=BINARY_SCHEMA)


def _pair(source: str, chosen: str, rejected: str, weight: float) -> TextPair | LeftOut:
    source, chosen, rejected = (normalise_text(text) for text in (source, chosen, rejected))
    if not (source and chosen and rejected):
        return LeftOut.EMPTY
    if chosen == rejected:
        return LeftOut.UNCHANGED
    return TextPair(input=source, chosen=chosen, rejected=rejected, weight=weight)
