"""A trained model becomes a version that says in its manifest and card what was found out about it."""

import shutil
from pathlib import Path

import pytest
from tests.support.published_versions import TASK, publish_project

from polyloop.models.artefact import verify
from polyloop.registry.versions import get_version, reserve_version
from polyloop.retraining import candidate
from polyloop.retraining.datasets import dataset_of
from polyloop.retraining.plan import plan_training


def test_a_candidate_is_tried_with_its_suites_and_its_card_tells_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = publish_project(tmp_path)
    store, loaded = project.store, project.loaded
    dataset = dataset_of(loaded, store, get_version(store, TASK, "v1"))
    trained = tmp_path / "run" / "model"
    shutil.copytree(loaded.artefacts_dir / "trained" / "v2", trained)
    monkeypatch.setattr(candidate, "run_training", lambda **_: trained)
    version = reserve_version(
        store, TASK, "c" * 64, dataset_digest=dataset.digest, holdout_digest="h" * 64, spec_digest="s" * 64
    )
    plan = plan_training(loaded, TASK, None, None)
    made = candidate.make_candidate(loaded, store, version, plan, dataset, lambda _: None)
    published = get_version(store, TASK, version.version)
    again = candidate.make_candidate(loaded, store, published, plan, dataset, lambda _: None)
    store.close()

    assert [one.suite for one in made.suites] == ["mood-words"]
    assert again == made
    path = loaded.artefacts_dir / str(published.path)
    manifest = verify(path)
    assert manifest.decision is not None
    assert manifest.decision.temperature == 1.5
    assert {(row.suite, row.test, row.place) for row in manifest.suites} == {
        ("mood-words", "blame", "en"),
        ("mood-words", "blame", "de"),
    }
    assert {row.dimension for row in manifest.groups} == {"length", "label"}
    card = (path / "README.md").read_text(encoding="utf-8")
    assert "| mood-words | blame | de | 60 | 60.0 (" in card
    assert "divided by 1.5, a temperature" in card
