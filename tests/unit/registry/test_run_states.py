"""The states of a loop run."""

from itertools import pairwise, product

import pytest

from polyloop.registry.run_states import NEXT_STATES, RunState, is_allowed

STEPS = [
    RunState.QUEUED,
    RunState.BUILDING,
    RunState.TRAINING,
    RunState.EVALUATING,
    RunState.GATING,
    RunState.PROMOTING,
    RunState.PROMOTED,
]
ENDS = {RunState.PROMOTED, RunState.TRAINED, RunState.REJECTED, RunState.UNCHANGED, RunState.FAILED}


def test_exactly_the_last_five_states_are_terminal() -> None:
    assert {state for state in RunState if state.is_terminal} == ENDS
    assert set(list(RunState)[-5:]) == ENDS
    assert set(NEXT_STATES) == set(RunState)


def test_the_way_to_promotion_is_allowed_step_by_step() -> None:
    assert all(is_allowed(state, next_state) for state, next_state in pairwise(STEPS))


def test_no_step_is_skipped_or_undone() -> None:
    for (left, state), (right, next_state) in product(enumerate(STEPS), enumerate(STEPS)):
        if right != left + 1 and not (left == right and not state.is_terminal):
            assert not is_allowed(state, next_state), (state, next_state)


@pytest.mark.parametrize("state", [state for state in RunState if state not in ENDS])
def test_every_unfinished_run_may_fail(state: RunState) -> None:
    assert is_allowed(state, RunState.FAILED)


@pytest.mark.parametrize("end", sorted(ENDS))
def test_nothing_follows_an_end(end: RunState) -> None:
    assert not any(is_allowed(end, state) for state in RunState)


def test_only_a_gate_rejects() -> None:
    assert [state for state in RunState if is_allowed(state, RunState.REJECTED)] == [RunState.GATING]


def test_a_run_without_a_release_ends_after_its_evaluation() -> None:
    assert [state for state in RunState if is_allowed(state, RunState.TRAINED)] == [RunState.EVALUATING]


def test_reached_states_are_those_at_or_behind() -> None:
    assert RunState.TRAINING.has_reached(RunState.BUILDING)
    assert RunState.TRAINING.has_reached(RunState.TRAINING)
    assert not RunState.TRAINING.has_reached(RunState.GATING)
    assert RunState.FAILED.has_reached(RunState.PROMOTING)
