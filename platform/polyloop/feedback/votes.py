"""Whose correction wins where users disagree, and how many examples one user may give. Pure.

A vote weighs the log-odds of its user's reliability, the weight that makes a weighted majority of independent voters
most often right (Nitzan and Paroush 1982). Ratings vote too: for the answer they praise, against the one they blame.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from polyloop.feedback.trust import Statement

MIN_MAJORITY = 0.6
"""Part of the votes' weight that a target needs: three of five equal voters, two of three, not one of two."""

MIN_WEIGHT = 0.05
"""Weight of a user whom min_trust lets in although the coin is as reliable."""

ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An example that could be made: its id and the users who proposed its target, earliest first."""

    key: str
    users: tuple[str, ...]


def winners(statements: Iterable[Statement], reliabilities: Mapping[str, float]) -> dict[str, str]:
    """Return, by key, the target with at least MIN_MAJORITY of the weight for any target or against this one."""
    by_key: dict[str, list[Statement]] = defaultdict(list)
    for statement in statements:
        by_key[statement.key].append(statement)
    found = {key: _winner(group, reliabilities) for key, group in by_key.items()}
    return {key: target for key, target in found.items() if target is not None}


def keep_within_share(candidates: Sequence[Candidate], max_share: float) -> dict[str, str]:
    """Return the keys to keep, each with the user it is counted for, so that nobody gives too large a part.

    The part is `max_share`, or an equal part for each where there are too few users for that. Earlier candidates go
    first; a candidate of several users is counted for the first of them who has room left.
    """
    limit = _limit(Counter(candidate.users[0] for candidate in candidates), max_share)
    counted: Counter[str] = Counter()
    kept: dict[str, str] = {}
    for candidate in candidates:
        user = next((user for user in candidate.users if counted[user] < limit), None)
        if user is not None:
            counted[user] += 1
            kept[candidate.key] = user
    return kept


def _winner(group: Sequence[Statement], reliabilities: Mapping[str, float]) -> str | None:
    votes: dict[str, float] = defaultdict(float)
    denials: dict[str, float] = defaultdict(float)
    for statement in group:
        side = votes if statement.target is not None else denials
        side[statement.target or statement.denied or ""] += _weight(reliabilities[statement.user])
    if not votes:
        return None
    target = max(votes, key=lambda text: (votes[text], text))
    total = sum(votes.values()) + denials[target]
    return target if votes[target] >= MIN_MAJORITY * total - ROUNDING else None


def _weight(reliability: float) -> float:
    return max(MIN_WEIGHT, math.log(reliability / (1.0 - reliability)))


def _limit(counts: Mapping[str, int], max_share: float) -> int:
    """Return the largest number per user that is at most the share of what all users give under that limit."""
    if not counts:
        return 0
    share = max(max_share, 1.0 / len(counts))
    limits = range(max(counts.values()), 0, -1)
    return next(limit for limit in limits if limit <= share * _total(counts, limit) + ROUNDING)


def _total(counts: Mapping[str, int], limit: int) -> int:
    return sum(min(count, limit) for count in counts.values())
