"""Building datasets with Ray: what a dataset holds, what its manifest says, and when a build has nothing to do."""

import json
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.support.dataset_projects import ROWS, TRANSLATE, MakeProject, feedback_file, replace_data, rows_of

from polyloop.data.build import build_dataset
from polyloop.data.dataset import open_dataset
from polyloop.data.rows import SPLITS
from polyloop.data.split import auto_split
from polyloop.data.tokenizer import load_tokenizer
from polyloop.errors import DataError, ModelError
from polyloop.tasks.example import example_id

pytestmark = pytest.mark.usefixtures("ray_cluster")


def test_a_dataset_holds_every_row_once_as_the_contract_says(project: MakeProject, tmp_path: Path) -> None:
    replace_data(tmp_path, {"a.jsonl": ROWS})
    loaded = project()
    messages: list[str] = []
    dataset = build_dataset(loaded, "task", progress=messages.append)
    rows = rows_of(dataset)
    assert sorted((row["input"], row["target"]) for row in rows) == sorted(ROWS)
    tokenizer = load_tokenizer(dataset.tokenizer_dir)
    for row in rows:
        assert row["id"] == example_id("task", "en", "en", row["input"])
        assert row["split"] == auto_split(row["id"])
        assert tokenizer.decode(row["input_ids"], skip_special_tokens=True) == row["input"]
        assert row["input_ids"][-1] == tokenizer.eos_token_id
        assert row["target_ids"] == [["good", "bad"].index(row["target"])]
        assert (row["task"], row["locale"], row["target_locale"], row["weight"]) == ("task", "en", "en", 1.0)

    manifest = dataset.manifest
    counts = Counter(row["split"] for row in rows)
    assert {split: manifest.num_rows(split) for split in SPLITS} == counts
    assert manifest.label_counts["train"]["en"]["good"] + manifest.label_counts["train"]["en"]["bad"] == counts["train"]
    assert manifest.spec_digest == loaded.digest
    assert (manifest.corpora["main"].licence, manifest.corpora["main"].rows_read) == ("CC0-1.0", len(ROWS))
    assert manifest.warnings == tuple(f"no row of the {split} split has the target locale de" for split in SPLITS)
    assert manifest.tokenizer.kind == "trained"
    assert any("warning" in message for message in messages)
    assert open_dataset(dataset.path).manifest == manifest
    listed = {file.name for file in manifest.files} | {"manifest.json", "report.html", "README.md"}
    on_disk = {path.relative_to(dataset.path).as_posix() for path in dataset.path.rglob("*") if path.is_file()}
    assert listed == on_disk


def test_the_second_build_returns_the_first_without_work(project: MakeProject, tmp_path: Path) -> None:
    replace_data(tmp_path, {"a.jsonl": ROWS})
    loaded = project()
    first = build_dataset(loaded, "task")
    messages: list[str] = []
    second = build_dataset(loaded, "task", progress=messages.append)
    assert second == first
    assert messages == [f"task: the dataset {first.digest[:12]} is up to date"]


