"""A candidate of a task that trains nothing is made, evaluated and published without Ray."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.small_tasks import number_passage, small_dataset

from polyloop.data.documents import DOCUMENTS_NAME
from polyloop.models.artefact import verify
from polyloop.registry.store import open_store
from polyloop.registry.versions import PUBLISHED, get_version, reserve_version
from polyloop.retraining.candidate import make_candidate
from polyloop.retraining.plan import plan_training
from polyloop.retrieval.document_lines import write_documents
from polyloop.retrieval.documents import Document
from polyloop.spec.loader import load_spec


def test_an_answer_task_without_a_model_goes_the_way_of_all_versions(
    write_spec: Callable[[dict[str, Any]], Path], spec_data: dict[str, Any], tmp_path: Path
) -> None:
    documents = [{"paths": ["*.jsonl"], "licence": "CC-BY-4.0", "source": "numbers in words"}]
    spec_data["tasks"] = {"help": {"kind": "answer", "corpora": ["moods"], "documents": documents}}
    loaded = load_spec(write_spec(spec_data))
    dataset = small_dataset(tmp_path / "dataset", loaded.task("help"), range(100))
    texts = [Document(id=str(number), locale="en", text=number_passage(number)) for number in range(100)]
    (dataset.path / DOCUMENTS_NAME).write_bytes(write_documents(texts))
    store = open_store(loaded.store_url)
    plan = plan_training(loaded, "help", None, None)
    version = reserve_version(
        store, "help", plan.training_digest(dataset), dataset_digest="d", holdout_digest="h", spec_digest="s"
    )
    result = make_candidate(loaded, store, version, plan, dataset, lambda _: None)
    record = get_version(store, "help", version.version)
    store.close()
    assert record.state == PUBLISHED
    assert {"token_f1", "exact_match", "answered"} <= result.holdout.overall.metrics.keys()
    manifest = verify(loaded.artefacts_dir / str(record.path))
    assert manifest.architecture == "retrieval"
    assert manifest.corpora[-1].licence == "CC-BY-4.0"
    held = json.loads((loaded.artefacts_dir / str(record.path) / "answering.json").read_text())
    assert held["reader"] == "sentences"
