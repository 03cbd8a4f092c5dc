"""Building datasets with Ray: the same content gives the same digest, and what goes wrong is told in one line."""

import gzip
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import ray
from tests.support.dataset_projects import TRANSLATE, MakeProject, SmallDisk

from polyloop.data import stages
from polyloop.data.build import build_dataset
from polyloop.data.dataset import Dataset, open_dataset
from polyloop.data.rows import EXAMPLE_SCHEMA, SPLITS
from polyloop.data.split import auto_split
from polyloop.data.tokenizer import load_tokenizer
from polyloop.errors import ClusterError, DataError, ModelError, StorageFullError
from polyloop.spec.loader import LoadedSpec
from polyloop.tasks.example import example_id

pytestmark = pytest.mark.usefixtures("ray_cluster")

Pair = tuple[str, str]
ROWS: list[Pair] = [
    (f"{'very ' * (number % 3)}{word} number {number}, “{'好' * (number % 4)}”", label)
    for number in range(120)
    for word, label in (("nice", "good"), ("awful", "bad"))
]


def write_rows(path: Path, rows: list[Pair]) -> None:
    """Write rows in the format that the name says."""
    path.parent.mkdir(exist_ok=True)
    form = path.name.removesuffix(".gz").rpartition(".")[2]
    if form == "parquet":
        pq.write_table(pa.table({"text": [text for text, _ in rows], "label": [label for _, label in rows]}), path)
        return
    if form == "jsonl":
        lines = [json.dumps({"text": text, "label": label}, ensure_ascii=False) for text, label in rows]
    elif form == "csv":
        lines = ["text,label", *(f'"{text}",{label}' for text, label in rows)]
    else:
        lines = ["text\tlabel", *(f"{text}\t{label}" for text, label in rows)]
    content = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def replace_data(folder: Path, files: dict[str, list[Pair]]) -> None:
    """Make the corpus folder hold these files and no others."""
    (folder / "data").mkdir(exist_ok=True)
    for path in (folder / "data").iterdir():
        path.unlink()
    for name, rows in files.items():
        write_rows(folder / "data" / name, rows)


def published(loaded: LoadedSpec) -> list[Path]:
    """Return everything under the datasets of the task but the index."""
    home = loaded.artefacts_dir / "datasets" / "task"
    return sorted(path for path in home.glob("*") if path.name != "by-key")


def rows_of(dataset: Dataset) -> list[dict[str, Any]]:
    return [row for split in SPLITS for row in dataset.table(split).to_pylist()]


def test_every_format_shuffled_or_in_pieces_gives_the_same_digest(project: MakeProject, tmp_path: Path) -> None:
    loaded = project()
    shuffled = random.Random(3).sample(ROWS, len(ROWS))
    layouts: list[dict[str, list[Pair]]] = [
        *({f"a.{form}": ROWS} for form in ("jsonl", "csv", "tsv", "parquet", "jsonl.gz", "csv.gz", "tsv.gz")),
        {"a.jsonl": shuffled},
        {"z.csv": shuffled[:50], "b.parquet": shuffled[50:51], "c.tsv.gz": shuffled[51:]},
    ]
    built = []
    for layout in layouts:
        replace_data(tmp_path, layout)
        built.append(build_dataset(loaded, "task"))
    assert len(list((loaded.artefacts_dir / "datasets" / "task" / "by-key").iterdir())) == len(layouts)
    assert {dataset.digest for dataset in built} == {built[0].digest}
    assert [path.name for path in published(loaded)] == [built[0].digest]


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
    listed = {file.name for file in manifest.files} | {"manifest.json"}
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


def feedback_file(path: Path, rows: list[Pair], **changes: Any) -> Path:
    base = {"task": "task", "locale": "en", "target_locale": "en", "weight": 2.0, "corpus": "feedback"}
    table = pa.Table.from_pylist(
        [
            {**base, "id": "not looked at", "split": "train", "input": text, "target": target, **changes}
            for text, target in rows
        ],
        schema=EXAMPLE_SCHEMA,
    )
    pq.write_table(table, path)
    return path


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


def truncated_gzip(folder: Path) -> None:
    write_rows(folder / "b.tsv.gz", ROWS)
    (folder / "b.tsv.gz").write_bytes((folder / "b.tsv.gz").read_bytes()[:-200])


def truncated_parquet(folder: Path) -> None:
    write_rows(folder / "b.parquet", ROWS)
    (folder / "b.parquet").write_bytes((folder / "b.parquet").read_bytes()[:-20])


def other_columns(folder: Path) -> None:
    (folder / "b.csv").write_text("text,mark\na,b\n")


def unknown_format(folder: Path) -> None:
    (folder / "b.docx").write_bytes(b"?")


def one_label(folder: Path) -> None:
    write_rows(folder / "a.jsonl", [row for row in ROWS if row[1] == "good"])


def only_labels_that_the_task_does_not_have(folder: Path) -> None:
    write_rows(folder / "a.jsonl", [(text, "ugly") for text, _ in ROWS])


def empty_file(folder: Path) -> None:
    (folder / "a.jsonl").write_text("")


