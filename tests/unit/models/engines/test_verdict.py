"""An engine serves where its answers are as good as PyTorch's, and the fastest of those is published."""

import math
from typing import Any

import pytest
from tests.support.engine_versions import pytorch_trial, trial

from polyloop.models.engines.choice import EngineWish
from polyloop.models.engines.verdict import decide, refusals

ANY = EngineWish()


@pytest.mark.parametrize("changes", [{}, {"score": 30.2}, {"score": 29.8}, {"nats_per_token": 1.519}, {"num_equal": 0}])
def test_what_is_within_the_tolerances_may_serve(changes: dict[str, Any]) -> None:
    assert refusals(pytorch_trial(), trial(**changes)) == ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"score": 29.7}, "bleu is 29.70, PyTorch's 30.00; they may differ by 0.2"),
        ({"score": 30.3}, "bleu is 30.30, PyTorch's 30.00"),
        ({"nats_per_token": 1.53}, "a wanted token costs 1.530 nats, with PyTorch 1.500; they may differ by 0.02"),
        ({"nats_per_token": 1.47}, "a wanted token costs 1.470 nats"),
        ({"score": math.nan}, "bleu is nan"),
        ({"nats_per_token": math.nan}, "a wanted token costs nan nats"),
        ({"metric": "chrf", "score": 3.0}, "chrf is 3.00"),
    ],
)
def test_what_is_not_is_refused_with_both_figures(changes: dict[str, Any], reason: str) -> None:
    (found,) = refusals(pytorch_trial(), trial(**changes))
    assert reason in found


def test_all_that_speaks_against_an_engine_is_told() -> None:
    assert len(refusals(pytorch_trial(), trial(score=1.0, nats_per_token=9.0))) == 2


def test_the_fastest_that_may_serve_is_named_with_its_gain() -> None:
    trials = [pytorch_trial(), trial("int8", tokens_per_s_alone=400.0), trial("float32")]
    found = decide(trials, ANY, deviations=("beams",), threads=2)
    assert (found.engine, found.compute_type, found.threads) == ("ctranslate2", "int8", 2)
    assert (found.trials, found.deviations) == (tuple(trials), ("beams",))
    assert found.reason == ("bleu is 30.00, PyTorch's 30.00; it is 4.00 (alone) and 2.00 (in batches) times as fast")


def test_one_that_is_refused_is_never_named_however_fast() -> None:
    fast = trial("int8", tokens_per_s_alone=9e9, refusals=("bleu is 3.00",))
    assert decide([pytorch_trial(), fast, trial("float32")], ANY).compute_type == "float32"
    for wish in (ANY, EngineWish(engine="ctranslate2")):
        alone = decide([pytorch_trial(), fast], wish)
        assert (alone.engine, alone.reason) == ("pytorch", "ctranslate2 int8: bleu is 3.00")


def test_an_engine_that_is_slower_is_named_only_where_it_is_asked_for() -> None:
    slow = trial("int8", tokens_per_s_alone=40.0, tokens_per_s_batched=400.0)
    found = decide([pytorch_trial(), slow], ANY)
    assert found.engine == "pytorch"
    assert "0.40 (alone) and 0.40 (in batches) times as fast" in found.reason
    assert decide([pytorch_trial(), slow], EngineWish(engine="ctranslate2")).engine == "ctranslate2"


def test_a_trial_that_came_to_nothing_is_no_candidate() -> None:
    failed = trial(num_rows=0, tokens_per_s_alone=0.0, tokens_per_s_batched=0.0, refusals=("no int8 here",))
    assert decide([pytorch_trial(), failed], ANY).reason == "ctranslate2 int8: no int8 here"
