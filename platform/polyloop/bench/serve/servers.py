"""Starts servers for the benchmark, one at a time, and ends each with all that it started.

Input: a project of ours, or a server of others and the environment that it is installed in. Output, inside of a
block: a `Served`, which answers. Errors: ClusterError where a server does not answer in time, with the end of its log.
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polyloop.bench.processes import started_group
from polyloop.bench.serve.projects import Project
from polyloop.cluster.ports import free_ports
from polyloop.errors import ClusterError
from polyloop.serving.config import serve_config
from polyloop.serving.embedded import HOME, bring_up, take_down
from polyloop.spec.settings import child_environment

READY_TIMEOUT_S = 180.0
POLL_S = 0.25
SHOWN_CHARACTERS = 2_000
PEERS = Path(__file__).parent / "peers"
THREADS = "1"
"""Threads of a model call: OpenMP's, and so PyTorch's. The spec's default for ours is the same."""


@dataclass(frozen=True, kw_only=True)
class Served:
    """Where one task is asked."""

    url: str
    headers: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A server of others, as its documentation has it started."""

    name: str
    """Its name as figures have it, with what it was given."""
    module: str
    """File of `peers` without its ending."""
    arguments: tuple[str, ...] = ()
    path: str = "/"
    """Where it takes requests."""
    as_bentoml: bool = False
    """Whether it is started by BentoML's own command."""

    def command(self, environment: Path, port: int) -> list[str]:
        """Return the command that starts it on a port of this machine, out of a virtual environment."""
        python = str(environment / "bin" / "python")
        if self.as_bentoml:
            place = ["--working-dir", str(PEERS), "--host", "127.0.0.1", "--port", str(port)]
            return [python, "-m", "bentoml", "serve", f"{self.module}:Service", *place]
        return [python, str(PEERS / f"{self.module}.py"), "--port", str(port), *self.arguments]


@contextmanager
def peer_running(peer: Peer, environment: Path, question: dict[str, Any], log: Path) -> Iterator[Served]:
    """Run a server of others inside the block, which begins when it has answered `question`."""
    (port,) = free_ports(1)
    variables = child_environment(
        {"OMP_NUM_THREADS": THREADS, "BENTOML_DO_NOT_TRACK": "True", "HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1"}
    )
    variables.pop("PYTHONPATH", None)
    served = Served(url=f"http://127.0.0.1:{port}{peer.path}", headers={})
    with started_group(peer.command(environment, port), variables, log) as process:
        _await_answer(served, question, peer.name, log, lambda: process.poll() is None)
        yield served


@contextmanager
def platform_running(project: Project, *, builder: str | None = None) -> Iterator[None]:
    """Run the platform with a project inside the block, as `polyloop up` does; `builder` builds its router if given."""
    deploy_project(project, builder=builder)
    try:
        yield
    finally:
        take_down(project.loaded)


def deploy_project(project: Project, *, builder: str | None = None) -> None:
    """Start the platform, or change what runs to what the project's spec says now."""
    config = serve_config(project.loaded)
    if builder is not None:
        config["applications"][0]["import_path"] = builder
    bring_up(project.loaded, lambda _: None, config=config)


def served(project: Project, task: str, question: dict[str, Any]) -> Served:
    """Return where a task of a running project is asked, when it has answered `question`."""
    one = Served(url=project.url(task), headers=project.headers)
    log = project.loaded.root / HOME / "ray-head.log"
    _await_answer(one, question, f"the task {task}", log, lambda: True)
    return one


def _await_answer(one: Served, question: dict[str, Any], name: str, log: Path, is_alive: Callable[[], bool]) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while (reason := _refusal(one, question)) is not None:
        if time.monotonic() > deadline or not is_alive():
            words = " ".join(log.read_text(errors="replace").split())[-SHOWN_CHARACTERS:] if log.exists() else ""
            raise ClusterError(f"{name} does not answer at {one.url} ({reason}); its log ends with: {words}")
        time.sleep(POLL_S)


def _refusal(one: Served, question: dict[str, Any]) -> str | None:
    """Return why a question was not answered, or None."""
    headers = {**one.headers, "Content-Type": "application/json"}
    request = urllib.request.Request(one.url, data=json.dumps(question).encode(), headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=READY_TIMEOUT_S) as response:
            response.read()
            return None
    except urllib.error.HTTPError as error:
        return f"status {error.code}: {error.read(SHOWN_CHARACTERS).decode(errors='replace')}"
    except OSError as error:
        return str(error)
