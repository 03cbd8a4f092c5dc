"""The same rows give the same dataset, whatever files, order, pieces and CPUs they come through; others move none."""

import random
from pathlib import Path
from typing import Any

import pytest
from tests.support.building import small_pieces, start_building
from tests.support.dataset_projects import (
    ROWS,
    TRANSLATE,
    UNLIKE,
    MakeProject,
    Pair,
    feedback_file,
    make_project,
    nearly,
    published,
    quoting,
    replace_data,
    varied_rows,
    write_rows,
)

from polyloop.data.build import build_dataset
from polyloop.data.dataset import Dataset
from polyloop.data.near.search import near_pairs
from polyloop.data.rows import SPLITS
from polyloop.data.storage import folder_sha256

pytestmark = pytest.mark.usefixtures("ray_cluster")

BASE = varied_rows(400, 1)
MIXED = BASE + nearly(BASE[::8], 2) + nearly(BASE[:24], 3) + quoting(BASE[1::5], 4) + BASE[:10]
"""Unlike rows with near duplicates, some of them near each other too, quotations and repetitions among them."""


def shuffled(rows: list[Pair], seed: int) -> list[Pair]:
    return random.Random(seed).sample(rows, len(rows))


def test_every_format_shuffled_or_in_pieces_gives_the_same_digest(project: MakeProject, tmp_path: Path) -> None:
    loaded = project()
    mixed = shuffled(ROWS, 3)
    layouts: list[dict[str, list[Pair]]] = [
        *({f"a.{form}": ROWS} for form in ("jsonl", "csv", "tsv", "parquet", "jsonl.gz", "csv.gz", "tsv.gz")),
        {"a.jsonl": mixed},
        {"z.csv": mixed[:50], "b.parquet": mixed[50:51], "c.tsv.gz": mixed[51:]},
    ]
    built = []
    for layout in layouts:
        replace_data(tmp_path, layout)
        built.append(build_dataset(loaded, "task"))
    assert len(list((loaded.artefacts_dir / "datasets" / "task" / "by-key").iterdir())) == len(layouts)
    assert {dataset.digest for dataset in built} == {built[0].digest}
    assert [path.name for path in published(loaded)] == [built[0].digest]


