"""The words of curation: what is judged, the named reasons, and what comes out.

Only types; the judging is in `polyloop.feedback.curation`.
"""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True, kw_only=True)
class CurationItem:
    """Feedback joined to its inference; `input` is None without one, `output` is None where it was not kept."""

    feedback_id: UUID
    task: str
    locale: str
    target_locale: str
    user: str
    rating: int | None
    correction: str | None
    input: str | None
    output: str | None
    created_at: datetime


class Reason(StrEnum):
    """Why feedback became an example, or did not."""

    ACCEPTED = "accepted"
    """It stands behind an example."""
    NO_CORRECTION = "no_correction"
    """It is a rating or a comment: evidence of its user's reliability, and a vote, but no example."""
    ALREADY_KNOWN = "already_known"
    """The correction is what the train split says: evidence, and nothing new."""
    ORPHAN = "orphan"
    """The input is not known (yet); sent again with the input, or once the inference is written, it is judged."""
    DUPLICATE = "duplicate"
    """The same user corrected the same input again later; the latest counts."""
    EMPTY_CORRECTION = "empty_correction"
    """Nothing visible is in the correction."""
    NOT_A_LABEL = "not_a_label"
    """The task has no such label."""
    CONTRADICTORY_RATING = "contradictory_rating"
    """The answer was rated good and corrected to another one."""
    UNCHANGED = "unchanged"
    """The correction is the served answer."""
    WRONG_SCRIPT = "wrong_script"
    """The correction is written in a script that the target locale is not written in."""
    LENGTH_RATIO = "length_ratio"
    """The correction is much longer or shorter than the served answer."""
    IN_HOLDOUT = "in_holdout"
    """The input belongs to the holdout, which feedback never enters."""
    KNOWN_ANSWER = "known_answer"
    """The correction contradicts the train split; it also counts against its user."""
    LOW_TRUST = "low_trust"
    """The user's estimated reliability is below the spec's min_trust."""
    OUTVOTED = "outvoted"
    """Users disagree on the input, and this correction has no clear majority of their votes."""
    OVER_USER_SHARE = "over_user_share"
    """Too large a part of the accepted corrections would come from this user."""

    @property
    def state(self) -> str:
        """The state of a feedback row with this reason: accepted, noted, orphan or refused."""
        return _STATES.get(self, "refused")


_STATES = {
    Reason.ACCEPTED: "accepted",
    Reason.NO_CORRECTION: "noted",
    Reason.ALREADY_KNOWN: "noted",
    Reason.ORPHAN: "orphan",
}


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What became of one piece of feedback."""

    feedback_id: UUID
    accepted: bool
    reason: Reason


@dataclass(frozen=True, kw_only=True)
class CuratedExample:
    """A training row made from feedback; input and target are normalised, `id` is the example id."""

    id: str
    task: str
    locale: str
    target_locale: str
    input: str
    target: str
    weight: float


@dataclass(frozen=True, kw_only=True)
class CurationResult:
    """Examples by id, each input once, and one decision for every item, oldest first."""

    examples: tuple[CuratedExample, ...]
    decisions: tuple[Decision, ...]
    trusted: Set[str] = frozenset()
    """Users whose estimated reliability reaches the spec's min_trust."""
