"""Building the dataset of an answer task with Ray, and a version of it: documents are a part of both."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from polyloop.data.build import build_dataset
from polyloop.data.dataset import Dataset
from polyloop.data.documents import DOCUMENTS_NAME
from polyloop.errors import DataError
from polyloop.models.predict import PredictInput, Predictor
from polyloop.registry.releases import get_release
from polyloop.registry.store import open_store
from polyloop.retraining.loop import LoopRunner
from polyloop.spec.loader import LoadedSpec, load_spec
from polyloop.tasks.question import Question, read_question

pytestmark = pytest.mark.usefixtures("ray_cluster")

TEXTS = {
    "tower": "The tower was built in 1901. Anna designed the stairs.",
    "bread": "Bakers bake bread early. The shops open at eight.",
}
QUESTIONS: list[dict[str, Any]] = [
    {"q": "When was the tower built?", "a": "1901", "at": "tower", "passage": TEXTS["tower"]},
    {"q": "Who designed the stairs?", "a": "Anna", "at": "tower", "passage": TEXTS["tower"]},
    {"q": "When do the shops open?", "a": "at eight", "at": "bread", "passage": TEXTS["bread"]},
    {"q": "Who is the president of Mars?", "a": "", "at": None, "passage": None},
]


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def project(folder: Path, *, split: str = "holdout", **task: Any) -> LoadedSpec:
    write_lines(folder / "questions.jsonl", QUESTIONS)
    write_lines(folder / "texts.jsonl", [{"name": name, "text": text} for name, text in TEXTS.items()])
    columns = {"input": "q", "target": "a", "document": "at", "context": "passage"}
    corpus = {"paths": ["questions.jsonl"], "columns": columns, "locale": "en", "licence": "CC0-1.0", "split": split}
    documents = [{"paths": ["texts.jsonl"], "columns": {"id": "name"}, "locale": "en", "licence": "CC-BY-4.0"}]
    data = {
        "project": "example",
        "locales": ["en"],
        "artefacts": "artefacts",
        "store": "sqlite:///polyloop.db",
        "corpora": {"questions": corpus},
        "tasks": {"help": {"kind": "answer", "corpora": ["questions"], "documents": documents, **task}},
    }
    (folder / "polyloop.yaml").write_text(yaml.safe_dump(data))
    return load_spec(folder / "polyloop.yaml")


def questions_of(dataset: Dataset) -> list[tuple[Question, str]]:
    table = dataset.table("holdout")
    rows = zip(table.column("input").to_pylist(), table.column("target").to_pylist(), strict=True)
    return sorted(((read_question(text), target) for text, target in rows), key=lambda row: row[0].question)


def test_a_dataset_holds_questions_and_documents_and_needs_no_train_rows(tmp_path: Path) -> None:
    dataset = build_dataset(project(tmp_path), "help")
    assert (Question(question="Who is the president of Mars?"), "") in questions_of(dataset)
    tower = Question(question="When was the tower built?", context=TEXTS["tower"], document="tower")
    assert (tower, "1901") in questions_of(dataset)
    assert DOCUMENTS_NAME in {file.name for file in dataset.manifest.files}
    kept = [json.loads(line) for line in (dataset.path / DOCUMENTS_NAME).read_text().splitlines()]
    assert {one["id"]: one["text"] for one in kept} == TEXTS
    assert build_dataset(project(tmp_path), "help") == dataset


def test_a_changed_document_makes_another_dataset_with_the_same_holdout(tmp_path: Path) -> None:
    loaded = project(tmp_path)
    first = build_dataset(loaded, "help")
    write_lines(tmp_path / "texts.jsonl", [{"name": "tower", "text": "The tower is gone."}, {"name": "x", "text": ""}])
    second = build_dataset(loaded, "help")
    assert first.digest != second.digest
    assert first.holdout_digest == second.holdout_digest
    assert "1 documents were left out: 1 no_text" in second.manifest.warnings


def test_a_trained_reader_needs_train_rows(tmp_path: Path) -> None:
    loaded = project(tmp_path, answer={"reader": "extractive"}, model={"recipe": "nano", "vocab_size": 300})
    with pytest.raises(DataError, match="no row is left for the train split"):
        build_dataset(loaded, "help")


def test_a_turn_of_the_loop_makes_and_promotes_a_version_without_a_model(tmp_path: Path) -> None:
    loaded = project(tmp_path)
    store = open_store(loaded.store_url)
    said: list[str] = []
    outcome = LoopRunner(loaded, store, said.append).run("help", release=False)
    assert outcome.version is not None, said
    predictor = Predictor(loaded.artefacts_dir / "models" / "help" / outcome.version)
    (answer,) = predictor.predict([PredictInput(text="When was the tower built?", locale="en", target_locale="en")])
    assert answer.output == "The tower was built in 1901."
    assert answer.citations[0].document_id == "tower"
    assert get_release(store, "help").champion is None
    store.close()