def test_near_duplicates_and_quotations_go_alike_in_any_order_files_pieces_and_cpus(
    project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = shuffled(MIXED, 5)
    thirds = {"z.csv": other[:200], "b.parquet": other[200:310], "c.tsv.gz": other[310:]}
    on_cpus = []
    for cpus, options, layout in ((1, (), {"a.jsonl": MIXED}), (4, ("--small",), {"a.jsonl": shuffled(MIXED, 6)})):
        folder = tmp_path / f"{cpus}-cpus"
        replace_data(folder, layout)
        on_cpus.append(start_building("local", make_project(folder, UNLIKE).path, "--cpus", str(cpus), *options))

    loaded = project(UNLIKE)
    replace_data(tmp_path, thirds)
    built = [build_dataset(loaded, "task")]
    small_pieces(monkeypatch)
    for layout in ({"b.tsv": other}, {"d.csv": MIXED[::2], "e.jsonl": MIXED[1::2]}):
        replace_data(tmp_path, layout)
        messages: list[str] = []
        built.append(build_dataset(loaded, "task", progress=messages.append))
        assert any(message.startswith("task: match: 2 of") for message in messages), "there was one partition only"
    digests = [process.communicate(timeout=120)[0].splitlines()[-1] for process in on_cpus]

    assert {*digests, *(dataset.digest for dataset in built)} == {built[0].digest}
    dropped = built[0].manifest.dropped
    assert dropped == built[-1].manifest.dropped
    assert dropped["near_duplicate"] >= 40
    assert dropped["near_holdout"] >= 3
    assert dropped["near_dev"] >= 1
    assert dropped["contaminated"] >= 4
    assert dropped["duplicate"] == 10
    assert set(dropped) == {"near_duplicate", "near_holdout", "near_dev", "contaminated", "duplicate"}


def contents(dataset: Dataset, split: Any) -> dict[str, tuple[str, str]]:
    """Return id -> input and target of the rows of a split."""
    return {row["id"]: (row["input"], row["target"]) for row in dataset.table(split).to_pylist()}


def test_another_corpus_and_feedback_move_no_row_and_bring_no_likeness_of_the_holdout(
    project: MakeProject, tmp_path: Path
) -> None:
    write_rows(tmp_path / "data" / "a.jsonl", BASE)
    first = build_dataset(project(UNLIKE), "task")
    held_out = [pair for split in ("holdout", "dev") for pair in contents(first, split).values()]
    added = varied_rows(200, 9) + nearly(BASE, 10) + quoting(BASE, 11)
    write_rows(tmp_path / "more" / "auto.tsv", added)
    write_rows(tmp_path / "more" / "train.csv", held_out + nearly(held_out, 12))
    more = {
        "main": {},
        "auto": {"paths": ["more/auto.tsv"]},
        "train": {"paths": ["more/train.csv"], "split": "train"},
    }
    corrections = [*((text, "bad") for text, _ in held_out), *nearly(held_out, 13), *varied_rows(20, 14)]
    second = build_dataset(
        project(UNLIKE, more), "task", feedback=feedback_file(tmp_path / "feedback.parquet", corrections)
    )

    for split in ("holdout", "dev"):
        assert contents(first, split).items() <= contents(second, split).items()
        assert len(contents(second, split)) > len(contents(first, split))
    everywhere = [example for split in SPLITS for example in contents(second, split)]
    assert len(set(everywhere)) == len(everywhere)
    train = [text for text, _ in contents(second, "train").values()]
    judged_on = [text for split in ("holdout", "dev") for text, _ in contents(second, split).values()]
    pairs = near_pairs(judged_on + train, 0.8)
    assert [tuple(pair) for pair in pairs.tolist() if pair[1] >= len(judged_on)] == []
    assert second.manifest.corpora["feedback"].rows_kept >= 15
    assert {"in_holdout", "in_dev", "near_holdout", "near_dev", "contaminated"} <= second.manifest.dropped.keys()


def test_tasks_that_share_a_tokenizer_make_the_same_whichever_is_built_first(
    project: MakeProject, tmp_path: Path
) -> None:
    rows = varied_rows(200, 7)
    pairs = [(f"day {rows[n][0]}", f"Tag {rows[n + 1][0]}") for n in range(150)]
    files = {"moods.csv": BASE, "moods-test.csv": BASE[:40], "pairs.tsv": pairs, "pairs-dev.tsv": pairs[:40]}
    for name, content in files.items():
        write_rows(tmp_path / "data" / name, content)
    model = {"recipe": "nano", "vocab_size": 400, "shared_tokenizer": "both"}
    tasks = {
        "mood": {"kind": "classify", "labels": ["good", "bad"], "corpora": ["moods", "moods-test"], "model": model},
        "german": {**TRANSLATE, "corpora": ["pairs", "pairs-dev"], "model": model},
    }
    german = {"target_locale": "de"}
    corpora = {
        "moods": {"paths": ["data/moods.csv"]},
        "moods-test": {"paths": ["data/moods-test.csv"], "split": "holdout"},
        "pairs": {"paths": ["data/pairs.tsv"], **german},
        "pairs-dev": {"paths": ["data/pairs-dev.tsv"], "split": "dev", **german},
    }
    corrections = feedback_file(tmp_path / "feedback.parquet", [("quite other words", "bad")], task="mood")
    made = []
    for order in (("mood", "german"), ("german", "mood")):
        loaded = project(corpora=corpora, tasks=tasks, artefacts=f"artefacts-{order[0]}-first")
        built = {task: build_dataset(loaded, task, feedback=corrections if task == "mood" else None) for task in order}
        assert len({folder_sha256(dataset.tokenizer_dir) for dataset in built.values()}) == 1
        made.append({task: dataset.digest for task, dataset in built.items()})
    assert made[0] == made[1]
