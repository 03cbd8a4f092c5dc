"""The GPU part's models and rows, tried at a small size on a CPU."""

from pathlib import Path

import pytest

from polyloop.bench.train.gpu import FIRST_ID, SIZES, Size, run_size, save_model, task_of_size, write_rows
from polyloop.spec.models import TaskSpec

SMALL = {
    "generate": Size(
        kind="generate",
        width=32,
        feedforward=64,
        heads=2,
        layers=1,
        input_tokens=8,
        target_tokens=24,
        rows_at_once=4,
        num_steps=3,
    ),
    "translate": Size(
        kind="translate",
        width=32,
        feedforward=64,
        heads=2,
        layers=1,
        input_tokens=16,
        target_tokens=16,
        rows_at_once=4,
        num_steps=3,
    ),
}


@pytest.mark.parametrize("kind", SMALL)
def test_every_step_is_full_and_the_arithmetic_is_counted(kind: str, tmp_path: Path):
    size = SMALL[kind]
    told = run_size(size, tmp_path, use_gpu=False, skip_s=0.0, vocab_size=FIRST_ID + 50)

    assert told["num_steps"] == size.num_steps
    assert told["tokens_per_s"] > 0
    assert told["flops_per_token"] > 6 * size.width * size.feedforward
    assert told["mfu"] is None
    assert (told["device"], told["saves_s"]) == ("cpu", [])


def test_rows_fill_the_whole_length(tmp_path: Path):
    size = SMALL["generate"]
    save_model(size, tmp_path / "checkpoint", FIRST_ID + 50)
    task: TaskSpec = task_of_size(size, tmp_path / "checkpoint", use_gpu=False)
    table = write_rows(tmp_path / "dataset", task, size, FIRST_ID + 50).table("train")

    assert {len(ids) for ids in table["input_ids"].to_pylist()} == {size.input_tokens}
    assert {len(ids) for ids in table["target_ids"].to_pylist()} == {size.target_tokens}
    assert table.num_rows == size.rows_at_once * size.num_steps


def test_the_sizes_are_what_their_names_say():
    assert set(SIZES) == {"decoder-350m", "decoder-1.3b", "encoder-decoder-220m"}
    for size in SIZES.values():
        assert size.width % size.heads == 0
