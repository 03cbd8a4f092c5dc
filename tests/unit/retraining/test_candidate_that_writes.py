"""A candidate that writes is evaluated by the engine that it is published with, and says so everywhere."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.converted_models import trained_model
from tests.support.small_tasks import small_dataset

from polyloop.evaluation.results import SUMMARY_FILE
from polyloop.models.artefact import verify
from polyloop.models.engines import verdict
from polyloop.models.predict import Predictor
from polyloop.registry.store import Store, open_store
from polyloop.registry.versions import VersionRecord, get_version, reserve_version
from polyloop.retraining import candidate
from polyloop.retraining.evaluations import evaluate_version
from polyloop.retraining.plan import plan_training
from polyloop.spec.loader import LoadedSpec, load_spec

TASK = "numbers"


class Project:
    """A project whose training has just ended."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.trained, task = trained_model("recipe-translate", folder / "run")
        self.dataset = small_dataset(folder / "dataset", task, range(60), tokenizer_dir=self.trained)
        corpus = {"paths": ["x.tsv"], "columns": {"input": "en", "target": "to"}, "licence": "CC0-1.0"}
        corpora = {TASK: {**corpus, "locale": "en", "target_locale": "de"}}
        self.data: dict[str, Any] = {
            "project": "small",
            "locales": ["en", "de", "fr"],
            "corpora": corpora,
            "tasks": {TASK: task.model_dump(mode="json", exclude_defaults=True)},
        }
        self.path = folder / "polyloop.yaml"
        self.loaded: LoadedSpec = self.load()
        self.store: Store = open_store(self.loaded.store_url)
        self.told: list[str] = []
        monkeypatch.setattr(candidate, "run_training", lambda **_: self.trained)

    def load(self, **serving: Any) -> LoadedSpec:
        """Write the spec with other settings for serving, and load it."""
        self.data["tasks"][TASK]["serving"] = serving
        self.path.write_text(yaml.safe_dump(self.data), encoding="utf-8")
        return load_spec(self.path)

    def publish(self) -> tuple[VersionRecord, Path]:
        """Make the candidate, and return its record and its folder."""
        digests = {"dataset_digest": self.dataset.digest, "holdout_digest": "h" * 64, "spec_digest": "s" * 64}
        reserved = reserve_version(self.store, TASK, "c" * 64, **digests)
        plan = plan_training(self.loaded, TASK, None, None)
        candidate.make_candidate(self.loaded, self.store, reserved, plan, self.dataset, self.told.append)
        record = get_version(self.store, TASK, reserved.version)
        return record, self.loaded.artefacts_dir / str(record.path)

    def evaluate(self, record: VersionRecord) -> str:
        """Return the engine that `model evaluate` measures."""
        return evaluate_version(self.loaded, self.store, record, self.dataset, self.told.append).holdout.engine


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    made = Project(tmp_path, monkeypatch)
    yield made
    made.store.close()


def test_manifest_card_registry_and_evaluation_name_the_engine(project: Project) -> None:
    record, path = project.publish()
    engine = verify(path).engine
    assert engine is not None
    assert engine.engine == "ctranslate2"
    name = f"ctranslate2 {engine.compute_type}"
    assert record.metrics["engine"] == name
    assert f"It answers by ctranslate2 in {engine.compute_type}" in (path / "README.md").read_text(encoding="utf-8")
    assert any(text.startswith(f"{TASK} v1: {name} is to answer") for text in project.told)
    (summary,) = (project.loaded.artefacts_dir / "evaluations" / TASK).rglob(SUMMARY_FILE)
    told = json.loads(summary.read_text(encoding="utf-8"))
    assert told["engine"] == name
    assert told["size_bytes"] > (path / "ctranslate2" / "model.bin").stat().st_size * 1.5
    assert record.size_bytes == verify(path).size_bytes
    assert not project.trained.parent.exists()


def test_a_version_is_measured_again_by_the_engine_that_the_spec_asks_for(project: Project) -> None:
    record, _ = project.publish()
    assert project.evaluate(record) == record.metrics["engine"]
    project.loaded = project.load(engine="pytorch")
    assert project.evaluate(record) == "pytorch float32"


def test_a_failed_parity_publishes_without_the_engine(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict, "MAX_SCORE_DIFFERENCE", -1.0)
    record, path = project.publish()
    assert record.metrics["engine"] == "pytorch float32"
    assert not (path / "ctranslate2").exists()
    assert sum("is left out" in text for text in project.told) == 2
    assert str(Predictor(path, threads=1).engine) == "pytorch float32"


def test_a_publication_that_was_cut_off_is_the_same_when_it_is_tried_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(candidate, "publish_version", die)
        with pytest.raises(KeyboardInterrupt):
            project.publish()
    path = project.loaded.artefacts_dir / "models" / TASK / "v1"
    published = verify(path)
    record, again = project.publish()
    assert (again, record.state) == (path, "published")
    assert verify(path) == published