def no_file(folder: Path) -> None:
    (folder / "a.jsonl").unlink()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (truncated_gzip, r"b\.tsv\.gz: the gzip file is truncated or broken"),
        (truncated_parquet, r"b\.parquet: the .*file"),
        (other_columns, r"b\.csv: there is no column 'label'; its columns: 'text', 'mark'"),
        (unknown_format, r"b\.docx: the format cannot be told"),
        (one_label, r"all rows of the train split have the label 'good'"),
        (only_labels_that_the_task_does_not_have, r"no row is left for the train split.*dropped: 240 unknown_label"),
        (empty_file, r"no row is left for the train split; rows read: 0"),
        (no_file, r"the corpus 'main': no file matches .*/data/\*"),
    ],
)
def test_a_corpus_that_cannot_be_used_is_one_line_and_publishes_nothing(
    project: MakeProject,
    tmp_path: Path,
    spoil: Callable[[Path], None],
    message: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    replace_data(tmp_path, {"a.jsonl": ROWS})
    spoil(tmp_path / "data")
    loaded = project()
    with pytest.raises(DataError, match=message) as caught:
        build_dataset(loaded, "task")
    assert "\n" not in str(caught.value)
    assert published(loaded) == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("stage", ["task: reading", "task: training a tokenizer", "task: encoding"])
def test_a_disk_that_gets_full_is_one_line_and_publishes_nothing(
    project: MakeProject, tmp_path: Path, small_disk: SmallDisk, capfd: pytest.CaptureFixture[str], stage: str
) -> None:
    numbers = random.Random(11)
    rows = [(f"{numbers.getrandbits(256):x}", label) for _ in range(1_000) for label in ("good", "bad")]
    replace_data(tmp_path, {"a.jsonl": rows})
    loaded = project(artefacts=str(small_disk.folder))
    home = small_disk.folder / "datasets" / "task"
    reached: list[str] = []

    def fill_at_stage(message: str) -> None:
        reached.append(message)
        if message.startswith(stage):
            small_disk.leave(8_192)

    with pytest.raises(StorageFullError) as caught:
        build_dataset(loaded, "task", progress=fill_at_stage)
    assert reached[-1].startswith(stage)
    assert str(home) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(home.iterdir()) == []
    assert capfd.readouterr() == ("", "")


BUILD_AND_REPORT = """
import sys, time
import ray
ray.init(address=sys.argv[1], log_to_driver=False, logging_level="ERROR")
from polyloop.data import stages
from polyloop.data.build import build_dataset
from polyloop.spec.loader import load_spec

def tell(message):
    print(message, flush=True)
    if message.endswith("encoding"):
        time.sleep(60)

build_dataset(load_spec(sys.argv[2]), "task", progress=tell)
"""


def test_a_killed_build_publishes_nothing_and_the_next_one_works_and_cleans_up(
    project: MakeProject, tmp_path: Path
) -> None:
    replace_data(tmp_path, {"a.jsonl": ROWS})
    loaded = project()
    address = ray.get_runtime_context().gcs_address
    command = [sys.executable, "-c", BUILD_AND_REPORT, address, str(loaded.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "")
        assert any(line == "task: encoding\n" for line in lines), "the build did not get that far"
        process.kill()
    assert [path.name for path in published(loaded) if not path.name.startswith(".building-")] == []
    assert [path for path in published(loaded) if path.is_dir()], "nothing was left to clean up"
    dataset = build_dataset(loaded, "task")
    assert published(loaded) == [dataset.path]
    assert len(rows_of(dataset)) == len(ROWS)


def test_two_builds_at_once_publish_one_dataset(project: MakeProject, tmp_path: Path) -> None:
    replace_data(tmp_path, {"a.jsonl": ROWS})
    loaded = project()
    address = ray.get_runtime_context().gcs_address
    script = BUILD_AND_REPORT.replace("time.sleep(60)", "time.sleep(2)")
    command = [sys.executable, "-c", script, address, str(loaded.path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=120)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert all("task: encoding" in output for output in outputs), "the builds were not at work together"
    (path,) = published(loaded)
    assert open_dataset(path).digest == path.name


def die(_: dict[str, str]) -> dict[str, str]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def die_once(item: dict[str, str]) -> dict[str, str]:
    mark = Path(item["mark"])
    if not mark.exists():
        mark.write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def test_work_whose_worker_died_is_done_again(tmp_path: Path) -> None:
    items = [{"mark": str(tmp_path / "a")}, {"mark": str(tmp_path / "b")}]
    done = stages.run_pass(die_once, items, tmp_path)
    assert sorted(done, key=lambda item: item["mark"]) == items


def test_workers_that_keep_dying_are_a_named_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "MAX_ATTEMPTS", 2)
    with pytest.raises(ClusterError, match="Ray's workers died 2 times at the same piece") as caught:
        stages.run_pass(die, [{"a": "b"}], tmp_path)
    assert "\n" not in str(caught.value)


def test_without_ray_the_error_says_what_to_do(project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(ClusterError, match=r"call ray\.init\(\) before"):
        build_dataset(project(), "task")


def test_a_build_is_silent(project: MakeProject, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    replace_data(tmp_path, {"a.jsonl": ROWS})
    build_dataset(project(), "task")
    assert capfd.readouterr() == ("", "")
