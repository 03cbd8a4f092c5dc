"""A project with several replicas of everything, a steady load on it, a user who rates, and a timetable of kills.

Input: a new folder, seconds, requests a second. Output: what the load generator of the serving benchmark tells, and the
ids of the ratings that were acknowledged.
"""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from tests.e2e.processes import Kill

from polyloop.bench.processes import Printed
from polyloop.bench.serve.benchmark import bodies_of
from polyloop.bench.serve.loads import Loads
from polyloop.bench.serve.models import SIZES, sentences
from polyloop.bench.serve.projects import Project, model_project, replicas, with_routers, with_serving
from polyloop.bench.serve.servers import Served, served
from polyloop.client import Client
from polyloop.cluster.head import Head, find_head
from polyloop.feedback.queries import list_feedback
from polyloop.registry.keys import create_key
from polyloop.registry.store import open_store
from polyloop.serving import options
from polyloop.serving.embedded import home_dir

TASK = "fired"
TASK_REPLICA = f"ServeReplica:polyloop:{options.task_deployment(TASK)}"
ROUTER_REPLICA = f"ServeReplica:polyloop:{options.ROUTER}"
COLLECTOR = f"ServeReplica:polyloop-feedback:{options.COLLECTOR}"
CONTROLLER = "ServeController"
NUM_TEXTS = 64
NUM_REPLICAS, NUM_ROUTERS = 4, 3
"""One more than die within 30 s, so that one is left also where a new one takes as long as that to start."""
PAUSE_S = 0.1
"""Between one rating and the next question."""
MOST_RATINGS = 100_000
OTHER_CPUS = 0.05
"""Other than the spec's defaults, so that Serve starts processes anew."""


def timetable(seconds: float, *, every_s: float = 10.0) -> list[Kill]:
    """Return kills of a task replica every `every_s`, router and collector twice, and the controller between."""
    replicas = [Kill(at_s=start, pattern=TASK_REPLICA) for start in _steps(every_s / 3, seconds - every_s / 2, every_s)]
    doors = [Kill(at_s=seconds * part, pattern=door) for part in (0.1, 0.85) for door in (ROUTER_REPLICA, COLLECTOR)]
    return sorted([*replicas, *doors, Kill(at_s=seconds * 0.5, pattern=CONTROLLER)], key=lambda kill: kill.at_s)


def several_of_each(folder: Path) -> Project:
    """Write a project with a classifier in four replicas behind three routers, beside three collectors."""
    return with_routers(model_project(folder, {TASK: (SIZES[0], replicas(NUM_REPLICAS))}), NUM_ROUTERS)


def with_other_processes(project: Project) -> Project:
    """Return the same project with a spec whose deployment starts every router and task replica anew."""
    return with_serving(project, {"router_num_cpus": OTHER_CPUS}, {TASK: {"num_cpus": OTHER_CPUS}})


def head_of(project: Project) -> Head:
    """Return the running head of a project."""
    head = find_head(home_dir(project.loaded))
    assert head is not None
    return head


def answering(project: Project) -> Served:
    """Return where the project's task is asked, once it answers."""
    return served(project, TASK, bodies_of("classify", sentences(1))[0])


def loaded_for(one: Served, work: Path, seconds: float, *, rate: float) -> Printed:
    """Ask for so long, and return what became of the requests, each answered one in `samples`."""
    bodies = bodies_of("classify", sentences(NUM_TEXTS))
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
        end_s = time.monotonic() + seconds
        with Client(self.project.base_url, key) as client:
            while time.monotonic() < end_s:
                answer = client.answer(TASK, sentences(1)[0], locale="en")
                self.ids.add(UUID(client.feedback(answer, rating=1).feedback_id))
                time.sleep(PAUSE_S)


def _steps(first: float, end: float, step: float) -> list[float]:
    return [first + step * number for number in range(max(0, int((end - first) // step) + 1))]
