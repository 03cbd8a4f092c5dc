"""Rows that engines are tried on are few, the same each time, of all places, and short enough; asking them ends in
time."""

import math
import time
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from tests.support.small_tasks import number_words, small_task, small_tokenizer

from polyloop.errors import EvaluationError
from polyloop.models.contract import PredictInput, Prediction
from polyloop.models.predict import contract_of
from polyloop.retraining import engine_rows
from polyloop.retraining.engine_rows import TrialRows, answer_rows, trial_rows
from polyloop.tasks import kind_of
from polyloop.tasks.writing import TextKind

TASK = small_task("translate")


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return small_tokenizer(tmp_path_factory.mktemp("tokenizer"), TASK)


def holdout(**texts: list[str]) -> pa.Table:
    """Return a holdout with the texts of each target locale."""
    rows = [
        {"id": f"{locale}-{index:04}", "locale": "en", "target_locale": locale, "input": text, "target": text[:3]}
        for locale, of_locale in texts.items()
        for index, text in enumerate(of_locale)
    ]
    return pa.Table.from_pylist(rows)


def rows_of(table: pa.Table, tokenizer: Any, **limits: int) -> TrialRows:
    kind = kind_of(TASK)
    assert isinstance(kind, TextKind)
    task = small_task("translate", model=limits)
    return trial_rows(table, kind, tokenizer, contract_of(task, ("en", "de", "fr")))


def test_rows_are_bounded_and_the_same_each_time_and_the_places_take_turns(
    tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_rows, "MAX_ROWS", 200)
    texts = [number_words(number) for number in range(400)]
    found = rows_of(holdout(de=texts, fr=texts), tokenizer)
    assert len(found) == 200
    assert [item.target_locale for item in found.inputs[:4]] == ["de", "fr", "de", "fr"]
    assert rows_of(holdout(fr=texts, de=texts), tokenizer) == found
    assert all(target == item.text[:3] for item, target in zip(found.inputs, found.targets, strict=True))
    assert len(set(found.inputs)) == 200


def test_a_place_with_few_rows_gives_all_of_them(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_rows, "MAX_ROWS", 200)
    found = rows_of(holdout(de=["one", "two"], fr=[number_words(number) for number in range(300)]), tokenizer)
    counted = [item.target_locale for item in found.inputs]
    assert (counted.count("de"), counted.count("fr")) == (2, 100)
    assert {"de", "fr"} == set(counted[:4])


def test_texts_that_are_too_long_for_the_model_are_left_out(tokenizer: Any) -> None:
    table = holdout(de=["one", "one " * 60, "two"])
    assert [item.text for item in rows_of(table, tokenizer).inputs] == ["one", "two"]
    long_target = pa.Table.from_pylist([{**table.to_pylist()[0], "target": "seven " * 40}, table.to_pylist()[2]])
    assert [item.text for item in rows_of(long_target, tokenizer).inputs] == ["two"]
    assert len(rows_of(holdout(de=["one " * 60]), tokenizer)) == 0


def test_an_empty_holdout_is_an_error(tokenizer: Any) -> None:
    with pytest.raises(EvaluationError, match="is empty"):
        rows_of(holdout(de=["one"]).slice(0, 0), tokenizer)


class Slow:
    """Writes ten tokens an input, takes a time for each call, and notes how many inputs each had."""

    def __init__(self, call_s: float = 0.0) -> None:
        self.call_s = call_s
        self.calls: list[int] = []

    def predict(self, inputs: Sequence[PredictInput]) -> list[Prediction]:
        time.sleep(self.call_s)
        self.calls.append(len(inputs))
        return [Prediction(output=one.text, scores=None, num_input_tokens=1, num_output_tokens=10) for one in inputs]

    def nlls_nats(self, inputs: Sequence[PredictInput], targets: Sequence[str]) -> list[float]:
        return [1.0] * len(inputs)


ROWS = TrialRows(
    inputs=tuple(PredictInput(text=str(number), locale="en", target_locale="de") for number in range(70)),
    targets=("",) * 70,
)


def test_all_rows_are_answered_in_chunks_and_a_few_alone() -> None:
    engine = Slow(call_s=0.002)
    found = answer_rows(engine, ROWS)
    assert [one.output for one in found.predictions] == [item.text for item in ROWS.inputs]
    assert engine.calls == [1, 32, 32, 6, *[1] * 8]
    assert found.num_alone == 8
    assert 0 < found.tokens_per_s_alone <= 10 / 0.002
    assert found.tokens_per_s_batched <= 320 / 0.002


def test_it_ends_after_the_call_in_which_the_time_is_over() -> None:
    engine = Slow(call_s=0.02)
    found = answer_rows(engine, ROWS, budget_s=0.01)
    assert engine.calls == [1, 32, 1]
    assert (len(found.predictions), found.num_alone) == (32, 1)
    assert len(ROWS.first(32)) == 32


def test_others_answer_as_many_alone_as_the_first_did() -> None:
    engine = Slow()
    assert answer_rows(engine, ROWS.first(5), num_alone=2, budget_s=math.inf).num_alone == 2
    assert engine.calls == [1, 5, 1, 1]
