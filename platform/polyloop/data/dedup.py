"""Exact deduplication: which of the rows that share an id stay.

Input: the rows of one id. Output: the reason why each is dropped, None for the one that stays. Pure and independent of
the rows' order. Rules, in this order:

1. holdout wins over dev, dev over train, so that nothing that a model is judged on is ever learnt;
2. in train, users' corrections replace corpus rows;
3. the target that most rows give wins, the smallest by code point among equals;
4. of the rows left, the heaviest stays, then the one whose corpus name is smallest.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from polyloop.data.rows import FEEDBACK_CORPUS

SPLIT_RANK = {"holdout": 0, "dev": 1, "train": 2}
LOST_TO_SPLIT = {"holdout": "in_holdout", "dev": "in_dev"}


class Claim(NamedTuple):
    """What of a row decides whether it stays."""

    split: str
    corpus: str
    target: str
    weight: float


def drop_reasons(claims: Sequence[Claim]) -> list[str | None]:
    """Return for each of the rows that share an id why it is dropped; exactly one gets None."""
    split = min((claim.split for claim in claims), key=SPLIT_RANK.__getitem__)
    rows = [claim for claim in claims if claim.split == split]
    corrected = split == "train" and any(claim.corpus == FEEDBACK_CORPUS for claim in rows)
    if corrected:
        rows = [claim for claim in rows if claim.corpus == FEEDBACK_CORPUS]
    votes = Counter(claim.target for claim in rows)
    target = min(votes, key=lambda text: (-votes[text], text))
    winner = min((claim for claim in rows if claim.target == target), key=lambda claim: (-claim.weight, claim.corpus))

    reasons: list[str | None] = []
    winner_seen = False
    for claim in claims:
        if claim == winner and not winner_seen:
            reasons.append(None)
            winner_seen = True
        else:
            reasons.append(_why_lost(claim, winner, corrected))
    return reasons


def _why_lost(claim: Claim, winner: Claim, corrected: bool) -> str:
    if claim.split != winner.split:
        return LOST_TO_SPLIT[winner.split]
    if corrected and claim.corpus != FEEDBACK_CORPUS:
        return "replaced_by_feedback"
    return "duplicate" if claim.target == winner.target else "conflicting_target"
