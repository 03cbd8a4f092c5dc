"""Half a minute under load while Serve's processes are killed; `make soak` does it for long."""

from pathlib import Path

import pytest
from tests.e2e.processes import Executioner
from tests.support.fire import User, answering, head_of, loaded_for, several_of_each, timetable

from polyloop.bench.serve.servers import platform_running

SECONDS = 30.0
RATE = 50.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def test_no_request_and_no_acknowledged_rating_is_lost_while_processes_are_killed(tmp_path: Path) -> None:
    project = several_of_each(tmp_path / "project")
    user = User(project)
    with platform_running(project):
        task = answering(project)
        executioner = Executioner(head_pid=head_of(project).pid, kills=timetable(SECONDS))
        threads = [executioner.start(), user.start(SECONDS)]
        told = loaded_for(task, tmp_path / "plans", SECONDS, rate=RATE)
        for thread in threads:
            thread.join()

    assert [kill for kill, _ in executioner.killed] == timetable(SECONDS)
    assert told["failures"] == {}
    assert len(told["samples"]) == RATE * SECONDS
    assert len(user.ids) > SECONDS
    assert user.ids <= user.stored()
