"""The states of a loop run and the changes allowed between them. Pure.

queued -> building -> training -> evaluating -> gating -> promoting -> promoted, and from each of them to `failed`;
a run ends early as `unchanged` when there is nothing to train, as `trained` when no release was asked for, and as
`rejected` when the gate says no. A run that is taken over may find its candidate rejected or promoted already.
"""

from collections.abc import Mapping
from enum import StrEnum


class RunState(StrEnum):
    """Where a loop run is; the last five are terminal."""

    QUEUED = "queued"
    BUILDING = "building"
    TRAINING = "training"
    EVALUATING = "evaluating"
    GATING = "gating"
    PROMOTING = "promoting"
    PROMOTED = "promoted"
    TRAINED = "trained"
    REJECTED = "rejected"
    UNCHANGED = "unchanged"
    FAILED = "failed"

    @property
    def is_terminal(self) -> bool:
        """True when the run is over."""
        return not NEXT_STATES[self]

    def has_reached(self, other: "RunState") -> bool:
        """Return whether a run in this state is at or past `other`; ended runs have reached everything."""
        order = list(RunState)
        return order.index(self) >= order.index(other)


NEXT_STATES: Mapping[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.BUILDING, RunState.UNCHANGED, RunState.FAILED}),
    RunState.BUILDING: frozenset({RunState.TRAINING, RunState.UNCHANGED, RunState.FAILED}),
    RunState.TRAINING: frozenset({RunState.EVALUATING, RunState.UNCHANGED, RunState.FAILED}),
    RunState.EVALUATING: frozenset({RunState.GATING, RunState.TRAINED, RunState.FAILED}),
    RunState.GATING: frozenset({RunState.PROMOTING, RunState.REJECTED, RunState.FAILED}),
    RunState.PROMOTING: frozenset({RunState.PROMOTED, RunState.FAILED}),
    RunState.PROMOTED: frozenset(),
    RunState.TRAINED: frozenset(),
    RunState.REJECTED: frozenset(),
    RunState.UNCHANGED: frozenset(),
    RunState.FAILED: frozenset(),
}
"""State -> states that a run may go to next. Staying in a state that is not terminal is always allowed."""


def is_allowed(state: RunState, next_state: RunState) -> bool:
    """Return whether a run may go from `state` to `next_state`."""
    return next_state in NEXT_STATES[state] or (state == next_state and not state.is_terminal)
