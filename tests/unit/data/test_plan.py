"""Plans: which files a build reads, and the key that changes with whatever decides the result and with nothing else."""

import copy
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polyloop.data.plan import Plan, make_plan, matching_files
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
    return make_plan(load_spec(path), task, options["feedback"], options["tokenizer_dir"], path.parent)


def test_globs_give_each_file_once_in_order(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.csv", "a.csv", "sub/c.csv"):
        (tmp_path / name).write_text("")
    found = matching_files("c", [f"{tmp_path}/**/*.csv", f"{tmp_path}/a.csv"])
    assert [path.relative_to(tmp_path).as_posix() for path in found] == ["a.csv", "b.csv", "sub/c.csv"]


def test_a_glob_without_a_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match=rf"the corpus 'moods': no file matches {tmp_path}/\*\.csv"):
        matching_files("moods", [f"{tmp_path}/*.csv"])


def test_jobs_read_every_corpus_file_and_the_feedback(
    project: dict[str, Any], write_spec: WriteSpec, tmp_path: Path
) -> None:
    feedback = tmp_path / "feedback.parquet"
    feedback.write_bytes(b"")
    jobs = plan(write_spec, project, feedback=feedback).jobs()
    assert [(Path(job.path).name, job.form, job.rules is None) for job in jobs] == [
        ("moods.jsonl", "jsonl", False),
        ("feedback.parquet", "parquet", True),
    ]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data["tasks"]["mood"].update(labels=["bad", "good"]),
        lambda data: data["tasks"]["mood"].update(locales=["en"]),
        lambda data: data["tasks"]["mood"]["model"].update(vocab_size=301),
        lambda data: data["tasks"]["mood"]["model"].update(max_input_tokens=9),
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
        lambda data: data["corpora"]["moods"].update(licence="MIT", source="elsewhere", format="jsonl"),
        lambda data: data["corpora"]["sentences"].update(split="dev"),
        lambda data: data.update(project="other"),
    ],
)
def test_what_does_not_decide_the_rows_leaves_the_key(
    project: dict[str, Any], write_spec: WriteSpec, change: Change
) -> None:
    before = plan(write_spec, copy.deepcopy(project)).build_key
    change(project)
    assert plan(write_spec, project).build_key == before


def test_file_names_and_order_leave_the_key_and_contents_change_it(
    project: dict[str, Any], write_spec: WriteSpec, tmp_path: Path
) -> None:
    before = plan(write_spec, project).build_key
    (tmp_path / "data" / "moods.jsonl").rename(tmp_path / "data" / "renamed.jsonl")
    project["corpora"]["moods"]["paths"] = ["data/re*.jsonl"]
    assert plan(write_spec, project).build_key == before
    (tmp_path / "data" / "renamed.jsonl").write_text("{}")
    assert plan(write_spec, project).build_key != before


def test_feedback_and_a_tokenizer_to_use_again_change_the_key(
    project: dict[str, Any], write_spec: WriteSpec, tmp_path: Path
) -> None:
    tokenizer = tmp_path / "tokenizer"
    tokenizer.mkdir()
    (tokenizer / "tokenizer_config.json").write_text("{}")
    feedback = tmp_path / "feedback.parquet"
    keys = {plan(write_spec, project).build_key}
    for content in (b"1", b"2"):
        feedback.write_bytes(content)
        keys.add(plan(write_spec, project, feedback=feedback).build_key)
    for content in (b"1", b"2"):
        (tokenizer / "tokenizer.json").write_bytes(content)
        keys.add(plan(write_spec, project, tokenizer_dir=tokenizer).build_key)
    (tokenizer / "model.safetensors").write_text("weights")
    keys.add(plan(write_spec, project, tokenizer_dir=tokenizer).build_key)
    assert len(keys) == 5


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
