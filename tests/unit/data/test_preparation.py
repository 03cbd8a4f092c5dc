"""All passes that make clean rows, one after another: what stays, what is told, and what is not done again."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.support.dataset_projects import varied_rows
from tests.support.small_corpora import run_here, write_rows

from polyloop.data import preparation
from polyloop.data.passes.buckets import read_bucket
from polyloop.data.plan import Plan, make_plan
from polyloop.data.preparation import Prepared, prepare
from polyloop.errors import ArtefactError, DataError
from polyloop.spec.loader import load_spec

WriteSpec = Callable[[dict[str, Any]], Path]

TEXTS = [text for text, _ in varied_rows(120, 1)]
"""Texts of which none is like another."""
SENTENCE = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run passes here instead of in Ray."""
    monkeypatch.setattr(preparation, "run_pass", run_here)


@pytest.fixture
def project(tmp_path: Path, spec_data: dict[str, Any]) -> dict[str, Any]:
    """Task `mood` with the corpora `moods` (train) and `judged` (holdout), and `to-german` with its own holdout."""
    moods = [{"text": text, "label": "good" if number % 2 else "bad"} for number, text in enumerate(TEXTS)]
    write_rows(tmp_path / "data" / "moods.jsonl", moods)
    write_rows(tmp_path / "data" / "judged.jsonl", [{"text": "something quite different", "label": "good"}])
    (tmp_path / "data" / "sentences.tsv").write_text(f"en\tde\nThey counted: {SENTENCE}.\tSie zählten.\n")
    spec_data["corpora"]["moods"] |= {"locale": "en", "split": "train"}
    spec_data["corpora"]["judged"] = spec_data["corpora"]["moods"] | {
        "paths": ["data/judged.jsonl"],
        "split": "holdout",
    }
    spec_data["corpora"]["sentences"]["split"] = "holdout"
    spec_data["tasks"]["mood"]["corpora"] = ["moods", "judged"]
    return spec_data


def add(folder: Path, *texts: str, name: str = "moods", label: str = "good") -> None:
    path = folder / "data" / f"{name}.jsonl"
    with path.open("a") as stream:
        stream.writelines(json.dumps({"text": text, "label": label}) + "\n" for text in texts)


def plan(write_spec: WriteSpec, data: dict[str, Any], task: str = "mood") -> Plan:
    path = write_spec(data)
    return make_plan(load_spec(path), task, None, None, path.parent)


def run(folder: Path, made: Plan, said: list[str] | None = None) -> Prepared:
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    return prepare(made, work, folder / "datasets", (said if said is not None else []).append)


def inputs(prepared: Prepared) -> list[str]:
    return [text for path in prepared.buckets for text in read_bucket(path)["input"].to_pylist()]


def test_rows_come_out_in_the_order_of_ids_and_every_other_row_is_accounted_for(
    tmp_path: Path, project: dict[str, Any], write_spec: WriteSpec
) -> None:
    add(tmp_path, TEXTS[0], TEXTS[2] + "!", f"Well, {SENTENCE}, or so.", " ", label="bad")
    prepared = run(tmp_path, plan(write_spec, project))
    ids = [example for path in prepared.buckets for example in read_bucket(path)["id"].to_pylist()]
    assert ids == sorted(set(ids))
    assert set(inputs(prepared)) <= {*TEXTS, TEXTS[2] + "!", "something quite different"}
    dropped = Counter({reason: count for record in prepared.steps for reason, count in record.dropped.items()})
    assert dropped == prepared.tally.by_reason()
    assert all(before.rows_out == after.rows_in for before, after in pairwise(prepared.steps))
    assert (prepared.steps[0].rows_in, prepared.steps[-1].rows_out) == (125, len(ids))
    names = ["exact duplicates", "near duplicates", "decontaminate"]
    assert [record.name for record in prepared.steps[-3:]] == names
    assert [sum(record.dropped.values()) for record in prepared.steps[-3:]] == [1, 1, 1]


