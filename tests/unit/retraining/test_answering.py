"""From documents to a published version that answers with citations or says that it has none, without Ray."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.support.small_tasks import (
    number_passage,
    number_words,
    small_dataset,
    small_task,
    version_facts,
)
from tests.support.tiny_reader import save_checkpoint, tiny_encoder, word_tokenizer

from polyloop.errors import ArtefactError, ModelError
from polyloop.evaluation.evaluate import evaluate
from polyloop.models.answering import ANSWERING_FILE, AnsweringSettings, Curve, read_answering
from polyloop.models.artefact import publish, verify
from polyloop.models.predict import PredictInput, Predictor
from polyloop.retraining.answering import add_answering, fit_curve, is_right
from polyloop.retrieval.documents import Document
from polyloop.spec.models import TaskSpec
from polyloop.tasks.question import Question, write_question
from polyloop.training.config import TrainConfig
from polyloop.training.function import train
from polyloop.training.session import LocalSession

DOCUMENTS = (
    Document(id="tower", locale="en", source="guide", text="The tower was built in 1901. Anna designed the stairs."),
    Document(id="bread", locale="en", text="Bakers bake bread early. The shops open at eight."),
    Document(id="turm", locale="de", text="Der Turm wurde 1901 gebaut. Anna entwarf die Treppe."),
)
NO_ROWS: list[tuple[str, str, str]] = []


def table(rows: list[tuple[str, str, str]]) -> pa.Table:
    """Return a split's table of (locale, question, answer)."""
    locales, inputs, targets = ([row[place] for row in rows] for place in range(3))
    ids = [str(number) for number in range(len(rows))]
    columns = {"id": ids, "locale": locales, "target_locale": locales, "input": inputs, "target": targets}
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def make_version(
    folder: Path, task: TaskSpec, documents: tuple[Document, ...] = DOCUMENTS, **changes: Any
) -> tuple[Predictor, AnsweringSettings]:
    """Publish a version and load it again."""
    (folder / "trained").mkdir(exist_ok=True, parents=True)
    given = {"locales": ("en", "de"), "encoder_dir": None, "index_dir": folder / "indexes" / "i", **changes}
    settings = add_answering(folder / "trained", task, documents, given.pop("dev", table(NO_ROWS)), **given)
    publish(folder / "trained", folder / "v1", version_facts(task))
    return Predictor(folder / "v1", threads=1), settings


def ask(predictor: Predictor, question: str, locale: str = "en") -> Any:
    (answer,) = predictor.predict([PredictInput(text=question, locale=locale, target_locale=locale)])
    return answer


def test_a_version_without_a_model_answers_with_citations_or_not_at_all(tmp_path: Path) -> None:
    predictor, _ = make_version(tmp_path, small_task("answer"))
    answer = ask(predictor, "When was the tower built?")
    assert answer.output == "The tower was built in 1901."
    (first, *_) = answer.citations
    document = next(one for one in DOCUMENTS if one.id == first.document_id)
    assert document.text[first.start : first.end] == answer.output
    assert (first.document_id, first.source) == ("tower", "guide")
    assert answer.ranking[0] == "tower"
    assert 0.5 <= answer.confidence <= 1.0

    nothing = ask(predictor, "Who is the president of Mars?")
    assert (nothing.output, nothing.citations) == ("", ())
    assert nothing.confidence < 0.5


def test_every_file_of_such_a_version_has_its_digest(tmp_path: Path) -> None:
    make_version(tmp_path, small_task("answer"))
    manifest = verify(tmp_path / "v1")
    assert {ANSWERING_FILE, "README.md", "index/index.json", "index/documents.jsonl"} <= manifest.files.keys()
    assert (manifest.kind, manifest.architecture) == ("answer", "retrieval")
    documents = tmp_path / "v1" / "index" / "documents.jsonl"
    documents.write_bytes(documents.read_bytes().replace(b"1901", b"1902"))
    with pytest.raises(ArtefactError, match=r"index/documents\.jsonl is not the file that was published"):
        Predictor(tmp_path / "v1")


