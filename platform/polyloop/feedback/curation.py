"""Curation: which feedback becomes training examples, and why the rest does not. Pure.

Input: all feedback of a task joined to its inferences, what the train split knows, the ids of the holdout, the spec.
Output: examples and one decision per item. The same input gives the same output, whatever its order, so curating
the whole history again is safe: what trust has been lost since is then taken back.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from uuid import UUID

from polyloop.feedback.checks import check_form, check_known
from polyloop.feedback.decisions import CuratedExample, CurationItem, CurationResult, Decision, Reason
from polyloop.feedback.trust import Prior, Statement, estimate_reliability, read_statement
from polyloop.feedback.votes import Candidate, keep_within_share, winners
from polyloop.spec.models import FeedbackSpec, TaskSpec
from polyloop.tasks.example import example_id
from polyloop.tasks.text import normalise_text

VOTING_REASONS = frozenset({None, Reason.NO_CORRECTION, Reason.UNCHANGED})
"""Items with these reasons (None: nothing against them so far) take part in the vote on their input."""


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """An item, its example id, its normalised correction, and the reason against it so far."""

    item: CurationItem
    key: str
    target: str
    reason: Reason | None


def curate(
    items: Sequence[CurationItem],
    known: Mapping[str, str],
    spec: FeedbackSpec,
    task: TaskSpec,
    holdout_ids: Set[str],
) -> CurationResult:
    """Judge all feedback of one task.

    `known` maps example ids of the train split to their targets, without rows that came from feedback: these would
    vouch for themselves. `holdout_ids` are the example ids of the holdout.
    """
    ordered = sorted(items, key=lambda item: (item.created_at, item.feedback_id))
    judged = _judge_alone(ordered, known, spec, task, holdout_ids)
    statements = _statements(judged)
    reliabilities = estimate_reliability(
        list(statements.values()),
        known,
        prior=Prior(agreements=spec.prior_agreements, disagreements=spec.prior_disagreements),
        min_trust=spec.min_trust,
    )
    trusted = {user for user, reliability in reliabilities.items() if reliability >= spec.min_trust}
    voting = [
        statements[entry.item.feedback_id]
        for entry in judged
        if entry.item.feedback_id in statements and entry.reason in VOTING_REASONS and entry.item.user in trusted
    ]
    judged = _judge_together(judged, trusted, winners(voting, reliabilities))
    judged = _limit_shares(judged, spec.max_share_per_user)
    return CurationResult(
        examples=_examples(judged, spec.weight),
        decisions=tuple(_decision(entry) for entry in judged),
        trusted=trusted,
    )


def _judge_alone(
    items: Iterable[CurationItem],
    known: Mapping[str, str],
    spec: FeedbackSpec,
    task: TaskSpec,
    holdout_ids: Set[str],
) -> list[_Judged]:
    """Judge each item by itself, but for corrections that their user has replaced by a later one."""
    judged: list[_Judged] = []
    seen: set[tuple[str, str]] = set()
    for item in reversed(list(items)):
        key = "" if item.input is None else _key(item)
        target = normalise_text(item.correction or "")
        reason: Reason | None
        if item.input is None:
            reason = Reason.ORPHAN
        elif item.correction is None:
            reason = Reason.NO_CORRECTION
        elif (item.user, key) in seen:
            reason = Reason.DUPLICATE
        else:
            seen.add((item.user, key))
            reason = check_form(item, target, spec, task) or check_known(key, target, known, holdout_ids)
        judged.append(_Judged(item=item, key=key, target=target, reason=reason))
    return judged[::-1]


def _statements(judged: Sequence[_Judged]) -> dict[UUID, Statement]:
    """Return one statement a user and input, by feedback id: the latest correction, or else the latest rating."""
    chosen: dict[tuple[str, str], _Judged] = {}
    for entry in judged:
        if entry.reason in (Reason.ORPHAN, Reason.DUPLICATE):
            continue
        place = (entry.item.user, entry.key)
        earlier = chosen.get(place)
        if earlier is None or earlier.item.correction is None or entry.item.correction is not None:
            chosen[place] = entry
    statements: dict[UUID, Statement] = {}
    for entry in chosen.values():
        item = entry.item
        statement = read_statement(
            user=item.user, key=entry.key, rating=item.rating, correction=item.correction, output=item.output
        )
        if statement is not None:
            statements[item.feedback_id] = statement
    return statements


def _judge_together(judged: Sequence[_Judged], trusted: Set[str], won: Mapping[str, str]) -> list[_Judged]:
    """Refuse what untrusted users say, and what has lost the vote on its input."""
    return [_with_reason(entry, _reason_among_others(entry, trusted, won)) for entry in judged]


def _reason_among_others(entry: _Judged, trusted: Set[str], won: Mapping[str, str]) -> Reason | None:
    if entry.reason is not None:
        return entry.reason
    if entry.item.user not in trusted:
        return Reason.LOW_TRUST
    return None if won.get(entry.key) == entry.target else Reason.OUTVOTED


def _limit_shares(judged: Sequence[_Judged], max_share: float) -> list[_Judged]:
    users: dict[str, list[str]] = defaultdict(list)
    for entry in judged:
        if entry.reason is None:
            users[entry.key].append(entry.item.user)
    candidates = [Candidate(key=key, users=tuple(names)) for key, names in users.items()]
    kept = keep_within_share(candidates, max_share)
    return [
        _with_reason(entry, Reason.ACCEPTED if entry.key in kept else Reason.OVER_USER_SHARE)
        if entry.reason is None
        else entry
        for entry in judged
    ]


def _examples(judged: Iterable[_Judged], weight: float) -> tuple[CuratedExample, ...]:
    by_key = {
        entry.key: CuratedExample(
            id=entry.key,
            task=entry.item.task,
            locale=entry.item.locale,
            target_locale=entry.item.target_locale,
            input=normalise_text(entry.item.input or ""),
            target=entry.target,
            weight=weight,
        )
        for entry in judged
        if entry.reason is Reason.ACCEPTED
    }
    return tuple(by_key[key] for key in sorted(by_key))


def _key(item: CurationItem) -> str:
    return example_id(item.task, item.locale, item.target_locale, normalise_text(item.input or ""))


def _with_reason(entry: _Judged, reason: Reason | None) -> _Judged:
    return _Judged(item=entry.item, key=entry.key, target=entry.target, reason=reason)


def _decision(entry: _Judged) -> Decision:
    reason = entry.reason or Reason.ACCEPTED
    return Decision(feedback_id=entry.item.feedback_id, accepted=reason is Reason.ACCEPTED, reason=reason)
