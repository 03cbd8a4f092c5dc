"""Plans: which files a build reads, and the key that changes with whatever decides the result and with nothing else."""

import copy
import gzip
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from polyloop.data.plan import Plan, make_plan
from polyloop.data.rules import CorpusRules, FeedbackRules
from polyloop.errors import DataError, ModelError
from polyloop.spec.loader import load_spec

WriteSpec = Callable[[dict[str, Any]], Path]
Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def project(tmp_path: Path, spec_data: dict[str, Any]) -> dict[str, Any]:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "moods.jsonl").write_text(json.dumps({"text": "a", "label": "good", "locale": "en"}))
    (tmp_path / "data" / "sentences.tsv").write_text("en\tde\na\tb\n")
    return spec_data


def plan(write_spec: WriteSpec, data: dict[str, Any], task: str = "mood", **options: Any) -> Plan:
    path = write_spec(data)
    options = {"feedback": None, "tokenizer_dir": None, **options}
    exports = path.parent / "exports"
    exports.mkdir(exist_ok=True)
    return make_plan(load_spec(path), task, options["feedback"], options["tokenizer_dir"], exports)


def write_feedback(path: Path, text: str = "a") -> Path:
    pq.write_table(pa.table({"input": [text]}), path)
    return path


def test_jobs_read_every_slice_of_the_corpora_and_the_feedback(
    project: dict[str, Any], write_spec: WriteSpec, tmp_path: Path
) -> None:
    (tmp_path / "data" / "more.jsonl").write_text(json.dumps({"text": "b", "label": "bad", "locale": "en"}))
    project["corpora"]["moods"]["paths"] = ["data/*.jsonl", "data/moods.jsonl"]
    made = plan(write_spec, project, feedback=write_feedback(tmp_path / "feedback.parquet"))
    assert [(Path(job.piece.path).name, job.piece.form, type(job.rules)) for job in made.jobs] == [
        ("moods.jsonl", "jsonl", CorpusRules),
        ("more.jsonl", "jsonl", CorpusRules),
        ("feedback.parquet", "parquet", FeedbackRules),
    ]
    assert len({job.key for job in made.jobs}) == 3


def test_a_corpus_without_a_file_is_an_error_that_names_it(project: dict[str, Any], write_spec: WriteSpec) -> None:
    project["corpora"]["moods"]["paths"] = ["data/*.csv"]
    with pytest.raises(DataError, match=r"the corpus 'moods': no file matches .*data/\*\.csv"):
        plan(write_spec, project)


def test_a_malformed_expression_is_an_error_before_anything_is_read(
    project: dict[str, Any], write_spec: WriteSpec
) -> None:
    project["corpora"]["moods"].update(where="votes >", paths=["data/none-such"])
    with pytest.raises(DataError, match=r"corpora\.moods\.where: the expression 'votes >' is malformed"):
        plan(write_spec, project)


def test_a_query_is_exported_once_for_all_tasks_and_becomes_a_file(
    project: dict[str, Any], write_spec: WriteSpec, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "moods.db")) as database, database:
        database.execute("CREATE TABLE moods (text, label, locale)")
        database.execute("INSERT INTO moods VALUES ('a', 'good', 'en')")
    del project["corpora"]["moods"]["paths"]
    project["corpora"]["moods"]["sql"] = {"url": "sqlite:///moods.db", "query": "SELECT * FROM moods"}
    project["tasks"]["mood-2"] = copy.deepcopy(project["tasks"]["mood"])
    made = plan(write_spec, project)
    (source,), (again,) = made.sources, made.neighbours["mood-2"]
    assert source.origin == "SELECT * FROM moods"
    assert [Path(file.path).name for file in source.files] == ["moods.parquet"]
    assert source.files == again.files
    before = made.build_key
    (tmp_path / "exports" / "moods.parquet").unlink()
    assert plan(write_spec, project).build_key == before


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["tasks"]["mood"].update(labels=["bad", "good"]),
        lambda data: data["tasks"]["mood"].update(locales=["en"]),
        lambda data: data["tasks"]["mood"]["model"].update(vocab_size=301),
        lambda data: data["tasks"]["mood"]["model"].update(max_input_tokens=9),
        lambda data: data["tasks"]["mood"]["model"].update(max_target_tokens=9),
        lambda data: data["tasks"]["mood"]["model"].update(tokenizer="unigram"),
        lambda data: data["tasks"]["mood"].update(dedup={"near": False}),
        lambda data: data["tasks"]["mood"].update(dedup={"threshold": 0.9}),
        lambda data: data["tasks"]["mood"].update(decontamination={"ngram": 12}),
        lambda data: data["tasks"]["mood"].update(decontamination={"ngram": 0}),
        lambda data: data["corpora"]["moods"]["columns"].update(input="label"),
        lambda data: data["corpora"]["moods"]["columns"].update(id="text"),
        lambda data: data["corpora"]["moods"].update(where="text"),
        lambda data: data["corpora"]["moods"].update(encoding="latin-1"),
        lambda data: data["corpora"]["moods"].update(explode=True),
        lambda data: data["corpora"]["moods"].update(cleaning={"repair": False}),
        lambda data: data["corpora"]["moods"].update(cleaning={"quality": {"rules": ["gopher"]}}),
        lambda data: data["corpora"]["moods"].update(cleaning={"pii": {"action": "mask"}}),
        lambda data: data["corpora"]["moods"].update(licence="MIT"),
        lambda data: data["corpora"]["moods"].update(source="elsewhere"),
        lambda data: data["corpora"]["moods"].update(labels={"0": "good"}),
        lambda data: data["corpora"]["moods"].update(split="train"),
        lambda data: data["corpora"]["moods"].update(locale="en"),
    ],
)
def test_what_decides_the_rows_changes_the_key(project: dict[str, Any], write_spec: WriteSpec, change: Change) -> None:
    before = plan(write_spec, copy.deepcopy(project)).build_key
    change(project)
    assert plan(write_spec, project).build_key != before


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["tasks"]["mood"].update(training={"epochs": 9}),
        lambda data: data["tasks"]["mood"]["model"].update(recipe="tiny"),
        lambda data: data["tasks"]["mood"].update(gate={"margin": 0.5}),
        lambda data: data["corpora"]["moods"].update(format="jsonl"),
        lambda data: data["corpora"]["moods"].update(paths=["data/m*.jsonl", "data/moods.jsonl"]),
        lambda data: data["tasks"]["to-german"].update(dedup={"near": False}),
        lambda data: data["tasks"]["to-german"]["model"].update(vocab_size=301),
        lambda data: data.update(project="other"),
        lambda data: data.update(feedback={"cleaning": {"repair": False}}),
    ],
)
def test_what_does_not_decide_the_rows_leaves_the_key(
    project: dict[str, Any], write_spec: WriteSpec, change: Change
) -> None:
    before = plan(write_spec, copy.deepcopy(project)).build_key
    change(project)
    assert plan(write_spec, project).build_key == before


