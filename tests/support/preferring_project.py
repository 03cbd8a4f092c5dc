"""A project whose champion translates numbers, and users who say which of its answers they like."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml
from sqlalchemy import insert
from tests.support.small_tasks import number_words, small_dataset, small_task, version_facts

from polyloop.data.dataset import Dataset
from polyloop.models.artefact import publish
from polyloop.registry.datasets import record_dataset
from polyloop.registry.releases import promote
from polyloop.registry.store import Store, open_store
from polyloop.registry.tables import feedback, inferences
from polyloop.registry.versions import publish_version, reserve_version
from polyloop.spec.loader import LoadedSpec, load_spec
from polyloop.training.config import TrainConfig
from polyloop.training.function import train
from polyloop.training.session import LocalSession

TASK = "numbers"
NOW = datetime(2026, 5, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Project:
    """A loaded spec with its store and the champion's dataset."""

    loaded: LoadedSpec
    store: Store
    dataset: Dataset

    def say(self, number: int, **said: Any) -> None:
        """Note that a user says something of the answer to a number; see `said_of` for the defaults."""
        inference, statement = said_of(number, **said)
        with self.store.begin() as connection:
            connection.execute(insert(inferences).values(**inference))
            connection.execute(insert(feedback).values(**statement))

    def numbers(self, split: str) -> list[int]:
        """Return the numbers of a split of the dataset that are written in digits (de), in their order."""
        rows: Sequence[dict[str, Any]] = self.dataset.table(split).to_pylist()  # type: ignore[arg-type]
        return sorted(int(row["target"]) for row in rows if row["target_locale"] == "de")


def said_of(number: int, **said: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an inference and a statement on it: by default, user `ann` corrects the next number to the right one."""
    user, at = said.get("user", "ann"), NOW + timedelta(seconds=number)
    identity = UUID(int=number + 100_000 * (1 + sum(map(ord, user))))
    common = {"task": TASK, "version": "v1", "locale": "en", "target_locale": "de", "propensity": 1.0, "created_at": at}
    inference = common | {
        "inference_id": identity,
        "input": number_words(number),
        "output": said.get("output", str(number + 1)),
        "healed": False,
    }
    statement = common | {
        "feedback_id": identity,
        "inference_id": identity,
        "input_digest": b"d",
        "rating": said.get("rating"),
        "correction": said.get("correction", str(number) if said.get("rating") is None else None),
        "user": user,
        "key_id": "k",
        "idempotency_key": f"{user}-{number}",
        "body_digest": b"b",
        "state": "new",
    }
    return inference, statement


def make_project(
    folder: Path, training: dict[str, Any], change: Callable[[dict[str, Any]], None] | None = None
) -> Project:
    """Train a champion, publish and promote it, and return its project; `change` may alter the spec's data."""
    task = small_task("translate", training=training)
    data: dict[str, Any] = {
        "project": "numbers",
        "locales": ["en", "de", "fr"],
        "corpora": {
            "numbers": {
                "paths": ["none.jsonl"],
                "columns": {"input": "input", "target": "target"},
                "locale": "en",
                "target_locale": "de",
                "licence": "CC0-1.0",
            }
        },
        "tasks": {TASK: task.model_dump(mode="json", exclude_unset=True) | {"gate": {"resamples": 100}}},
        "feedback": {"max_share_per_user": 1.0},
    }
    if change is not None:
        change(data)
    path = folder / "polyloop.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    loaded = load_spec(path)
    loaded.artefacts_dir.mkdir(parents=True)
    dataset = small_dataset(loaded.artefacts_dir / "dataset", task, range(60))
    store = open_store(loaded.store_url)
    _release_champion(loaded, store, dataset)
    return Project(loaded=loaded, store=store, dataset=dataset)


def _release_champion(loaded: LoadedSpec, store: Store, dataset: Dataset) -> None:
    task = loaded.task(TASK)
    run_dir = loaded.artefacts_dir / "champion"
    config = TrainConfig(task_name=TASK, task=task, dataset_dir=dataset.path, run_dir=run_dir)
    trained = train(config, LocalSession(run_dir=run_dir))
    manifest = publish(trained, loaded.artefacts_dir / "models" / TASK / "v1", version_facts(task))
    record_dataset(
        store,
        TASK,
        dataset.digest,
        path="dataset",
        holdout_digest=dataset.holdout_digest,
        spec_digest="f" * 64,
        num_rows={"train": 1},
    )
    reserve_version(
        store,
        TASK,
        "a" * 64,
        dataset_digest=dataset.digest,
        holdout_digest=dataset.holdout_digest,
        spec_digest="f" * 64,
    )
    publish_version(store, TASK, "v1", path=f"models/{TASK}/v1", size_bytes=manifest.size_bytes, metrics={})
    promote(store, TASK, "v1", actor="test", reason="first")
