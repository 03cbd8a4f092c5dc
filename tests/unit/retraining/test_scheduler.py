"""The scheduler submits a run once, takes over what was abandoned, and gives up in the end."""

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update
from tests.support.projects import publish

from polyloop.errors import ClusterError
from polyloop.feedback.ids import new_uuid7
from polyloop.registry.releases import promote
from polyloop.registry.run_states import RunState
from polyloop.registry.runs import advance, get_run, hand_over, list_runs, start_run
from polyloop.registry.store import Store
from polyloop.registry.tables import feedback, loop_runs
from polyloop.retraining import scheduler as scheduler_module
from polyloop.retraining.scheduler import MAX_JOBS, Scheduler, gather_facts
from polyloop.spec.loader import LoadedSpec


class Cluster:
    """Notes the jobs that are submitted to it, and may be away."""

    def __init__(self) -> None:
        self.jobs: dict[str, list[str]] = {}
        self.is_away = False

    def submit(self, cluster: str, command: str, *, job_id: str) -> str:
        if self.is_away:
            raise ClusterError(f"no Ray cluster answers at {cluster}")
        assert job_id not in self.jobs
        self.jobs[job_id] = shlex.split(command)
        return job_id


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    small = Cluster()
    monkeypatch.setattr(scheduler_module, "submit_job", small.submit)
    return small


@pytest.fixture
def scheduler(loaded: LoadedSpec, store: Store, cluster: Cluster) -> Iterator[Scheduler]:
    for task in ("mood", "to-german"):
        promote(store, task, publish(store, task), actor="test", reason="first")
    made = Scheduler(str(loaded.path), cluster="http://cluster")
    yield made
    made.__del__()
    made._thread.join(5)
    made._store.close()


def correct(store: Store, count: int, task: str = "mood") -> None:
    """Store corrections that nothing has judged yet."""
    rows: list[dict[str, Any]] = [
        {
            "feedback_id": new_uuid7(),
            "inference_id": new_uuid7(),
            "task": task,
            "version": "v1",
            "locale": "en",
            "target_locale": "en",
            "propensity": 1.0,
            "input_digest": b"",
            "correction": "bad",
            "user": "ana",
            "key_id": "k",
            "body_digest": b"",
            "state": "new",
            "created_at": datetime.now(UTC),
        }
        for _ in range(count)
    ]
    with store.begin() as connection:
        connection.execute(insert(feedback), rows)


def let_leases_run_out(store: Store) -> None:
    with store.begin() as connection:
        connection.execute(update(loop_runs).values(lease_until=datetime.now(UTC) - timedelta(seconds=1)))


def test_facts_come_from_the_store(loaded: LoadedSpec, store: Store, scheduler: Scheduler) -> None:
    correct(store, 3)
    now = datetime.now(UTC)
    start_run(store, "to-german", trigger="manual", reason="", owner="ana", lease_s=60, now=now)
    facts = gather_facts(loaded, store, "mood", now)
    assert (facts.has_champion, facts.run_alive, facts.runs_alive, facts.new_corrections) == (True, False, 1, 3)
    assert facts.last_started_at is None
    german = gather_facts(loaded, store, "to-german", now)
    assert (german.run_alive, german.new_corrections, german.last_started_at) == (True, 0, now)


def test_too_few_corrections_start_nothing(store: Store, scheduler: Scheduler, cluster: Cluster) -> None:
    correct(store, 1)
    scheduler._look("mood")
    assert cluster.jobs == {}
    assert list_runs(store) == ()


def test_enough_corrections_submit_one_job_for_one_run(
    loaded: LoadedSpec, store: Store, scheduler: Scheduler, cluster: Cluster
) -> None:
    correct(store, 2)
    for _ in range(3):
        scheduler._look("mood")
    (run,) = list_runs(store)
    assert (run.task, run.trigger, run.state, run.job_id) == ("mood", "corrections", RunState.QUEUED, f"{run.run_id}-1")
    (command,) = cluster.jobs.values()
    assert command[1:3] == ["-m", "polyloop"]
    assert command[3:] == ["--spec", str(loaded.path), "loop", "run", "--task", "mood", "--run", run.run_id]


