"""The demo: once around the whole loop on this machine, with nothing but what the package holds.

It writes corpora which lack some patterns, starts the platform, trains and gates version 1 of two tasks, sends traffic
from simulated users (some careless, some hostile), lets the policy retrain from their curated corrections, and goes on
sending while version 2 takes over. Input: a folder. Output: a `DemoReport`; nothing in it is assumed, each figure is
read from the registry, the store or the clients' own count.
"""

import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from polyloop.cluster.head import find_head
from polyloop.cluster.jobs import ENDED, SUCCEEDED, job_log, job_state, submit_job
from polyloop.cluster.ports import free_ports, require_free
from polyloop.data.dataset import open_dataset
from polyloop.demo.client import Tally, Traffic
from polyloop.demo.corpora import DEMO_SIZES, CorpusSizes, traffic, write_corpora
from polyloop.demo.users import population
from polyloop.errors import ClusterError, DataError
from polyloop.evaluation.results import EvaluationResult
from polyloop.feedback.queries import list_feedback
from polyloop.registry.keys import create_key
from polyloop.registry.releases import get_release
from polyloop.registry.runs import list_runs
from polyloop.registry.store import Store, open_store
from polyloop.registry.versions import get_version
from polyloop.retraining.evaluations import evaluate_version
from polyloop.serving.embedded import HOME, Service, bring_up
from polyloop.spec.loader import LoadedSpec, load_spec

SEED = 20
DEFAULT_PORT = 8000
TRAIN_TIMEOUT_S = 420.0
RETRAIN_TIMEOUT_S = 420.0
READY_TIMEOUT_S = 60.0
CALM_AFTER = 1.1
"""A task's users calm down after this many times the corrections that the policy waits for."""
AFTERWARDS_S = 5.0
"""How long traffic goes on after the last promotion."""
POLL_S = 0.5
MAX_STATEMENTS = 1_000_000
MARKER = "polyloop-demo"
"""Name of the file that says a folder was made by the demo, and may be emptied by the next one."""

Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class TaskReport:
    """What the loop did for one task: results of both versions on the same holdout."""

    task: str
    before: EvaluationResult
    after: EvaluationResult
    feedback: dict[str, int]
    """Statements by what became of them: given, accepted, refused."""
    gate: str
    """How the last loop run ended."""


@dataclass(frozen=True, kw_only=True)
class DemoReport:
    """Everything that the demo shows, and whether it went well."""

    tasks: tuple[TaskReport, ...]
    tally: Tally
    missing_feedback: int
    """Acknowledged feedback that is not in the store; must be 0."""
    url: str
    api_key: str
    seconds: dict[str, float]
    failures: list[str] = field(default_factory=list)


