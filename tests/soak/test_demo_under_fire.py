"""The demo while its processes are killed: it must end as well as it does in peace."""

from pathlib import Path

import pytest
from tests.e2e.processes import Executioner, Kill

from polyloop.cluster.head import find_head, stop_head
from polyloop.demo.corpora import CorpusSizes
from polyloop.demo.run import Demo
from polyloop.registry.runs import list_runs
from polyloop.registry.store import open_store
from polyloop.serving.embedded import HOME
from polyloop.spec.loader import LoadedSpec

COLLECTOR = "ServeReplica:polyloop-feedback:collector"
TASK_REPLICA = "ServeReplica:polyloop:task-localise"
TRAIN_WORKER = "RayTrainWorker"
KILLS = [Kill(at_s=6.0, pattern=pattern) for pattern in (COLLECTOR, TASK_REPLICA, TRAIN_WORKER)]
SIZES = CorpusSizes(localise_train=2_000, sentiment_train=1_000)
"""Less to learn than in the demo, so that the test is done sooner; traffic and holdout are the same."""


@pytest.mark.timeout(900)
def test_killed_collector_replica_and_train_worker_cost_no_request_and_no_acknowledged_feedback(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    executioners: list[Executioner] = []
    said: list[str] = []

    def attack(loaded: LoadedSpec) -> None:
        head = find_head(folder / HOME)
        assert head is not None
        executioners.append(Executioner(head_pid=head.pid, kills=KILLS))
        executioners[0].start()

    try:
        report = Demo(folder, progress=said.append, sizes=SIZES).run(during_traffic=attack)
    finally:
        head = find_head(folder / HOME)
        if head is not None:
            stop_head(head)

    assert [kill for kill, _ in executioners[0].killed] == KILLS
    assert report.failures == [], "\n".join([*report.failures, *report.tally.failures[:5], *said[-3:]])
    assert report.missing_feedback == 0
    assert len(report.tally.acknowledged) > 1_000
    assert sum(report.tally.failed.values()) == 0
    store = open_store(f"sqlite:///{folder / '.polyloop' / 'polyloop.db'}")
    second_runs = [run for task in report.tasks for run in list_runs(store, task.task, limit=1)]
    assert [str(run.state) for run in second_runs] == ["promoted"] * len(report.tasks)
    store.close()