def test_what_is_alike_goes_only_within_a_label(tmp_path: Path, project: dict[str, Any], write_spec: WriteSpec) -> None:
    add(tmp_path, TEXTS[1] + "!", label="good")
    add(tmp_path, TEXTS[3] + "!", label="bad")
    prepared = run(tmp_path, plan(write_spec, project))
    assert prepared.tally.by_reason() == {"near_duplicate": 1}
    project["tasks"]["mood"]["dedup"] = {"near": False}
    prepared = run(tmp_path, plan(write_spec, project))
    assert (prepared.tally.by_reason(), prepared.steps[-1].name) == ({}, "decontaminate")


def test_a_train_row_that_nearly_repeats_the_holdout_goes_whatever_its_label(
    tmp_path: Path, project: dict[str, Any], write_spec: WriteSpec
) -> None:
    add(tmp_path, TEXTS[5] + "!", name="judged", label="bad")
    project["tasks"]["mood"]["decontamination"] = {"ngram": 0}
    prepared = run(tmp_path, plan(write_spec, project))
    assert prepared.tally.by_corpus() == {"moods": {"near_holdout": 1}}
    assert TEXTS[5] not in inputs(prepared)


def test_another_tasks_holdout_is_kept_out_unless_decontamination_is_off(
    tmp_path: Path, project: dict[str, Any], write_spec: WriteSpec
) -> None:
    add(tmp_path, f"Well, {SENTENCE}, or so.")
    prepared = run(tmp_path, plan(write_spec, project))
    assert prepared.tally.by_corpus() == {"moods": {"contaminated": 1}}
    assert [shard.corpus for shard in prepared.partners["to-german"]] == ["sentences"]
    assert {shard.corpus for shard in prepared.shards} == {"moods", "judged"}
    project["tasks"]["mood"]["decontamination"] = {"ngram": 0}
    prepared = run(tmp_path, plan(write_spec, project))
    assert (prepared.tally.by_reason(), prepared.partners) == ({}, {})
    project["tasks"]["mood"]["decontamination"] = {"ngram": 14}
    project["corpora"]["sentences"]["split"] = "train"
    assert run(tmp_path, plan(write_spec, project)).tally.by_reason() == {}


def test_slices_that_are_known_are_not_cleaned_again_for_whichever_task(
    tmp_path: Path, project: dict[str, Any], write_spec: WriteSpec
) -> None:
    def cleaned(task: str = "mood") -> str:
        said: list[str] = []
        run(tmp_path, plan(write_spec, project, task), said)
        return said[0].partition("cleaning ")[2].partition(" slice")[0]

    assert cleaned() == "3 of 3"
    assert cleaned() == "0 of 3"
    assert cleaned("to-german") == "0 of 2"
    add(tmp_path, "one more")
    assert cleaned() == "1 of 3"
    project["corpora"]["judged"]["cleaning"] = {"width": False}
    assert cleaned() == "1 of 3"
    project["corpora"]["judged"]["cleaning"] = {}
    assert cleaned() == "0 of 3"
    project["tasks"]["mood"]["dedup"] = {"threshold": 0.9}
    assert cleaned() == "0 of 3"


def test_failures_of_steps_are_added_up_over_the_files_of_a_corpus(
    tmp_path: Path, project: dict[str, Any], write_spec: WriteSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def apply(self: object, draft: Any) -> None:
        if draft.input == "strange":
            raise RuntimeError("no idea")

    monkeypatch.setattr("polyloop.data.steps.repair.RepairText.apply", apply)
    add(tmp_path, "strange", name="moods")
    write_rows(tmp_path / "data" / "more.jsonl", [{"text": "strange", "label": "good"}])
    project["corpora"]["moods"]["paths"].append("data/more.jsonl")
    project["corpora"]["moods"]["cleaning"] = {"max_failed_rows": 2}
    assert run(tmp_path, plan(write_spec, project)).tally.by_reason() == {"step_failed": 2}
    project["corpora"]["moods"]["cleaning"] = {"max_failed_rows": 1}
    with pytest.raises(
        DataError, match=r"'moods': cleaning steps failed on 2 rows, more than corpora\.moods\.cleaning"
    ):
        run(tmp_path, plan(write_spec, project))


def test_a_shard_that_disappears_is_an_error_that_says_what_to_do(
    tmp_path: Path, project: dict[str, Any], write_spec: WriteSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparation, "run_pass", lambda *arguments: [])
    with pytest.raises(ArtefactError, match="was removed while a build needed it; build again"):
        run(tmp_path, plan(write_spec, project))
