"""Drops pairs of input and target whose lengths do not fit each other, or whose two sides are the same text.

Input and output: a draft, unchanged. Rows with a label are not pairs. Whether each side is in its language is asked by
the language step.

Lengths are in English letters (`polyloop.data.words.count_letters`, measured on parallel texts). Moses'
clean-corpus-n.perl compares numbers of words, which says nothing across scripts; the ratio is its rule, the measure is
not. Short pairs vary more ("Cheers!" is one word in one language and a phrase in another), so that `ALLOWANCE_LETTERS`
are added to both sides, which weighs little in a sentence. At a ratio of 2, that drops 0.05 % of the pairs of Tatoeba
English-Chinese (1.2 % without), 0.1 % of XDailyDialog and 0.9 % of News Commentary.
"""

import re
from dataclasses import dataclass
from typing import ClassVar

from polyloop.data.steps.base import Draft, Step
from polyloop.data.words import count_letters

ALLOWANCE_LETTERS = 10.0
"""English letters added to both sides before they are compared: two words."""

_NO_LETTER = re.compile(r"[\W_]+")


@dataclass(frozen=True, kw_only=True)
class ParallelStep(Step):
    """What a pair must meet."""

    name: ClassVar[str] = "parallel"
    reads: ClassVar[frozenset[str]] = frozenset({"input", "target", "has_label"})
    reasons: ClassVar[tuple[str, ...]] = ("pair_copy", "pair_length_ratio")

    max_length_ratio: float | None = None
    """Most times that one side may be longer than the other; None does not ask."""
    drop_copies: bool = False
    """True drops pairs whose sides have the same letters and digits in the same order, whatever their case."""

    def apply(self, draft: Draft) -> str | None:
        """Return pair_copy or pair_length_ratio, or None to keep the pair."""
        if draft.has_label:
            return None
        if self.drop_copies and _same(draft.input, draft.target):
            return "pair_copy"
        if self.max_length_ratio is not None and _ratio(draft.input, draft.target) > self.max_length_ratio:
            return "pair_length_ratio"
        return None


def _same(first: str, second: str) -> bool:
    if first == second:
        return True
    bare_first, bare_second = (_NO_LETTER.sub("", text.casefold()) for text in (first, second))
    return bare_first == bare_second != ""


def _ratio(first: str, second: str) -> float:
    lengths = [count_letters(text) + ALLOWANCE_LETTERS for text in (first, second)]
    return max(lengths) / min(lengths)
