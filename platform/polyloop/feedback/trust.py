"""How far each user's feedback can be relied on. Pure.

Input: what users stated about inputs, and the targets known for some of these. Output: a reliability from 0 to 1 for
each user.

Evidence has two sources. Control items are inputs whose right answer is known; statements agree with it or do not.
Peers are other users who stated a target for the same input; a statement agrees with their majority or does not.
Limits: users who act together on inputs that nobody else sees can agree among themselves; control items find them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from polyloop.tasks.text import normalise_text


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What one user says about the target of one input.

    `key` is the example id of the input. `target` is the target stated: the correction, or the answer itself where it
    was rated 1. Without one, `denied` is the answer that was rated -1. Both are normalised texts. `is_correction`
    tells a target that the user wrote from one that the user praised.
    """

    user: str
    key: str
    target: str | None = None
    denied: str | None = None
    is_correction: bool = False

    def agrees_with(self, target: str) -> bool:
        """Return whether the statement holds if `target` (normalised) is right."""
        return self.target == target if self.target is not None else self.denied != target


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a statement agrees with what is known, or with what others say."""

    statement: Statement
    agrees: bool


@dataclass(frozen=True, kw_only=True)
class UserEvidence:
    """How often a user's statements agreed and disagreed."""

    user: str
    agreements: int = 0
    disagreements: int = 0


@dataclass(frozen=True, kw_only=True)
class Prior:
    """Beta prior of a user's reliability: agreements and disagreements assumed before any are seen."""

    agreements: float
    disagreements: float


def reliability(evidence: UserEvidence, prior: Prior) -> float:
    """Return the mean of the Beta posterior of the user's rate of agreement.

    (prior agreements + agreements) / (all of both). The mean, not a lower bound: a user of whom nothing is known gets
    the prior's mean, and so a chance, which a bound would deny to every newcomer.
    """
    agreed = prior.agreements + evidence.agreements
    return agreed / (agreed + prior.disagreements + evidence.disagreements)


def read_statement(
    *, user: str, key: str, rating: int | None, correction: str | None, output: str | None
) -> Statement | None:
    """Return what feedback states about the target, None if that is nothing, or contradicts itself.

    A correction states itself; without one, a rating of 1 states the answer and a rating of -1 denies it.
    """
    answer = None if output is None else normalise_text(output)
    if correction is not None:
        target = normalise_text(correction)
        if not target or (rating == 1 and answer is not None and target != answer):
            return None
        return Statement(user=user, key=key, target=target, is_correction=True)
    if rating is None or answer is None:
        return None
    return Statement(user=user, key=key, target=answer) if rating == 1 else Statement(user=user, key=key, denied=answer)


def estimate_reliability(
    statements: Sequence[Statement], known: Mapping[str, str], *, prior: Prior, min_trust: float
) -> dict[str, float]:
    """Return each user's reliability from control items and peers.

    Expects at most one statement of a user on a key. Control items come first; only users whom these leave at
    `min_trust` or above count as peers, so that known offenders vouch for nobody.
    """
    users = {statement.user for statement in statements}
    control = judge_by_control(statements, known)
    trusted = {user for user, value in _rate(users, control, prior).items() if value >= min_trust}
    peers = judge_by_peers([statement for statement in statements if statement.key not in known], trusted)
    return _rate(users, [*control, *peers], prior)


def judge_by_control(statements: Iterable[Statement], known: Mapping[str, str]) -> list[Verdict]:
    """Return a verdict on each statement whose input has a known target."""
    return [
        Verdict(statement=statement, agrees=statement.agrees_with(normalise_text(known[statement.key])))
        for statement in statements
        if statement.key in known
    ]


def judge_by_peers(statements: Iterable[Statement], voters: Set[str]) -> list[Verdict]:
    """Return a verdict on each statement that the majority of the other `voters` can judge.

    More than half of the others must state the same target. A lone other user can confirm but not accuse, since
    nobody knows which of the two is wrong.
    """
    by_key: dict[str, list[Statement]] = defaultdict(list)
    for statement in statements:
        by_key[statement.key].append(statement)
    verdicts: list[Verdict] = []
    for group in by_key.values():
        votes = Counter(said.target for said in group if said.target is not None and said.user in voters)
        for statement in group:
            own_vote = Counter([statement.target] if statement.target and statement.user in voters else [])
            agrees = _agrees_with_majority(statement, votes - own_vote)
            if agrees is not None:
                verdicts.append(Verdict(statement=statement, agrees=agrees))
    return verdicts


def _agrees_with_majority(statement: Statement, votes: "Counter[str]") -> bool | None:
    if not votes:
        return None
    target, num_votes = votes.most_common(1)[0]
    if 2 * num_votes <= votes.total():
        return None
    agrees = statement.agrees_with(target)
    return agrees if agrees or num_votes > 1 else None


def _rate(users: Iterable[str], verdicts: Sequence[Verdict], prior: Prior) -> dict[str, float]:
    """Return the reliability of each user: the worse of all their statements and their corrections alone.

    Where most answers are right, even a careless user praises most of them rightly, yet corrects the others wrongly;
    the corrections are what becomes examples.
    """
    everything = _count(verdicts)
    corrections = _count(verdict for verdict in verdicts if verdict.statement.is_correction)
    return {
        user: min(
            reliability(evidence.get(user, UserEvidence(user=user)), prior) for evidence in (everything, corrections)
        )
        for user in users
    }


def _count(verdicts: Iterable[Verdict]) -> dict[str, UserEvidence]:
    counted: dict[str, Counter[bool]] = defaultdict(Counter)
    for verdict in verdicts:
        counted[verdict.statement.user][verdict.agrees] += 1
    return {
        user: UserEvidence(user=user, agreements=counts[True], disagreements=counts[False])
        for user, counts in counted.items()
    }
