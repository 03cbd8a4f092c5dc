"""Loop runs and their lease, on both databases."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from polyloop.errors import RegistryError
from polyloop.registry.run_states import RunState
from polyloop.registry.runs import (
    LoopRun,
    Start,
    StartedRun,
    abandoned_run,
    advance,
    alive_run,
    get_run,
    hand_over,
    heartbeat,
    list_runs,
    start_run,
)
from polyloop.registry.store import Store

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LEASE_S = 60.0


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def start(store: Store, owner: str = "ann", task: str = "mood", now: datetime = NOW) -> StartedRun:
    return start_run(store, task, trigger="feedback", reason="200 corrections", owner=owner, lease_s=LEASE_S, now=now)


def finish(store: Store, run: LoopRun, now: datetime) -> LoopRun:
    return advance(store, run.run_id, run.owner, RunState.UNCHANGED, now=now)


def test_a_run_starts_queued_and_alive(store: Store) -> None:
    started = start(store)
    assert started.start is Start.CREATED
    assert started.is_ours
    run = started.run
    assert (run.state, run.attempt, run.trigger, run.reason) == (RunState.QUEUED, 1, "feedback", "200 corrections")
    assert get_run(store, run.run_id) == run
    assert alive_run(store, "mood", later(59)) == run
    assert alive_run(store, "other", NOW) is None


def test_a_second_owner_finds_the_run_held(store: Store) -> None:
    first = start(store).run
    second = start(store, owner="bob", now=later(1))
    assert second == StartedRun(run=first, start=Start.HELD)
    assert not second.is_ours
    assert start(store, owner="bob", task="other").start is Start.CREATED


def test_a_run_whose_lease_is_over_is_taken_over_where_it_stood(store: Store) -> None:
    run = start(store).run
    advance(store, run.run_id, "ann", RunState.BUILDING, now=later(1), job_id="job-1")
    assert alive_run(store, "mood", later(60)) is None
    abandoned = abandoned_run(store, "mood", later(60))
    assert abandoned is not None
    assert abandoned.run_id == run.run_id
    taken = start(store, owner="bob", now=later(60))
    assert taken.start is Start.TAKEN_OVER
    assert (taken.run.run_id, taken.run.owner, taken.run.attempt) == (run.run_id, "bob", 2)
    assert (taken.run.state, taken.run.job_id) == (RunState.BUILDING, "job-1")
    assert taken.run.lease_until == later(60 + LEASE_S)
    assert abandoned_run(store, "mood", later(61)) is None
    with pytest.raises(RegistryError, match="belongs to bob, no more to ann"):
        heartbeat(store, run.run_id, "ann", lease_s=LEASE_S, now=later(61))
    with pytest.raises(RegistryError, match="belongs to bob, no more to ann"):
        advance(store, run.run_id, "ann", RunState.TRAINING, now=later(61))


def test_an_owner_that_starts_again_resumes_its_own_run(store: Store) -> None:
    run = start(store).run
    again = start(store, now=later(5))
    assert again.start is Start.TAKEN_OVER
    assert (again.run.run_id, again.run.attempt) == (run.run_id, 2)


def test_heartbeats_keep_the_lease(store: Store) -> None:
    run = start(store).run
    assert heartbeat(store, run.run_id, "ann", lease_s=LEASE_S, now=later(50)).lease_until == later(110)
    assert start(store, owner="bob", now=later(100)).start is Start.HELD


def test_a_run_is_handed_to_the_job_that_does_it(store: Store) -> None:
    run = start(store, owner="scheduler").run
    handed = hand_over(store, run.run_id, "scheduler", new_owner="job-7", lease_s=LEASE_S, now=later(1))
    assert (handed.owner, handed.attempt, handed.lease_until) == ("job-7", 1, later(61))
    with pytest.raises(RegistryError, match="belongs to job-7"):
        heartbeat(store, run.run_id, "scheduler", lease_s=LEASE_S, now=later(2))


def test_a_run_goes_all_the_way_and_keeps_its_facts(store: Store) -> None:
    run = start(store).run
    advance(store, run.run_id, "ann", RunState.BUILDING, now=later(1), details={"examples": 3})
    advance(store, run.run_id, "ann", RunState.TRAINING, now=later(2), dataset_digest="d1")
    advance(store, run.run_id, "ann", RunState.TRAINING, now=later(3), details={"epoch": 1})
    for seconds, state in enumerate([RunState.EVALUATING, RunState.GATING, RunState.PROMOTING], start=4):
        advance(store, run.run_id, "ann", state, now=later(seconds), version="v2")
    done = advance(store, run.run_id, "ann", RunState.PROMOTED, now=later(9))
    assert done == get_run(store, run.run_id)
    assert (done.state, done.dataset_digest, done.version) == (RunState.PROMOTED, "d1", "v2")
    assert done.details == {"examples": 3, "epoch": 1}
    assert done.finished_at == later(9)
    assert alive_run(store, "mood", later(10)) is None


def test_skipping_a_state_is_refused_and_changes_nothing(store: Store) -> None:
    run = start(store).run
    with pytest.raises(RegistryError, match="is queued and cannot become promoted"):
        advance(store, run.run_id, "ann", RunState.PROMOTED, now=later(1), version="v1")
    assert get_run(store, run.run_id) == run


def test_a_finished_run_cannot_be_changed(store: Store) -> None:
    run = start(store).run
    failed = advance(store, run.run_id, "ann", RunState.FAILED, now=later(1), error="out of memory")
    assert failed.error == "out of memory"
    with pytest.raises(RegistryError, match=r"is over \(failed\)"):
        advance(store, run.run_id, "ann", RunState.BUILDING, now=later(2))
    with pytest.raises(RegistryError, match=r"is over \(failed\)"):
        heartbeat(store, run.run_id, "ann", lease_s=LEASE_S, now=later(2))


def test_after_a_finished_run_a_new_one_starts(store: Store) -> None:
    first = finish(store, start(store).run, later(1))
    second = start(store, now=later(2))
    assert second.start is Start.CREATED
    assert second.run.run_id != first.run_id
    assert [run.run_id for run in list_runs(store, "mood")] == [second.run.run_id, first.run_id]
    assert list_runs(store, limit=1) == (second.run,)
    assert list_runs(store, "other") == ()


def test_of_many_starters_at_once_one_gets_the_run(store: Store) -> None:
    outcomes: list[StartedRun] = []
    threads = [
        threading.Thread(target=lambda name=f"owner-{number}": outcomes.append(start(store, owner=name)))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome.start for outcome in outcomes) == [Start.CREATED] + [Start.HELD] * 7
    assert len({outcome.run.run_id for outcome in outcomes}) == 1


def test_an_unknown_run_is_named(store: Store) -> None:
    with pytest.raises(RegistryError, match="no loop run 'run_x'"):
        get_run(store, "run_x")