def test_an_answer_is_given_from_its_chance_on(tmp_path: Path) -> None:
    question = "When was the tower built?"
    chance = ask(make_version(tmp_path / "first", small_task("answer"))[0], question).confidence
    for name, threshold, is_given in (("at", chance, True), ("above", chance + 1e-6, False)):
        predictor, _ = make_version(tmp_path / name, small_task("answer", answer={"threshold": threshold}))
        assert bool(ask(predictor, question).output) == is_given


def test_only_as_many_passages_as_the_task_says_are_read(tmp_path: Path) -> None:
    predictor, _ = make_version(tmp_path, small_task("answer", answer={"num_passages": 1, "threshold": 0}))
    answer = ask(predictor, "the tower and the bread")
    assert {citation.document_id for citation in answer.citations} == {answer.ranking[0]}
    assert len(answer.ranking) > 1


def test_only_documents_in_the_locale_of_the_question_are_read_where_the_task_says_so(tmp_path: Path) -> None:
    task = small_task("answer", answer={"same_locale": True, "threshold": 0})
    predictor, _ = make_version(tmp_path, task)
    assert ask(predictor, "Anna 1901", locale="de").ranking == ("turm",)
    assert set(ask(predictor, "Anna 1901", locale="und").ranking) == {"turm", "tower"}


def test_what_a_corpus_knows_of_the_answer_is_not_looked_at(tmp_path: Path) -> None:
    predictor, _ = make_version(tmp_path, small_task("answer"))
    told = write_question(Question(question="When was the tower built?", context="In 2020.", document="bread"))
    assert ask(predictor, told) == ask(predictor, "When was the tower built?")


def test_an_index_is_built_once_and_again_where_it_is_damaged(tmp_path: Path) -> None:
    task, index = small_task("answer"), tmp_path / "indexes" / "i"
    make_version(tmp_path / "a", task, index_dir=index)
    first = (index / "index.json").stat()
    make_version(tmp_path / "b", task, index_dir=index)
    assert (index / "index.json").stat().st_ino == first.st_ino
    (index / "passages.npy").unlink()
    predictor, _ = make_version(tmp_path / "c", task, index_dir=index)
    assert ask(predictor, "When was the tower built?").output


def test_an_encoder_is_a_part_of_the_version(tmp_path: Path) -> None:
    words = ["the", "tower", "was", "built", "in", "1901", "bakers", "bake", "bread", "anna"]
    tokenizer = word_tokenizer(words)
    encoder = save_checkpoint(tmp_path / "encoder", tiny_encoder(tokenizer), tokenizer)
    task = small_task("answer", answer={"encoder": {"path": str(encoder), "query_prefix": "bread "}})
    predictor, settings = make_version(tmp_path, task, encoder_dir=encoder)
    assert settings.query_prefix == "bread "
    assert len(ask(predictor, "When was the tower built?").ranking) == len(DOCUMENTS)
    assert {"encoder/config.json", "encoder/model.safetensors"} <= verify(tmp_path / "v1").files.keys()


def test_dev_rows_fit_a_curve_for_all_and_for_each_locale_with_enough_of_them(tmp_path: Path) -> None:
    numbers = range(100, 140)
    documents = tuple(Document(id=str(n), locale="en", text=f"The code of {number_words(n)} is {n}.") for n in numbers)
    rows = [("en", f"What is the code of {number_words(n)}?", str(n)) for n in numbers]
    rows += [("en", f"Who wrote of {number_words(n)} and of the mayor?", "") for n in numbers]
    rows += [("de", "Was ist der code?", "")] * 3
    predictor, settings = make_version(tmp_path, small_task("answer"), documents, dev=table(rows))
    assert list(settings.curves) == ["en"]
    assert read_answering(tmp_path / "v1") == settings
    assert ask(predictor, rows[0][1]).output == "The code of one zero zero is 100."
    assert ask(predictor, rows[40][1]).output == ""


