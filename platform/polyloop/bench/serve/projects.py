"""The projects that the serving benchmark deploys: a spec, its store, published versions and their releases.

Input: a new folder, and the tasks. Output: a `Project` with an API key. All that a deployment would have is there:
versions stand in the registry with an artefact that is verified when it is loaded, a release names the champion, and
the spec's defaults hold but for numbers of replicas, which are settled so that no autoscaling changes what is compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

import polyloop
from polyloop.bench.serve.engines import SLEEPERS
from polyloop.bench.serve.models import SOURCE, TARGET, ModelSize, task_of, write_model
from polyloop.cluster.ports import free_ports
from polyloop.models.artefact import publish
from polyloop.models.manifest import VersionFacts
from polyloop.models.predict import contract_of
from polyloop.registry.keys import create_key
from polyloop.registry.releases import promote
from polyloop.registry.store import open_store
from polyloop.registry.versions import publish_version, reserve_version
from polyloop.spec.loader import LoadedSpec, load_spec

SPEC_FILE = "polyloop.yaml"
ACTOR = "bench"
DIGEST = "0" * 64
"""Stands for what a version was made from, where that is nothing."""
ECHO, ECHO_IN_ROUTER = "echo", "echo-in-router"
"""Tasks with an engine that echoes, in a replica of its own and in the router."""
IN_ROUTER: Mapping[str, Any] = {"placement": "router"}
"""Part of a task's spec that has its model live in the router."""
REPLICAS = (1, 4)
"""Numbers of replicas of the tasks with a sleeping engine."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project that can be deployed."""

    loaded: LoadedSpec
    api_key: str

    @property
    def headers(self) -> dict[str, str]:
        """Return what a client sends with each request."""
        return {"Authorization": f"Bearer {self.api_key}"}

    @property
    def base_url(self) -> str:
        """Return where the platform is asked."""
        serving = self.loaded.spec.serving
        return f"http://{serving.host}:{serving.port}"

    def url(self, task: str) -> str:
        """Return where a task is asked."""
        return f"{self.base_url}/v1/tasks/{task}"


def sleeper(num_replicas: int) -> str:
    """Return the name of the task with a sleeping engine in so many replicas."""
    return f"{SLEEPERS}-{num_replicas}"


def engine_project(folder: Path) -> Project:
    """Write a project of tasks with engines that compute nothing: echoes, and one that sleeps in 1 and in 4 replicas.

    No model call waits for company: the echo's peers do not either, and a sleeping engine takes one input at a time.
    """
    task = {"kind": "summarize", "locales": [SOURCE], "corpora": ["texts"], "model": {"recipe": "nano"}}
    alone = {"batch_wait_ms": 0.0}
    tasks = {
        ECHO: task | {"serving": replicas(1) | alone},
        ECHO_IN_ROUTER: task | {"serving": {**IN_ROUTER, **alone}},
        **{sleeper(count): task | {"serving": replicas(count) | alone | {"max_batch_size": 1}} for count in REPLICAS},
    }
    project = _write(folder, tasks)
    for name in tasks:
        _release(project.loaded, name, f"models/{name}/v1", size_bytes=1)
    return project


def with_routers(project: Project, num_routers: int) -> Project:
    """Return the same project with so many replicas of the router in its spec."""
    return with_serving(project, _routers(num_routers))


def with_serving(
    project: Project, serving: Mapping[str, Any], tasks: Mapping[str, Mapping[str, Any]] | None = None
) -> Project:
    """Return the same project with other settings of `serving` in its spec, its own and those of some tasks."""
    path = project.loaded.path
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    data["serving"] |= serving
    for name, own in (tasks or {}).items():
        data["tasks"][name]["serving"] |= own
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return Project(loaded=load_spec(path), api_key=project.api_key)


def model_project(
    folder: Path, sizes: Mapping[str, tuple[ModelSize, Mapping[str, Any]]], *, num_versions: int = 1
) -> Project:
    """Write a project of tasks with models: name of a task -> its model and where it is served.

    The first task's model is published `num_versions` times, as versions v1, v2 and so on that differ in nothing but
    their name; of the others there is v1. v1 is the champion of each.
    """
    made = {size: folder / "made" / size.name for size, _ in sizes.values()}
    notes = {size: write_model(size, place) for size, place in made.items()}
    tasks = {
        name: task_of(size, made[size] / "checkpoint") | {"serving": dict(served)}
        for name, (size, served) in sizes.items()
    }
    project = _write(folder, tasks)
    loaded = project.loaded
    for position, (name, (size, _)) in enumerate(sizes.items()):
        for number in range(1, 1 + (num_versions if position == 0 else 1)):
            path = f"models/{name}/v{number}"
            facts = _facts(loaded, name, f"v{number}").model_copy(update={"engine": notes[size]})
            manifest = publish(made[size] / "trained", loaded.artefacts_dir / path, facts)
            _release(loaded, name, path, size_bytes=manifest.size_bytes)
    return project


def replicas(count: int) -> dict[str, int]:
    """Return the part of a task's spec that asks for exactly so many replicas."""
    return {"min_replicas": count, "max_replicas": count}


def _routers(count: int) -> dict[str, int]:
    return {"router_min_replicas": count, "router_max_replicas": count}


def _write(folder: Path, tasks: dict[str, Any]) -> Project:
    folder.mkdir(parents=True, exist_ok=True)
    corpus = {"paths": ["none.jsonl"], "columns": {"input": "input", "target": "target"}, "licence": "CC0-1.0"}
    (port,) = free_ports(1)
    data = {
        "project": "bench",
        "locales": [SOURCE, TARGET],
        "corpora": {
            "texts": corpus | {"locale": SOURCE},
            "classify-rows": corpus | {"locale": SOURCE},
            "translate-rows": corpus | {"locale": SOURCE, "target_locale": TARGET},
        },
        "tasks": tasks,
        "serving": {"port": port, **_routers(1)},
    }
    path = folder / SPEC_FILE
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    loaded = load_spec(path)
    store = open_store(loaded.store_url)
    try:
        return Project(loaded=loaded, api_key=create_key(store, ACTOR, ["infer"])[1])
    finally:
        store.close()


def _release(loaded: LoadedSpec, task: str, path: str, *, size_bytes: int) -> None:
    """Put a version into the registry, and make the first one of a task its champion."""
    store = open_store(loaded.store_url)
    try:
        record = reserve_version(
            store, task, f"bench {path}", dataset_digest=DIGEST, holdout_digest=DIGEST, spec_digest=loaded.digest
        )
        publish_version(store, task, record.version, path=path, size_bytes=size_bytes, metrics={})
        if record.number == 1:
            promote(store, task, record.version, actor=ACTOR, reason="the first version")
    finally:
        store.close()


def _facts(loaded: LoadedSpec, name: str, version: str) -> VersionFacts:
    task = loaded.task(name)
    contract = contract_of(task, (SOURCE, TARGET) if task.pairs else (SOURCE,))
    return VersionFacts(
        task=name,
        version=version,
        kind=task.kind,
        architecture=contract.architecture,
        labels=task.labels,
        pairs=task.pairs,
        locales=contract.locales,
        max_input_tokens=contract.max_input_tokens,
        max_target_tokens=contract.max_target_tokens,
        dataset_digest=DIGEST,
        holdout_digest=DIGEST,
        spec_digest=loaded.digest,
        training_digest=DIGEST,
        code_version=polyloop.__version__,
        base_model=task.model.pretrained,
        created_at=datetime.now(UTC),
    )
