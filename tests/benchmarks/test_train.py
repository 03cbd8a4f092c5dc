"""The train benchmark's parts run and give their rates; whether the bars are reached is for `polyloop bench` to say."""

from pathlib import Path

import pytest

from polyloop.bench.train.benchmark import Bench, Sizes
from polyloop.bench.train.material import KINDS, sentence_pairs

SMALL = Sizes(
    num_pairs=600,
    recipe="nano",
    vocab_size=600,
    batch_tokens=512,
    steps={"translate": 15, "classify": 15},
    rounds=1,
    skip_s=0.0,
)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_each_loop_learns_the_same_examples_and_tells_its_rate(kind: str, tmp_path: Path):
    figures = Bench(kind, SMALL, sentence_pairs(None, SMALL.num_pairs), tmp_path).loops()

    assert [figure.peer and figure.peer.partition(" 5")[0] for figure in figures] == [
        "bare PyTorch loop, our modules",
        "bare PyTorch loop, stock modules",
        "transformers",
        "transformers",
    ]
    for figure in figures:
        assert figure.value > 0
        assert figure.peer_value
        (ours,), (peer,) = figure.details["ours"], figure.details["peer"]
        assert abs(ours["num_steps"] - peer["num_steps"]) <= 1
    trainer = figures[2].details["peer"][0]
    assert trainer["tokens_per_step"] == pytest.approx(SMALL.batch_tokens, rel=0.25)


@pytest.mark.slow
def test_checkpoints_and_workers_are_timed(tmp_path: Path):
    pairs = sentence_pairs(None, SMALL.num_pairs)
    bench = Bench("translate", SMALL, pairs, tmp_path)

    workers = bench.workers()
    cost = bench.checkpoints(pairs, tokens_per_s=10_000.0)

    assert workers.value > 0
    assert workers.peer_value
    assert cost.value > 0
    assert len(cost.details["part"]["saves_s"]) >= 2
