"""Building a dataset of long documents whose task has paragraphs compared."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.support.building import small_pieces
from tests.support.dataset_projects import UNLIKE, MakeProject, Pair, label, replace_data, rows_of, varied_rows

from polyloop.data.build import build_dataset
from polyloop.data.passes import paragraphs
from polyloop.data.split import auto_split
from polyloop.tasks.example import example_id
from polyloop.tasks.text import normalise_text

pytestmark = pytest.mark.usefixtures("ray_cluster")

COMPARING: dict[str, Any] = {
    **UNLIKE,
    "dedup": {"paragraphs": True},
    "model": {**UNLIKE["model"], "max_input_tokens": 1_024},
}
PLAIN: dict[str, Any] = {**COMPARING, "dedup": {}, "decontamination": {"ngram": 0}}
"""Where the notice may stay, train rows share it with the holdout."""
NOTICE = "All 17 texts on this page may be copied freely, as long as the names of their authors are kept."
MENU = "Home About us"
NUM_DOCUMENTS = 200
NUM_NOTICES = 20


def documents() -> list[Pair]:
    """Return documents of three own paragraphs, a menu and the notice; some are nothing but another's paragraphs."""
    own = [text for text, _ in varied_rows(3 * NUM_DOCUMENTS, 21)]
    texts = [
        "\n".join([MENU, own[3 * number], NOTICE, own[3 * number + 1], own[3 * number + 2]])
        for number in range(NUM_DOCUMENTS)
    ]
    texts += [f"{own[6 * number + 1]}\n{NOTICE}\n{own[6 * number + 5]}" for number in range(NUM_NOTICES)]
    return [(text, label(number)) for number, text in enumerate(texts)]


def test_repeated_paragraphs_leave_train_rows_whatever_the_pieces_and_held_out_rows_stay(
    project: MakeProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = documents()
    whole = {example_id("task", "en", "en", normalise_text(text)): normalise_text(text) for text, _ in rows}
    replace_data(tmp_path, {"a.jsonl": rows})
    plain = build_dataset(project(PLAIN), "task")
    loaded = project(COMPARING)
    dataset = build_dataset(loaded, "task")
    small_pieces(monkeypatch)
    monkeypatch.setattr(paragraphs, "PARTITION_ENTRIES", 100)
    replace_data(tmp_path, {"b.jsonl": random.Random(5).sample(rows, len(rows))})
    messages: list[str] = []
    in_pieces = build_dataset(loaded, "task", progress=messages.append)
    assert in_pieces.digest == dataset.digest != plain.digest
    assert any(message.startswith("task: paragraphs: 2 of") for message in messages), "there was one partition only"

    assert dataset.holdout_digest == plain.holdout_digest
    assert {row["input"] for row in rows_of(plain)} <= set(whole.values())
    changed = Counter[str]()
    for row in rows_of(dataset):
        assert row["split"] == auto_split(row["id"])
        changed[row["split"]] += row["input"] != whole[row["id"]]
        if row["split"] == "train":
            assert NOTICE not in row["input"]  # there are held-out rows that have it
            assert row["input"].startswith(MENU) == whole[row["id"]].startswith(MENU)
    assert changed["holdout"] == changed["dev"] == 0

    dropped = dataset.manifest.dropped["repeated_paragraphs"]
    assert dropped > 0
    assert dataset.manifest.dropped == {"repeated_paragraphs": dropped}
    (step,) = [step for step in dataset.manifest.steps if step.name == "repeated paragraphs"]
    assert (step.dropped, step.rows_in - step.rows_out) == ({"repeated_paragraphs": dropped}, dropped)
    assert step.rows_changed >= changed["train"] > 100
    names = [step.name for step in dataset.manifest.steps]
    assert names[-4:] == ["near duplicates", "repeated paragraphs", "decontaminate", "encode"]
    rows_in = [step.rows_in for step in dataset.manifest.steps[-3:]]
    assert rows_in == [step.rows_out for step in dataset.manifest.steps[-4:-1]]
    assert "repeated paragraphs" not in [step.name for step in plain.manifest.steps]