def test_folders_and_order_leave_the_key_and_contents_and_names_change_it(
    project: dict[str, Any], write_spec: WriteSpec, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    (data / "more.jsonl").write_text("{}")
    project["corpora"]["moods"]["paths"] = ["data/moods.jsonl", "data/more.jsonl"]
    before = plan(write_spec, project).build_key
    project["corpora"]["moods"]["paths"] = ["data/more.jsonl", "data/moods.jsonl"]
    assert plan(write_spec, project).build_key == before
    (data / "sub").mkdir()
    (data / "more.jsonl").rename(data / "sub" / "more.jsonl")
    project["corpora"]["moods"]["paths"] = ["data/**/mo*.jsonl"]
    assert plan(write_spec, project).build_key == before
    (data / "sub" / "more.jsonl").rename(data / "sub" / "most.jsonl")
    renamed = plan(write_spec, project).build_key
    (data / "sub" / "most.jsonl").write_text("{} ")
    assert len({before, renamed, plan(write_spec, project).build_key}) == 3


def test_feedback_and_how_it_is_cleaned_change_the_key(
    project: dict[str, Any], write_spec: WriteSpec, tmp_path: Path
) -> None:
    keys = {plan(write_spec, project).build_key}
    for text in ("1", "2"):
        feedback = write_feedback(tmp_path / "feedback.parquet", text)
        keys.add(plan(write_spec, project, feedback=feedback).build_key)
    project["feedback"] = {"cleaning": {"repair": False}}
    keys.add(plan(write_spec, project, feedback=feedback).build_key)
    assert len(keys) == 4


def test_a_tokenizer_to_use_again_changes_the_key_by_its_own_files(
    project: dict[str, Any], write_spec: WriteSpec, tmp_path: Path
) -> None:
    tokenizer = tmp_path / "tokenizer"
    tokenizer.mkdir()
    (tokenizer / "tokenizer_config.json").write_text("{}")
    keys = {plan(write_spec, project).build_key}
    for content in (b"1", b"2"):
        (tokenizer / "tokenizer.json").write_bytes(content)
        keys.add(plan(write_spec, project, tokenizer_dir=tokenizer).build_key)
    (tokenizer / "model.safetensors").write_text("weights")
    keys.add(plan(write_spec, project, tokenizer_dir=tokenizer).build_key)
    assert len(keys) == 3


def neighbours(made: Plan) -> dict[str, list[str]]:
    return {task: [source.name for source in sources] for task, sources in made.neighbours.items()}


@pytest.mark.parametrize(
    ("split", "found"),
    [("auto", {"mood": ["moods"]}), ("holdout", {"mood": ["moods"]}), ("train", {}), ("dev", {})],
)
def test_what_other_tasks_are_judged_on_is_read_too(
    project: dict[str, Any], write_spec: WriteSpec, split: str, found: dict[str, list[str]]
) -> None:
    project["corpora"]["moods"]["split"] = split
    made = plan(write_spec, project, "to-german")
    assert neighbours(made) == found
    assert {job.rules.task.task for jobs in made.neighbour_jobs.values() for job in jobs} == set(found)
    assert {job.rules.task.task for job in made.jobs} == {"to-german"}


def test_without_decontamination_other_tasks_do_not_matter(project: dict[str, Any], write_spec: WriteSpec) -> None:
    project["tasks"]["to-german"]["decontamination"] = {"ngram": 0}
    made = plan(write_spec, project, "to-german")
    assert (made.neighbours, made.sharing) == ({}, ())
    before = made.build_key
    project["corpora"]["moods"]["split"] = "holdout"
    assert plan(write_spec, project, "to-german").build_key == before


def test_a_change_of_what_another_task_is_judged_on_changes_the_key(
    project: dict[str, Any], write_spec: WriteSpec, tmp_path: Path
) -> None:
    keys = {plan(write_spec, project).build_key}
    project["corpora"]["sentences"]["split"] = "holdout"
    keys.add(plan(write_spec, project).build_key)
    (tmp_path / "data" / "sentences.tsv").write_text("en\tde\na\tc\n")
    keys.add(plan(write_spec, project).build_key)
    project["corpora"]["sentences"]["split"] = "train"
    keys.add(plan(write_spec, project).build_key)
    assert len(keys) == 4
    (tmp_path / "data" / "sentences.tsv").write_text("en\tde\na\td\n")
    assert plan(write_spec, project).build_key in keys


def share(project: dict[str, Any], split: str = "train") -> None:
    for name in ("mood", "to-german"):
        project["tasks"][name]["model"]["shared_tokenizer"] = "ours"
        project["tasks"][name]["decontamination"] = {"ngram": 0}
        project["corpora"][project["tasks"][name]["corpora"][0]]["split"] = split


def test_tasks_that_share_a_tokenizer_read_each_others_train_rows(
    project: dict[str, Any], write_spec: WriteSpec
) -> None:
    share(project)
    mood, to_german = plan(write_spec, project), plan(write_spec, project, "to-german")
    assert mood.sharing == to_german.sharing == ("mood", "to-german")
    assert neighbours(mood) == {"to-german": ["sentences"]}
    assert neighbours(to_german) == {"mood": ["moods"]}
    assert mood.special_tokens_of == to_german.special_tokens_of
    assert [task.kind for task in mood.special_tokens_of] == ["classify", "translate"]


def test_what_trains_a_shared_tokenizer_changes_the_keys_of_all_its_tasks(
    project: dict[str, Any], write_spec: WriteSpec, tmp_path: Path
) -> None:
    alone = plan(write_spec, project).build_key
    share(project)
    before = plan(write_spec, project).build_key
    (tmp_path / "data" / "sentences.tsv").write_text("en\tde\na\tc\n")
    assert len({alone, before, plan(write_spec, project).build_key}) == 3


def test_a_tokenizer_that_is_used_again_or_came_with_a_checkpoint_is_not_shared(
    project: dict[str, Any], write_spec: WriteSpec, tmp_path: Path
) -> None:
    share(project)
    (tmp_path / "tokenizer_config.json").write_text("{}")
    made = plan(write_spec, project, tokenizer_dir=tmp_path)
    assert (made.sharing, neighbours(made)) == ((), {})
    assert [task.kind for task in made.special_tokens_of] == ["classify"]
    for name in ("mood", "to-german"):
        project["tasks"][name]["model"] = {"pretrained": "org/checkpoint", "shared_tokenizer": "ours"}
    assert plan(write_spec, project).sharing == ()


def test_a_tokenizer_to_use_again_wins_over_the_checkpoints(
    project: dict[str, Any], write_spec: WriteSpec, tmp_path: Path
) -> None:
    project["tasks"]["mood"]["model"] = {"pretrained": "org/checkpoint"}
    assert plan(write_spec, project).pretrained == "org/checkpoint"
    (tmp_path / "tokenizer_config.json").write_text("{}")
    assert plan(write_spec, project, tokenizer_dir=tmp_path).pretrained is None


def test_what_is_missing_is_named(project: dict[str, Any], write_spec: WriteSpec, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.parquet: there is no such file of curated feedback"):
        plan(write_spec, project, feedback=tmp_path / "gone.parquet")
    with pytest.raises(ModelError, match="there is no tokenizer to use again"):
        plan(write_spec, project, tokenizer_dir=tmp_path / "gone")


def test_a_corpus_may_not_be_called_feedback(project: dict[str, Any], write_spec: WriteSpec) -> None:
    project["corpora"]["feedback"] = project["corpora"].pop("moods")
    project["tasks"]["mood"]["corpora"] = ["feedback"]
    with pytest.raises(DataError, match="no corpus may be named 'feedback'"):
        plan(write_spec, project)


def test_a_zipped_file_is_another_file_for_the_key(
    project: dict[str, Any], write_spec: WriteSpec, tmp_path: Path
) -> None:
    before = plan(write_spec, project).build_key
    raw = (tmp_path / "data" / "moods.jsonl").read_bytes()
    (tmp_path / "data" / "moods.jsonl.gz").write_bytes(gzip.compress(raw))
    project["corpora"]["moods"]["paths"] = ["data/moods.jsonl.gz"]
    assert plan(write_spec, project).build_key != before
