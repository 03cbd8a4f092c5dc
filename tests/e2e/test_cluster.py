"""The platform on a cluster begun with plain `ray start`, driven by `ray job submit` and `serve deploy` alone."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tests.e2e.processes import descendants

from polyloop.cluster.ports import free_ports
from polyloop.registry.keys import create_key
from polyloop.registry.run_states import RunState
from polyloop.registry.runs import list_runs
from polyloop.registry.store import Store, open_store
from polyloop.registry.versions import list_versions
from polyloop.spec.settings import child_environment

REPOSITORY = Path(__file__).resolve().parents[2]
SPEC = "docs/examples/quickstart.yaml"
TASK = "sentiment"
JOB_TIMEOUT_S = 240

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A running head, the environment that it was started in, and the project's store."""

    process: "subprocess.Popen[bytes]"
    dashboard: str
    metrics: str
    environment: dict[str, str]
    store: Store

    def ray(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run the `ray` command from the repository's root."""
        return subprocess.run(
            [sys.executable, "-m", "ray.scripts.scripts", *arguments],
            cwd=REPOSITORY,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=JOB_TIMEOUT_S,
        )

    def job(self, script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Submit jobs/`script` for the task and wait for its end."""
        command = [sys.executable, f"jobs/{script}", "--spec", SPEC, "--task", TASK, *arguments]
        return self.ray("job", "submit", "--address", self.dashboard, "--working-dir", ".", "--", *command)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("cluster")
    port, dashboard_port, agent_port, metrics_port = free_ports(4)
    environment = child_environment(
        {
            "POLYLOOP_HOME": str(home),
            "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "1",
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        }
    )
    start = [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", f"--port={port}"]
    start += [f"--dashboard-port={dashboard_port}", f"--dashboard-agent-listen-port={agent_port}"]
    start += [f"--metrics-export-port={metrics_port}", "--num-cpus=4"]
    generate = [sys.executable, "-m", "ray.scripts.scripts", "get-auth-token", "--generate"]
    subprocess.run(generate, env=environment, check=False, capture_output=True)
    with (home / "ray.log").open("wb") as log:
        process = subprocess.Popen(
            start, cwd=REPOSITORY, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    store = open_store(f"sqlite:///{home / 'quickstart' / 'polyloop.db'}")
    running = Cluster(
        process=process,
        dashboard=f"http://127.0.0.1:{dashboard_port}",
        metrics=f"http://127.0.0.1:{metrics_port}/metrics",
        environment=environment,
        store=store,
    )
    _wait(lambda: _status(f"{running.dashboard}/api/version") is not None, 60, "the dashboard answers")
    yield running
    store.close()
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=60)


def test_a_killed_training_job_is_taken_over_and_two_at_once_make_one_version(cluster: Cluster) -> None:
    with ThreadPoolExecutor(3) as threads:
        doomed = threads.submit(cluster.job, "retrain.py")
        _wait(lambda: _state(cluster) is RunState.TRAINING, JOB_TIMEOUT_S, "the first job trains")
        _kill_driver(cluster)
        assert doomed.result().returncode != 0
        both = [job.result() for job in [threads.submit(cluster.job, "retrain.py") for _ in range(2)]]

    assert [job.returncode for job in both] == [0, 0], both[0].stdout[-2000:] + both[1].stdout[-2000:]
    assert all("SUCCEEDED" in job.stdout or "succeeded" in job.stdout for job in both)
    assert [version.version for version in list_versions(cluster.store, TASK)] == ["v1"]
    first = list_runs(cluster.store, TASK)[-1]
    assert first.state is RunState.PROMOTED
    assert first.attempt == 2


def test_a_second_retraining_with_nothing_new_says_so(cluster: Cluster) -> None:
    again = cluster.job("retrain.py")

    assert again.returncode == 0, again.stdout[-2000:]
    assert "nothing is to be done" in again.stdout
    assert len(list_versions(cluster.store, TASK)) == 1


def test_jobs_at_once_agree_on_the_dataset_make_no_second_version_and_tell_the_gates_mind(cluster: Cluster) -> None:
    with ThreadPoolExecutor(4) as threads:
        built = [threads.submit(cluster.job, "preprocess.py", "--json") for _ in range(2)]
        trained = threads.submit(cluster.job, "train.py")
        evaluated = threads.submit(cluster.job, "evaluate.py", "--json")
    digests = {_json_part(job.result().stdout)[0]["digest"] for job in built}
    (comparison,) = _json_part(evaluated.result().stdout)

    assert digests == {list_versions(cluster.store, TASK)[0].dataset_digest}
    assert trained.result().returncode == 0, trained.result().stdout[-2000:]
    assert len(list_versions(cluster.store, TASK)) == 1
    assert comparison["gate"]["passed"] is True
    assert {one["locale"] for one in comparison["candidate"]["slices"]} == {"en", "de", "zh-Hans"}


def test_plain_serve_deploy_answers_and_takes_feedback(cluster: Cluster, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    config = yaml.safe_load((REPOSITORY / "serve_config.yaml").read_text())
    config["http_options"]["port"] = port
    path = tmp_path / "serve_config.yaml"
    path.write_text(yaml.safe_dump(config))
    deploy = [sys.executable, "-m", "ray.serve.scripts", "deploy", str(path), "-a", cluster.dashboard]
    subprocess.run(deploy, cwd=REPOSITORY, env=cluster.environment, check=True, capture_output=True, timeout=60)
    _, key = create_key(cluster.store, "e2e", ["infer", "feedback"])
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {key}"}, timeout=30)
    question = {"input": "The soup was wonderful."}
    with client:
        _wait(lambda: _answers(client, question), 120, "the task answers")
        answer = client.post(f"/v1/tasks/{TASK}", json=question).json()
        feedback = {"inference_id": answer["id"], "rating": 1}
        receipt = client.post("/v1/feedback", json=feedback, headers={"Idempotency-Key": "once"})
        ready = client.get("/readyz")
        too_long = client.post(f"/v1/tasks/{TASK}", json={"input": "soup " * 2_000})
        missing_model = client.post("/v1/tasks/localise", json={"input": "Hello", "target_locale": "de"})
    _wait(lambda: "no_model" in _requests_told(cluster), 60, "Prometheus is told of the last request")
    told = _requests_told(cluster)

    assert answer["version"] == "v1"
    assert answer["locale"] == "en"
    assert answer["output"] in {"positive", "negative", "neutral"}
    assert receipt.status_code == 201
    assert ready.status_code == 503
    assert ready.json()["reasons"] == {"localise": "no version has been promoted"}
    assert missing_model.status_code == 503
    assert too_long.status_code == 422
    assert too_long.json()["code"] == "input_too_long"
    assert told["answered"] >= 1
    assert told["input_too_long"] == told["no_model"] == 1


def _state(cluster: Cluster) -> RunState | None:
    runs = list_runs(cluster.store, TASK, limit=1)
    return runs[0].state if runs else None


def _kill_driver(cluster: Cluster) -> None:
    (driver,) = [
        pid
        for pid, command in descendants(cluster.process.pid).items()
        if re.match(r"\S*python\S* jobs/retrain.py", command)
    ]
    os.kill(driver, signal.SIGKILL)


def _requests_told(cluster: Cluster) -> dict[str, float]:
    """Return what the node tells Prometheus of requests: outcome -> how many."""
    told: dict[str, float] = {}
    for name, number in re.findall(
        r"^ray_polyloop_requests_total\{(.*)\} (\S+)$", httpx.get(cluster.metrics).text, re.M
    ):
        outcome = re.findall(r'outcome="(\w+)"', name)[0]
        told[outcome] = told.get(outcome, 0.0) + float(number)
    return told


def _answers(client: httpx.Client, question: dict[str, str]) -> bool:
    try:
        return client.post(f"/v1/tasks/{TASK}", json=question).status_code == 200
    except httpx.HTTPError:
        return False


def _status(url: str) -> int | None:
    try:
        return httpx.get(url, timeout=2).status_code
    except httpx.HTTPError:
        return None


def _wait(condition: Any, timeout_s: float, what: str) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not within {timeout_s:g} s: {what}"
        time.sleep(0.25)


def _json_part(output: str) -> Any:
    """Return the JSON document that a job printed among the lines of its log."""
    lines = output.splitlines()
    start = next(number for number, line in enumerate(lines) if line == "[")
    return json.loads("\n".join(lines[start : lines.index("]", start) + 1]))