def test_a_version_is_evaluated_on_what_it_finds_and_gives(tmp_path: Path) -> None:
    predictor, _ = make_version(tmp_path, small_task("answer"))
    held = Question(question="When was the tower built?", document="tower")
    rows = [("en", write_question(held), "The tower was built in 1901."), ("en", "Who is the president of Mars?", "")]
    task = small_task("answer", gate={"resamples": 100})
    digests: dict[str, Any] = {"task": "t", "version": "v1", "dataset_digest": "d", "holdout_digest": "h"}
    result = evaluate(predictor, task, table(rows), **digests)
    told = {name: interval.value for name, interval in result.overall.metrics.items()}
    names = ("token_f1", "exact_match", "recall@1", "mrr", "answered", "no_answer_accuracy")
    assert {name: told[name] for name in names} == dict.fromkeys(names, 100.0)
    assert result.rows.relevant == ("tower", "")


@pytest.mark.parametrize("reader", ["extractive", "generative"])
def test_a_trained_reader_is_published_with_its_documents(tmp_path: Path, reader: str) -> None:
    task = small_task(
        "answer",
        answer={"reader": reader, "num_passages": 1, "threshold": 0},
        model={"max_input_tokens": 48},
        training={"epochs": {"extractive": 8, "generative": 1}[reader], "batch_tokens": 2_048, "dropout": 0.0},
    )
    dataset = small_dataset(tmp_path / "data", task, range(400))
    config = TrainConfig(task_name="numbers", task=task, dataset_dir=dataset.path, run_dir=tmp_path / "run")
    trained = train(config, LocalSession(run_dir=config.run_dir))
    documents = tuple(Document(id=str(n), locale="en", text=number_passage(n)) for n in range(10, 60))
    add_answering(
        trained,
        task,
        documents,
        dataset.table("dev"),
        locales=("en",),
        encoder_dir=None,
        index_dir=tmp_path / "indexes" / "i",
    )
    publish(trained, tmp_path / "v1", version_facts(task))
    predictor = Predictor(tmp_path / "v1", threads=1)
    answers = [ask(predictor, number_words(n)) for n in (12, 35, 48)]
    assert [answer.ranking[0] for answer in answers] == ["12", "35", "48"]
    assert all(answer.citations[0].document_id == answer.ranking[0] for answer in answers if answer.output)
    if reader == "extractive":  # marking digits is learned in seconds; copying them takes a generator longer
        assert [answer.output for answer in answers] == ["12", "35", "48"]
    again = Predictor(tmp_path / "v1", threads=1)
    assert [replace(ask(again, number_words(12)), confidence=None)] == [replace(answers[0], confidence=None)]


def test_an_encoder_that_is_not_there_is_named(tmp_path: Path) -> None:
    task = small_task("answer", answer={"encoder": {"path": "nowhere"}})
    with pytest.raises(ModelError, match="there is no encoder at"):
        make_version(tmp_path, task, encoder_dir=tmp_path / "nowhere")


DEFAULT = Curve(slope=1.0, intercept=0.0, threshold=0.5)


def test_a_curve_is_fitted_only_where_rows_of_both_kinds_tell_it() -> None:
    scores = [number / 40 for number in range(40)]
    right = [score > 0.5 for score in scores]
    assert fit_curve(scores[:20], right[:20], DEFAULT, None) == DEFAULT
    assert fit_curve(scores, [True] * 40, DEFAULT, None) == DEFAULT
    curve = fit_curve(scores, right, DEFAULT, None)
    assert curve.chance(0.9) > 0.9
    assert curve.chance(0.1) < 0.1
    assert all((curve.chance(score) >= curve.threshold) is flag for score, flag in zip(scores, right, strict=True))
    assert fit_curve(scores, right, DEFAULT, 0.25).threshold == 0.25


@pytest.mark.parametrize(
    ("given", "wanted", "locale", "right"),
    [
        ("The tower was built in 1901.", "1901", "en", True),
        ("The tower was built in 1901.", "1902", "en", False),
        ("the old tower", "old tower of Paris", "en", True),
        ("The tower", "", "en", False),
        ("绿茶的水温不宜过高。", "水温", "zh-Hans", True),
        ("", "1901", "en", False),
    ],
)
def test_an_answer_is_right_that_holds_the_wanted_one_or_much_of_it(
    given: str, wanted: str, locale: str, right: bool
) -> None:
    assert is_right(given, wanted, locale) is right