def test_two_schedulers_start_a_run_once(
    loaded: LoadedSpec, store: Store, scheduler: Scheduler, cluster: Cluster
) -> None:
    other = Scheduler(str(loaded.path), cluster="http://cluster")
    correct(store, 2)
    scheduler._look("mood")
    other._look("mood")
    assert len(cluster.jobs) == len(list_runs(store)) == 1
    other.__del__()
    other._store.close()


def test_a_run_whose_job_died_is_submitted_again_under_its_own_id(
    store: Store, scheduler: Scheduler, cluster: Cluster
) -> None:
    correct(store, 2)
    scheduler._look("mood")
    (run,) = list_runs(store)
    now = datetime.now(UTC)
    hand_over(store, run.run_id, run.owner, new_owner="job", lease_s=30, now=now)
    advance(store, run.run_id, "job", RunState.BUILDING, now=now)
    scheduler._look("mood")
    assert list(cluster.jobs) == [f"{run.run_id}-1"]
    let_leases_run_out(store)
    scheduler._look("mood")
    scheduler._look("mood")
    assert list(cluster.jobs) == [f"{run.run_id}-1", f"{run.run_id}-2"]
    assert get_run(store, run.run_id).state is RunState.BUILDING


def test_a_run_whose_jobs_keep_dying_is_given_up(store: Store, scheduler: Scheduler, cluster: Cluster) -> None:
    correct(store, 2)
    for _ in range(MAX_JOBS + 1):
        scheduler._look("mood")
        let_leases_run_out(store)
    (run,) = list_runs(store)
    assert len(cluster.jobs) == MAX_JOBS
    assert run.state is RunState.FAILED
    assert run.error == f"given up: {MAX_JOBS} jobs died before they could finish; see their logs"


def test_a_job_that_could_not_be_submitted_is_tried_again_when_the_cluster_is_back(
    store: Store, scheduler: Scheduler, cluster: Cluster
) -> None:
    correct(store, 2)
    cluster.is_away = True
    with pytest.raises(ClusterError):
        scheduler._look("mood")
    cluster.is_away = False
    scheduler._look("mood")
    assert cluster.jobs == {}
    let_leases_run_out(store)
    scheduler._look("mood")
    (run,) = list_runs(store)
    assert list(cluster.jobs) == [f"{run.run_id}-2"]


def test_only_as_many_runs_are_alive_as_the_spec_allows(store: Store, scheduler: Scheduler, cluster: Cluster) -> None:
    correct(store, 2, "mood")
    correct(store, 2, "to-german")
    scheduler._look("mood")
    scheduler._look("to-german")
    assert [run.task for run in list_runs(store)] == ["mood"]


def test_an_abandoned_run_waits_while_another_task_is_trained(
    store: Store, scheduler: Scheduler, cluster: Cluster
) -> None:
    now = datetime.now(UTC)
    start_run(store, "mood", trigger="manual", reason="", owner="ana", lease_s=-1, now=now)
    start_run(store, "to-german", trigger="manual", reason="", owner="ana", lease_s=60, now=now)
    scheduler._look("mood")
    assert cluster.jobs == {}
    let_leases_run_out(store)
    scheduler._look("mood")
    assert len(cluster.jobs) == 1


def test_a_scheduler_that_is_switched_off_leaves_abandoned_runs_to_people(
    loaded: LoadedSpec, store: Store, scheduler: Scheduler, cluster: Cluster
) -> None:
    text = loaded.path.read_text().replace("min_corrections: 2", "enabled: false\n  min_corrections: 2")
    loaded.path.write_text(text)
    off = Scheduler(str(loaded.path), cluster="http://cluster")
    start_run(store, "mood", trigger="manual", reason="", owner="ana", lease_s=-1, now=datetime.now(UTC))
    off._look("mood")
    assert cluster.jobs == {}
    off.__del__()
    off._store.close()


def test_a_scheduler_whose_thread_has_ended_is_unhealthy(scheduler: Scheduler) -> None:
    scheduler.check_health()
    scheduler.__del__()
    scheduler._thread.join(5)
    with pytest.raises(ClusterError):
        scheduler.check_health()