def test_a_dataset_that_lost_a_file_is_refused_and_built_again_once_removed(
    project: MakeProject, tmp_path: Path
) -> None:
    replace_data(tmp_path, {"a.jsonl": ROWS})
    loaded = project()
    first = build_dataset(loaded, "task")
    for path in [*first.path.rglob("*.parquet"), first.path / "manifest.json"]:
        path.unlink()
    for path in sorted(first.path.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    first.path.rmdir()
    second = build_dataset(loaded, "task")
    assert second.digest == first.digest
    assert rows_of(second) == rows_of(first)


def test_every_bad_row_is_dropped_with_its_reason_and_counted(project: MakeProject, tmp_path: Path) -> None:
    replace_data(tmp_path, {"a.jsonl": ROWS})
    bad_lines = [
        b'{"text": "a"',
        b'{"text": "only text"}',
        b'{"text": 5, "label": "good"}',
        b'{"text": "\xff", "label": "good"}',
        b'{"text": " ", "label": "good"}',
        b'{"text": "a", "label": ""}',
        b'{"text": "a", "label": "ugly"}',
        b'{"text": "' + b"long " * 200 + b'", "label": "good"}',
        json.dumps({"text": ROWS[0][0] + "  ", "label": ROWS[0][1]}).encode(),
    ]
    with (tmp_path / "data" / "a.jsonl").open("ab") as stream:
        stream.write(b"\n".join(bad_lines))
    (tmp_path / "data" / "b.tsv").write_text("text\tlabel\na\tb\tc\n")
    dataset = build_dataset(project(), "task")
    reasons = ["bad_json", "missing_column", "not_text", "invalid_utf8", "empty_input", "empty_target"]
    reasons += ["unknown_label", "too_long_input", "duplicate", "wrong_columns"]
    assert dataset.manifest.dropped == dict.fromkeys(reasons, 1)
    assert dataset.manifest.corpora["main"].rows_read == len(ROWS) + len(reasons)
    assert dataset.manifest.corpora["main"].rows_kept == len(ROWS)
    drops = [json.loads(line) for line in (dataset.path / "drops.jsonl").read_text().splitlines()]
    assert {drop["reason"]: drop["where"] for drop in drops} | {"bad_json": f"a.jsonl:{len(ROWS) + 1}"} == {
        drop["reason"]: drop["where"] for drop in drops
    }
    assert {row["input"] for row in rows_of(dataset)} == {text for text, _ in ROWS}


def test_corrections_replace_train_rows_and_never_touch_dev_and_holdout(project: MakeProject, tmp_path: Path) -> None:
    replace_data(tmp_path, {"a.jsonl": ROWS})
    loaded = project()
    before = build_dataset(loaded, "task")
    other = {"good": "bad", "bad": "good"}
    corrections = [(row["input"], other[row["target"]]) for row in rows_of(before)] + [("quite new", "good")]
    after = build_dataset(loaded, "task", feedback=feedback_file(tmp_path / "f.parquet", corrections))

    for split in ("dev", "holdout"):
        assert after.table(split)["target"].to_pylist() == before.table(split)["target"].to_pylist()
    assert after.holdout_digest == before.holdout_digest
    assert after.digest != before.digest
    train = after.table("train").to_pylist()
    assert {(row["corpus"], row["weight"], row["split"]) for row in train} == {("feedback", 2.0, "train")}
    expected = {row["input"]: other[row["target"]] for row in before.table("train").to_pylist()} | {"quite new": "good"}
    assert {row["input"]: row["target"] for row in train} == expected
    assert after.manifest.dropped == {
        "replaced_by_feedback": before.manifest.num_rows("train"),
        "in_holdout": before.manifest.num_rows("holdout"),
        "in_dev": before.manifest.num_rows("dev"),
    }
    assert before.manifest.feedback_digest is None
    assert after.manifest.feedback_digest is not None


def test_explicit_splits_are_taken_and_rows_of_the_holdout_leave_train(project: MakeProject, tmp_path: Path) -> None:
    replace_data(tmp_path, {"train.tsv": ROWS[:100], "test.tsv": ROWS[95:120]})
    corpora = {
        "train": {"paths": ["data/train.tsv"], "split": "train"},
        "test": {"paths": ["data/test.tsv"], "split": "holdout"},
    }
    dataset = build_dataset(project(corpora=corpora), "task")
    rows = {split: {row["input"] for row in dataset.table(split).to_pylist()} for split in SPLITS}
    assert rows == {
        "train": {text for text, _ in ROWS[:95]},
        "dev": set(),
        "holdout": {text for text, _ in ROWS[95:120]},
    }
    assert dataset.manifest.corpora["train"].dropped == {"in_holdout": 5}


def test_a_tokenizer_is_used_again_and_the_digest_tells(project: MakeProject, tmp_path: Path) -> None:
    replace_data(tmp_path, {"a.jsonl": ROWS[:200]})
    loaded = project()
    old = build_dataset(loaded, "task")
    replace_data(tmp_path, {"a.jsonl": ROWS})
    new = build_dataset(loaded, "task", tokenizer_dir=old.tokenizer_dir)
    retrained = build_dataset(loaded, "task")
    assert new.manifest.tokenizer.kind == "reused"
    assert new.manifest.tokenizer.sha256 == old.manifest.tokenizer.sha256 != retrained.manifest.tokenizer.sha256
    assert new.digest != retrained.digest
    assert new.holdout_digest == retrained.holdout_digest


def test_translate_has_tags_and_text_targets(project: MakeProject, tmp_path: Path) -> None:
    replace_data(tmp_path, {"a.csv": [(f"day {number}", f"Tag {number}") for number in range(80)]})
    dataset = build_dataset(project(TRANSLATE, {"main": {"target_locale": "de"}}), "task")
    tokenizer = load_tokenizer(dataset.tokenizer_dir)
    row = dataset.table("train").to_pylist()[0]
    assert (row["locale"], row["target_locale"]) == ("en", "de")
    assert row["input_ids"][0] == tokenizer.convert_tokens_to_ids("<2de>") == 3
    assert tokenizer.decode(row["target_ids"], skip_special_tokens=True) == row["target"]
    assert dataset.manifest.rows["train"] == {"de": dataset.manifest.num_rows("train")}
    assert dataset.manifest.label_counts == {}


def test_a_tokenizer_without_the_tag_of_a_target_locale_is_a_named_error(project: MakeProject, tmp_path: Path) -> None:
    replace_data(tmp_path, {"a.jsonl": ROWS})
    classify = build_dataset(project(), "task")
    loaded = project(TRANSLATE, {"main": {"target_locale": "de"}})
    with pytest.raises(ModelError, match="has no token '<2de>'"):
        build_dataset(loaded, "task", tokenizer_dir=classify.tokenizer_dir)


def test_a_hugging_face_folder_gives_the_same_rows_as_its_file(project: MakeProject, tmp_path: Path) -> None:
    replace_data(tmp_path, {"train.csv": ROWS})
    from_hub = project(corpora={"main": {"paths": [], "hub": "./data"}})
    if find_spec("datasets") is None:  # without the optional package there is one right answer too
        with pytest.raises(DataError, match=r"pip install 'polyloop\[hub\]'"):
            build_dataset(from_hub, "task")
        return
    dataset = build_dataset(from_hub, "task")
    assert dataset.manifest.corpora["main"].hub == str(tmp_path / "data")
    assert build_dataset(project(), "task").digest == dataset.digest


@pytest.mark.datasets
def test_real_dialogues_in_lists_become_a_dataset_of_their_utterances(
    project: MakeProject, tmp_path: Path, datasets_dir: Path
) -> None:
    columns = {"input": "en", "target": "zh", "id": "id"}
    common = {"columns": columns, "locale": "en", "target_locale": "zh-Hans", "explode": True}
    files = {"train": "train_1k_part", "dev": "dev", "holdout": "test"}
    corpora = {
        split: {**common, "paths": [f"{datasets_dir}/dlg_xdailydialog/{name}.jsonl.gz"], "split": split}
        for split, name in files.items()
    }
    task = {**TRANSLATE, "pairs": ["en>zh-Hans"], "model": {"recipe": "nano", "vocab_size": 2_000}}
    loaded = project(task, corpora, locales=["en", "zh-Hans"])
    dataset = build_dataset(loaded, "task")
    manifest = dataset.manifest
    assert manifest.num_rows("train") > 5_500
    assert manifest.num_rows("dev") > 6_000
    assert manifest.num_rows("holdout") > 6_500
    reasons = {"duplicate", "conflicting_target", "in_holdout", "in_dev", "unequal_lists", "too_long_input"}
    assert set(manifest.dropped) <= reasons
    ids = [row["id"] for row in rows_of(dataset)]
    assert len(set(ids)) == len(ids)
    tokenizer = load_tokenizer(dataset.tokenizer_dir)
    for row in dataset.table("holdout").slice(0, 500).to_pylist():
        assert tokenizer.decode(row["input_ids"][1:], skip_special_tokens=True) == row["input"]
        assert tokenizer.decode(row["target_ids"], skip_special_tokens=True) == row["target"]


def test_a_build_is_silent(project: MakeProject, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    replace_data(tmp_path, {"a.jsonl": ROWS})
    build_dataset(project(), "task")
    assert capfd.readouterr() == ("", "")
