"""Which statements of users become preferences, once curation has judged them. Pure.

Inputs: a task's feedback joined to its inferences, and its curation. Outputs: rows of texts for DPO or KTO, oldest
first, each named by the feedback that it stands on, and counts of what was left out and why. A correction that
curation accepted, or that the train split confirms, is preferred to the answer that it corrects. Ratings count where
their user is trusted; several judgements of one text are added up, and what is left undecided is left out. Inputs of
the holdout never enter.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from polyloop.feedback.decisions import CurationItem, CurationResult, Reason
from polyloop.feedback.votes import Candidate, keep_within_share
from polyloop.tasks.example import example_id
from polyloop.tasks.text import normalise_text
from polyloop.training.preference.from_feedback import (
    JudgedAnswer,
    LeftOut,
    RatedText,
    TextPair,
    pair_of_correction,
    rated_text,
    rated_texts_of_pair,
)

PREFERRED_REASONS = frozenset({Reason.ACCEPTED, Reason.ALREADY_KNOWN})
"""Corrections that curation holds to be right."""


class Unused(StrEnum):
    """Why a statement gives no row although it says something."""

    NO_OUTPUT = "no_output"
    """The answer that it is about was not kept."""
    REFUSED = "refused"
    """Curation refused the correction."""
    UNTRUSTED = "untrusted"
    """The user who rated is not reliable enough."""
    IN_HOLDOUT = "in_holdout"
    """The input belongs to the holdout."""
    UNDECIDED = "undecided"
    """As many judge the text good as bad."""
    REPEATED = "repeated"
    """Another statement says the same."""
    OVER_USER_SHARE = "over_user_share"
    """Too large a part of the rows would come from this user."""


@dataclass(frozen=True, kw_only=True)
class Preferred:
    """A row with the locales of its input and output, and the feedback that it stands on."""

    id: str
    locale: str
    target_locale: str
    row: TextPair | RatedText


@dataclass(frozen=True, kw_only=True)
class PreferredRows:
    """Rows, and how many statements or texts were left out, by reason."""

    rows: tuple[Preferred, ...]
    left_out: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, kw_only=True)
class _Said:
    """A statement that counts, as a pair or as a judgement of one text."""

    item: CurationItem
    key: str
    what: TextPair | RatedText


def preferred_pairs(
    items: Sequence[CurationItem], curation: CurationResult, *, weight: float, max_share: float
) -> PreferredRows:
    """Return pairs for DPO: each correction against the answer, once a pair of texts."""
    said, left_out = _pairs(_ordered(items), curation, weight)
    first: dict[tuple[str, str, str], list[_Said]] = defaultdict(list)
    for one in said:
        assert isinstance(one.what, TextPair)
        first[(one.key, one.what.chosen, one.what.rejected)].append(one)
    left_out[Unused.REPEATED] += len(said) - len(first)
    return _within_share([(group, group[0].what) for group in first.values()], max_share, left_out)


def preferred_judgements(
    items: Sequence[CurationItem],
    curation: CurationResult,
    *,
    holdout_ids: Set[str],
    weight: float,
    max_share: float,
) -> PreferredRows:
    """Return single texts for KTO: corrections as good, what they correct as bad, and rated answers."""
    ordered = _ordered(items)
    pairs, left_out = _pairs(ordered, curation, weight)
    ratings, others = _ratings(ordered, curation, holdout_ids, weight)
    said = [
        _Said(item=one.item, key=one.key, what=text)
        for one in pairs
        if isinstance(one.what, TextPair)
        for text in rated_texts_of_pair(one.what)
    ]
    groups: dict[tuple[str, str], list[_Said]] = defaultdict(list)
    for one in sorted([*said, *ratings], key=lambda one: _age(one.item)):
        assert isinstance(one.what, RatedText)
        groups[(one.key, one.what.target)].append(one)
    left_out = left_out + others
    decided = []
    for group in groups.values():
        text = _majority([one.what for one in group if isinstance(one.what, RatedText)])
        if text is None:
            left_out[Unused.UNDECIDED] += 1
        else:
            decided.append((group, text))
    return _within_share(decided, max_share, left_out)


def _pairs(items: Iterable[CurationItem], curation: CurationResult, weight: float) -> tuple[list[_Said], Counter[str]]:
    reasons = {decision.feedback_id: decision.reason for decision in curation.decisions}
    said: list[_Said] = []
    left_out: Counter[str] = Counter()
    for item in items:
        if item.correction is None:
            continue
        found = _pair(item, reasons, weight)
        if isinstance(found, TextPair):
            said.append(_Said(item=item, key=_key(item), what=found))
        else:
            left_out[found] += 1
    return said, left_out


def _pair(item: CurationItem, reasons: dict[UUID, Reason], weight: float) -> TextPair | LeftOut | Unused:
    if reasons.get(item.feedback_id) not in PREFERRED_REASONS:
        return Unused.REFUSED
    if item.output is None:
        return Unused.NO_OUTPUT
    return pair_of_correction(_judged(item, item.output, weight))


def _ratings(
    items: Iterable[CurationItem], curation: CurationResult, holdout_ids: Set[str], weight: float
) -> tuple[list[_Said], Counter[str]]:
    """Return the latest rating of each user on each text."""
    latest: dict[tuple[str, str, str], _Said] = {}
    left_out: Counter[str] = Counter()
    for item in items:
        if item.correction is not None or item.rating is None:
            continue
        found = _rating(item, curation, holdout_ids, weight)
        if isinstance(found, RatedText):
            place = (item.user, _key(item), found.target)
            left_out[Unused.REPEATED] += place in latest
            latest[place] = _Said(item=item, key=_key(item), what=found)
        else:
            left_out[found] += 1
    return list(latest.values()), left_out


def _rating(
    item: CurationItem, curation: CurationResult, holdout_ids: Set[str], weight: float
) -> RatedText | LeftOut | Unused:
    if item.output is None or item.input is None:
        return Unused.NO_OUTPUT
    if item.user not in curation.trusted:
        return Unused.UNTRUSTED
    if _key(item) in holdout_ids:
        return Unused.IN_HOLDOUT
    return rated_text(_judged(item, item.output, weight))


def _majority(texts: Sequence[RatedText]) -> RatedText | None:
    """Return the text as most judge it; None where they are even."""
    balance = sum(1 if text.is_desirable else -1 for text in texts)
    return next((text for text in texts if balance and text.is_desirable == (balance > 0)), None)


def _within_share(
    groups: Sequence[tuple[Sequence[_Said], TextPair | RatedText]], max_share: float, left_out: Counter[str]
) -> PreferredRows:
    """Return one row a group, as far as nobody gives too large a part of them."""
    candidates = [
        Candidate(key=str(at), users=tuple(dict.fromkeys(one.item.user for one in group)))
        for at, (group, _) in enumerate(groups)
    ]
    kept = keep_within_share(candidates, max_share)
    left_out[Unused.OVER_USER_SHARE] += len(groups) - len(kept)
    rows = [
        Preferred(
            id=str(group[0].item.feedback_id),
            locale=group[0].item.locale,
            target_locale=group[0].item.target_locale,
            row=what,
        )
        for at, (group, what) in enumerate(groups)
        if str(at) in kept
    ]
    return PreferredRows(rows=tuple(rows), left_out=+left_out)


def _judged(item: CurationItem, output: str, weight: float) -> JudgedAnswer:
    return JudgedAnswer(
        input=item.input or "", output=output, rating=item.rating, correction=item.correction, weight=weight
    )


def _key(item: CurationItem) -> str:
    return example_id(item.task, item.locale, item.target_locale, normalise_text(item.input or ""))


def _ordered(items: Sequence[CurationItem]) -> list[CurationItem]:
    return sorted(items, key=_age)


def _age(item: CurationItem) -> tuple[object, ...]:
    return item.created_at, item.feedback_id
