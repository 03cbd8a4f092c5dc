"""The platform under load for long: `make soak` runs these, which take some 45 minutes; nothing else does.

POLYLOOP_SOAK_MINUTES settles how long memory is watched, 30 if it is not set.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.e2e.processes import Executioner, descendants
from tests.support.fire import (
    ROUTER_REPLICA,
    TASK_REPLICA,
    answering,
    head_of,
    loaded_for,
    several_of_each,
    timetable,
    with_other_processes,
)
from tests.support.process_watch import ProcessWatch

from polyloop.bench.serve.servers import deploy_project, platform_running

FIRE_S = 300.0
DEPLOY_S = 90.0
REPLICAS = {f"ray::{name}" for name in (TASK_REPLICA, ROUTER_REPLICA)}
MINUTES = float(os.environ.get("POLYLOOP_SOAK_MINUTES", "30"))
SETTLE_SHARE = 1 / 3
"""Part of the time in which caches and pools may fill."""
RATE = 50.0
MAX_MIB_A_MINUTE = 1.0
MAX_FILES_A_MINUTE = 0.5


@pytest.mark.timeout(900)
def test_no_request_is_lost_in_five_minutes_of_kills(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = several_of_each(tmp_path / "project")
    kills = timetable(FIRE_S)
    with platform_running(project):
        task = answering(project)
        executioner = Executioner(head_pid=head_of(project).pid, kills=kills)
        thread = executioner.start()
        told = loaded_for(task, tmp_path / "plans", FIRE_S, rate=RATE)
        thread.join()
    with capsys.disabled():
        print(f"\n{len(executioner.killed)} kills, {len(told['samples'])} answers, p99 {told['p99_ms']:.0f} ms")
        print(f"failures: {told['failures']}")

    assert [kill for kill, _ in executioner.killed] == kills
    assert told["failures"] == {}


@pytest.mark.timeout(600)
def test_no_request_is_lost_while_every_process_is_replaced_by_a_deployment(tmp_path: Path) -> None:
    project = several_of_each(tmp_path / "project")
    with platform_running(project), ThreadPoolExecutor(1) as threads:
        task, head_pid = answering(project), head_of(project).pid
        before = {pid for pid, command in descendants(head_pid).items() if REPLICAS & set(command.split())}
        asking = threads.submit(loaded_for, task, tmp_path / "plans", DEPLOY_S, rate=RATE)
        time.sleep(5.0)
        deploy_project(with_other_processes(project))
        told = asking.result()
        after = {pid for pid, command in descendants(head_pid).items() if REPLICAS & set(command.split())}

    assert told["failures"] == {}
    assert len(told["samples"]) == RATE * DEPLOY_S
    assert before
    assert not before & after


@pytest.mark.timeout(60 * MINUTES + 600)
def test_memory_and_open_files_stay_flat(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = several_of_each(tmp_path / "project")
    with platform_running(project):
        task = answering(project)
        watch = ProcessWatch(pid=head_of(project).pid)
        watch.start()
        began_s = time.monotonic()
        told = loaded_for(task, tmp_path / "plans", 60 * MINUTES, rate=RATE)
        watch.stop()
    growth = watch.growth(from_s=began_s + 60 * MINUTES * SETTLE_SHARE)
    with capsys.disabled():
        print()
        for one in sorted(growth, key=lambda one: -one.mib_a_minute):
            grows = f"{one.mib_a_minute:7.3f} MiB/min {one.files_a_minute:6.2f} files/min"
            print(f"{grows} {one.last_mib:7.0f} MiB  {one.command[:70]}")

    assert told["failures"] == {}
    assert any(TASK_REPLICA in one.command for one in growth)
    assert [one for one in growth if one.mib_a_minute > MAX_MIB_A_MINUTE] == []
    assert [one for one in growth if one.files_a_minute > MAX_FILES_A_MINUTE] == []