class Demo:
    """One run of the demo in `folder`."""

    def __init__(self, folder: Path, *, progress: Progress, seed: int = SEED, sizes: CorpusSizes = DEMO_SIZES) -> None:
        self._folder = folder
        self._progress = progress
        self._seed = seed
        self._sizes = sizes
        self._seconds: dict[str, float] = {}

    def run(self, *, during_traffic: Callable[[LoadedSpec], None] | None = None) -> DemoReport:
        """Go once around the loop; the service goes on running, so that the caller may keep it or stop it.

        `during_traffic` is called once, when version 1 answers traffic (the fault tests use it to kill processes).
        """
        started = time.monotonic()
        with self._clock("corpora"):
            loaded = self._write()
        store = open_store(loaded.store_url)
        with self._clock("start"):
            service = bring_up(loaded, self._told("starting"))
        api_key = create_key(store, "demo", ["infer", "feedback"])[1]
        with self._clock("version 1"):
            self._train_first(loaded, store, service)
        users = Traffic(
            url=service.url,
            api_key=api_key,
            users=population(self._seed),
            pool=traffic(self._seed, self._sizes),
            seed=self._seed,
        )
        users.start()
        try:
            if during_traffic is not None:
                during_traffic(loaded)
            with self._clock("version 2"):
                self._await_second(loaded, store, service, users)
            time.sleep(AFTERWARDS_S)
        finally:
            tally = users.stop()
        self._seconds["all"] = time.monotonic() - started
        return self._report(loaded, store, service, api_key, tally)

    @contextmanager
    def _clock(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self._seconds[name] = time.monotonic() - started

    def _told(self, stage: str) -> Progress:
        return lambda text: self._progress(f"{stage}: {text}")

    def _write(self) -> LoadedSpec:
        self._progress("writing the corpora")
        if self._folder.exists():
            if not (self._folder / MARKER).exists():
                raise DataError(f"{self._folder} was not made by the demo, so it is left alone; name another folder")
            head = find_head(self._folder / HOME)
            if head is not None:
                raise ClusterError(f"a demo runs in {self._folder}; stop it with `polyloop demo --stop`")
            shutil.rmtree(self._folder)
        self._folder.mkdir(parents=True)
        (self._folder / MARKER).touch()
        spec_path = write_corpora(self._folder, self._seed, self._sizes).spec_path
        set_port(spec_path, free_port())
        return load_spec(spec_path)

    def _train_first(self, loaded: LoadedSpec, store: Store, service: Service) -> None:
        """Train version 1 of every task in one Ray job, as a user of a cluster would."""
        dashboard_url = service.head.dashboard_url
        command = [sys.executable, "-m", "polyloop", "--spec", str(loaded.path), "loop", "run"]
        job_id = submit_job(dashboard_url, shlex.join([*command, "--reason", "the first version"]))
        deadline = time.monotonic() + TRAIN_TIMEOUT_S
        while (state := job_state(dashboard_url, job_id)) not in ENDED:
            self._say_runs("version 1", loaded, store)
            if time.monotonic() > deadline:
                raise ClusterError(f"version 1 was not trained within {TRAIN_TIMEOUT_S:g} s")
            time.sleep(POLL_S)
        if state != SUCCEEDED:
            tail = " | ".join(job_log(dashboard_url, job_id).strip().splitlines()[-3:])
            raise ClusterError(f"the job that trains version 1 ended as {state}: {tail}")
        self._await_ready(service)

    def _await_ready(self, service: Service) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while httpx.get(f"{service.url}/readyz", timeout=READY_TIMEOUT_S).status_code != 200:
            if time.monotonic() > deadline:
                raise ClusterError(f"the service was not ready within {READY_TIMEOUT_S:g} s")
            time.sleep(POLL_S)

    def _await_second(self, loaded: LoadedSpec, store: Store, service: Service, users: Traffic) -> None:
        """Return when a run that the policy started has ended for every task."""
        deadline = time.monotonic() + RETRAIN_TIMEOUT_S
        open_tasks = set(loaded.spec.tasks)
        enough = round(loaded.spec.retraining.min_corrections * CALM_AFTER)
        while open_tasks:
            for task in sorted(open_tasks):
                runs = [run for run in list_runs(store, task) if run.trigger != "manual"]
                if users.tally.corrections_given.get(task, 0) >= enough:
                    users.calm(task)
                if runs and runs[0].state.is_terminal:
                    open_tasks.discard(task)
            self._say_runs("version 2", loaded, store, users.tally)
            if time.monotonic() > deadline:
                raise ClusterError(f"no second version of {', '.join(sorted(open_tasks))} in {RETRAIN_TIMEOUT_S:g} s")
            time.sleep(POLL_S)

    def _say_runs(self, stage: str, loaded: LoadedSpec, store: Store, tally: Tally | None = None) -> None:
        parts = []
        for task in loaded.spec.tasks:
            runs = list_runs(store, task, limit=1)
            parts.append(f"{task} {runs[0].state if runs else 'waits'}")
        if tally is not None:
            asked, failed = sum(tally.sent.values()), sum(tally.failed.values())
            parts.append(f"{asked} requests, {failed} failed, {sum(tally.feedback_given.values())} statements")
        self._progress(f"{stage}: {', '.join(parts)}")

    def _report(self, loaded: LoadedSpec, store: Store, service: Service, api_key: str, tally: Tally) -> DemoReport:
        self._progress("reading the results")
        stored = {str(row.feedback_id) for row in list_feedback(store, limit=MAX_STATEMENTS)}
        tasks = [self._task_report(loaded, store, task, tally) for task in loaded.spec.tasks]
        missing = len(tally.acknowledged - stored)
        return DemoReport(
            tasks=tuple(tasks),
            tally=tally,
            missing_feedback=missing,
            url=service.url,
            api_key=api_key,
            seconds=dict(self._seconds),
            failures=find_failures(tasks, tally, missing),
        )

    def _task_report(self, loaded: LoadedSpec, store: Store, task: str, tally: Tally) -> TaskReport:
        """Evaluate the first version and the one that serves now on the newest dataset's holdout."""
        champion = get_version(store, task, str(get_release(store, task).champion))
        dataset = open_dataset(loaded.artefacts_dir / "datasets" / task / champion.dataset_digest, verify=False)
        first = get_version(store, task, "v1")
        run = list_runs(store, task, limit=1)[0]
        return TaskReport(
            task=task,
            before=evaluate_version(loaded, store, first, dataset, self._progress).holdout,
            after=evaluate_version(loaded, store, champion, dataset, self._progress).holdout,
            feedback={"given": tally.feedback_given.get(task, 0), **run.details.get("feedback", {})},
            gate=str(run.state),
        )


def find_failures(tasks: Sequence[TaskReport], tally: Tally, missing_feedback: int) -> list[str]:
    """Return one line for each thing that did not go as it must (pure); empty means success."""
    failures = [f"{count} requests to {task} failed" for task, count in tally.failed.items() if count]
    if missing_feedback:
        failures.append(f"{missing_feedback} acknowledged statements are not in the store")
    if tally.feedback_lost:
        failures.append(f"{tally.feedback_lost} statements were never acknowledged")
    for report in tasks:
        if report.before.version == report.after.version:
            failures.append(f"{report.task}: no second version took over (the last run ended as {report.gate})")
            continue
        before = {result.locale: result.metrics[report.before.metric].value for result in report.before.slices}
        for result in report.after.slices:
            value = result.metrics[report.after.metric].value
            if value <= before[result.locale]:
                failures.append(f"{report.task} {result.locale}: {before[result.locale]:.2f} -> {value:.2f}, no better")
    return failures


def set_port(spec_path: Path, port: int) -> None:
    """Write the port of the demo's service into its spec."""
    text = spec_path.read_text(encoding="utf-8")
    spec_path.write_text(text.replace(f"port: {DEFAULT_PORT}", f"port: {port}"), encoding="utf-8")


def free_port() -> int:
    """Return port 8000, or another one if something uses it."""
    try:
        require_free("127.0.0.1", DEFAULT_PORT, fix="")
    except ClusterError:
        return free_ports(1)[0]
    return DEFAULT_PORT
