"""A project with two replicas of everything under a steady load, while its processes are killed by a timetable.

Input: a new folder, seconds, requests a second. Output: what the load generator of the serving benchmark tells, and who
was killed when. Only descendants of the project's own Ray head are looked at.
"""

import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from tests.e2e.processes import descendants, started_ticks

from polyloop.bench.processes import Printed
from polyloop.bench.serve.benchmark import bodies_of
from polyloop.bench.serve.loads import Loads
from polyloop.bench.serve.models import SIZES, sentences
from polyloop.bench.serve.projects import Project, model_project, with_routers
from polyloop.bench.serve.servers import served
from polyloop.client import Client
from polyloop.cluster.head import Head, find_head
from polyloop.feedback.queries import list_feedback
from polyloop.registry.keys import create_key
from polyloop.registry.store import open_store
from polyloop.serving import options
from polyloop.serving.embedded import home_dir
from polyloop.spec.loader import load_spec

TASK = "fired"
TASK_REPLICA = f"ServeReplica:polyloop:{options.task_deployment(TASK)}"
ROUTER_REPLICA = f"ServeReplica:polyloop:{options.ROUTER}"
COLLECTOR = f"ServeReplica:polyloop-feedback:{options.COLLECTOR}"
CONTROLLER = "ServeController"
NUM_TEXTS = 64
NUM_REPLICAS = 3
PAUSE_S = 0.1
"""Between one rating and the next question."""
MOST_RATINGS = 100_000
OTHER_CPUS = 0.05
"""Other than the spec's defaults, so that Serve starts processes anew."""


@dataclass(frozen=True, kw_only=True)
class Kill:
    """When the oldest process whose command line has a pattern is to be killed, in seconds from the load's start."""

    at_s: float
    pattern: str


def timetable(seconds: float, *, every_s: float = 10.0) -> list[Kill]:
    """Return kills of a task replica every `every_s`, router and collector twice, and the controller between."""
    replicas = [Kill(at_s=start, pattern=TASK_REPLICA) for start in _steps(every_s / 3, seconds - every_s / 2, every_s)]
    doors = [Kill(at_s=seconds * part, pattern=door) for part in (0.1, 0.85) for door in (ROUTER_REPLICA, COLLECTOR)]
    return sorted([*replicas, *doors, Kill(at_s=seconds * 0.5, pattern=CONTROLLER)], key=lambda kill: kill.at_s)


def two_of_each(folder: Path) -> Project:
    """Write a project with a classifier in two replicas behind two routers."""
    return with_routers(model_project(folder, {TASK: (SIZES[0], NUM_REPLICAS)}), 2)


def with_other_processes(project: Project) -> Project:
    """Return the same project with a spec whose deployment starts every router and task replica anew."""
    path = project.loaded.path
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    data["tasks"][TASK]["serving"]["num_cpus"] = OTHER_CPUS
    data["serving"]["router_num_cpus"] = OTHER_CPUS
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return Project(loaded=load_spec(path), api_key=project.api_key)


def head_of(project: Project) -> Head:
    """Return the running head of a project."""
    head = find_head(home_dir(project.loaded))
    assert head is not None
    return head


def wait_for_the_task(project: Project) -> None:
    """Return when the task answers."""
    served(project, TASK, bodies_of("classify", sentences(1))[0])


def loaded_for(project: Project, work: Path, seconds: float, *, rate: float) -> Printed:
    """Ask the project's task for so long, and return what became of the requests, each answered one in `samples`."""
    bodies: Sequence[dict[str, Any]] = bodies_of("classify", sentences(NUM_TEXTS))
    one = served(project, TASK, bodies[0])
    return Loads(work=work, warm_s=0.0, counted_s=seconds).ask(one, bodies, rate=rate, keeps_samples=True)


@dataclass
class User:
    """Asks and rates what is answered, again and again, in a thread; `ids` are those of acknowledged ratings."""

    project: Project
    ids: set[UUID] = field(default_factory=set)

    def start(self, seconds: float) -> threading.Thread:
        """Begin; the thread ends after so long, or with the first error of the client."""
        thread = threading.Thread(target=self._run, args=(seconds,), name="user", daemon=True)
        thread.start()
        return thread

    def stored(self) -> set[UUID]:
        """Return the ids of all ratings in the store."""
        store = open_store(self.project.loaded.store_url)
        try:
            return {row.feedback_id for row in list_feedback(store, limit=MOST_RATINGS)}
        finally:
            store.close()

    def _run(self, seconds: float) -> None:
        store = open_store(self.project.loaded.store_url)
        _, key = create_key(store, "fire", ["infer", "feedback"])
        store.close()
        serving = self.project.loaded.spec.serving
        end_s = time.monotonic() + seconds
        with Client(f"http://{serving.host}:{serving.port}", key) as client:
            while time.monotonic() < end_s:
                answer = client.answer(TASK, sentences(1)[0], locale="en")
                self.ids.add(UUID(client.feedback(answer, rating=1).feedback_id))
                time.sleep(PAUSE_S)


@dataclass
class Executioner:
    """Kills (SIGKILL) by a timetable, in a thread; `killed` tells who was, `missed` whom there was nobody of."""

    head_pid: int
    kills: Sequence[Kill]
    killed: list[tuple[Kill, int]] = field(default_factory=list)
    missed: list[Kill] = field(default_factory=list)

    def start(self) -> threading.Thread:
        """Begin."""
        thread = threading.Thread(target=self._run, name="executioner", daemon=True)
        thread.start()
        return thread

    def _run(self) -> None:
        began_s = time.monotonic()
        for kill in self.kills:
            time.sleep(max(0.0, began_s + kill.at_s - time.monotonic()))
            found = [pid for pid, command in descendants(self.head_pid).items() if kill.pattern in command]
            if not found:
                self.missed.append(kill)
                continue
            oldest = min(found, key=started_ticks)
            os.kill(oldest, signal.SIGKILL)
            self.killed.append((kill, oldest))


def _steps(first: float, end: float, step: float) -> list[float]:
    return [first + step * number for number in range(max(0, int((end - first) // step) + 1))]
