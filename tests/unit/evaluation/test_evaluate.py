"""Evaluating a small rule-based model: order, slices, latency, refusals."""

import json
import time
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import pytest

from polyloop.errors import EvaluationError, RequestError
from polyloop.evaluation.evaluate import evaluate
from polyloop.evaluation.gate import decide
from polyloop.models.predict import PredictInput, Prediction
from polyloop.spec.kinds import METRICS_OF_KIND
from polyloop.spec.models import GateSpec, OutOfScopeSpec, TaskSpec
from polyloop.spec.network import ModelSpec

DIGESTS: dict[str, Any] = {"task": "t", "version": "v1", "dataset_digest": "d", "holdout_digest": "h"}
CLASSIFY = TaskSpec(
    kind="classify",
    corpora=("c",),
    labels=("bad", "good"),
    model=ModelSpec(recipe="nano"),
    gate=GateSpec(resamples=200),
)
TRANSLATE = TaskSpec(
    kind="translate",
    corpora=("c",),
    pairs=("en>de", "en>zh-Hans"),
    model=ModelSpec(recipe="nano"),
    gate=GateSpec(resamples=200, metric="bleu"),
)
PHRASES = {
    ("a red hat on a small table", "de"): "ein roter Hut auf einem kleinen Tisch",
    ("two dogs", "de"): "zwei Hunde",
    ("a red hat on a small table", "zh-Hans"): "小桌子上的红帽子",
    ("two dogs", "zh-Hans"): "两只狗",
}


@dataclass
class Rules:
    """A model with real behaviour: a phrase book for translate, one word for classify."""

    delay_s: float = 0.0
    batches: list[list[PredictInput]] = field(default_factory=list)

    def predict(self, inputs: list[PredictInput]) -> list[Prediction]:
        self.batches.append(list(inputs))
        time.sleep(self.delay_s * len(inputs))
        return [
            Prediction(output=self.answer(one), scores=None, num_input_tokens=1, num_output_tokens=1) for one in inputs
        ]

    def answer(self, one: PredictInput) -> str:
        return PHRASES.get((one.text, one.target_locale)) or ("good" if "nice" in one.text else "bad")


def holdout(rows: list[tuple[str, str, str, str]]) -> pa.Table:
    """Return a table of (locale, target_locale, input, target) rows with ids in order."""
    locales, target_locales, inputs, targets = zip(*rows, strict=True)
    return pa.table(
        {
            "id": [f"{position:032x}" for position in range(len(rows))],
            "task": ["t"] * len(rows),
            "locale": locales,
            "target_locale": target_locales,
            "input": inputs,
            "target": targets,
            "weight": pa.array([1.0] * len(rows), pa.float32()),
        }
    )


MOODS = [
    ("en", "en", "nice and very long indeed, more or less", "good"),
    ("de", "de", "nice", "good"),
    ("en", "en", "dull", "bad"),
    ("en", "en", "nice day", "bad"),
    ("de", "de", "a grey and rainy afternoon", "bad"),
]


def test_classify_scores_per_locale_and_overall():
    result = evaluate(Rules(), CLASSIFY, holdout(MOODS), **DIGESTS, size_bytes=7)
    assert (result.task, result.version, result.dataset_digest, result.holdout_digest) == ("t", "v1", "d", "h")
    assert (result.metric, result.size_bytes) == ("macro_f1", 7)
    assert [(one.locale, one.num_rows) for one in result.slices] == [("de", 2), ("en", 3)]
    assert result.overall.metrics["accuracy"].value == pytest.approx(80.0)
    assert {one.locale: one.metrics["accuracy"].value for one in result.slices} == {
        "de": 100.0,
        "en": pytest.approx(200 / 3),
    }
    assert set(result.overall.metrics) == {"macro_f1", "accuracy"}


def test_rows_keep_the_order_of_the_table_whatever_the_order_of_answering():
    rules = Rules()
    result = evaluate(rules, CLASSIFY, holdout(MOODS), **DIGESTS, batch_size=2)
    assert result.rows.ids == tuple(f"{position:032x}" for position in range(5))
    assert result.rows.predictions == ("good", "good", "bad", "good", "bad")
    assert result.rows.references == ("good", "good", "bad", "bad", "bad")
    lengths = [len(one.text) for batch in rules.batches[:3] for one in batch]
    assert [len(batch) for batch in rules.batches[:3]] == [2, 2, 1]
    assert lengths == sorted(lengths, reverse=True)


def test_the_predictor_is_told_locale_and_target_locale():
    rules = Rules()
    rows = [("en", locale, text, target) for (text, locale), target in PHRASES.items()]
    result = evaluate(rules, TRANSLATE, holdout(rows), **DIGESTS)
    assert {(one.locale, one.target_locale) for one in rules.batches[0]} == {("en", "de"), ("en", "zh-Hans")}
    assert result.metric == "bleu"
    assert {one.locale: round(one.metrics["chrf"].value, 6) for one in result.slices} == {"de": 100.0, "zh-Hans": 100.0}


def test_latency_is_the_mean_of_single_answers():
    rules = Rules(delay_s=0.002)
    result = evaluate(rules, CLASSIFY, holdout(MOODS * 10), **DIGESTS)
    singles = [batch for batch in rules.batches if len(batch) == 1]
    assert len(singles) == 21  # one to warm up, then twenty
    assert 2.0 <= result.latency_ms < 50.0


def test_progress_is_told_batch_by_batch():
    told: list[str] = []
    evaluate(Rules(), CLASSIFY, holdout(MOODS), **DIGESTS, batch_size=2, progress=told.append)
    assert told == [
        "evaluated 2 of 5 different inputs",
        "evaluated 4 of 5 different inputs",
        "evaluated 5 of 5 different inputs",
    ]


def test_an_empty_holdout_is_refused():
    with pytest.raises(EvaluationError, match="the holdout of 't' is empty"):
        evaluate(Rules(), CLASSIFY, holdout(MOODS).slice(0, 0), **DIGESTS)


def test_a_missing_column_is_named():
    with pytest.raises(EvaluationError, match="no column 'target_locale'"):
        evaluate(Rules(), CLASSIFY, holdout(MOODS).drop_columns(["target_locale"]), **DIGESTS)


def test_a_metric_of_another_kind_is_refused_before_the_model_is_asked():
    rules = Rules()
    spec = CLASSIFY.model_copy(update={"gate": GateSpec(metric="chrf")})
    with pytest.raises(EvaluationError, match="'chrf' means nothing for classify"):
        evaluate(rules, spec, holdout(MOODS), **DIGESTS)
    assert rules.batches == []


def test_a_predictor_that_loses_answers_is_refused():
    class Forgetful(Rules):
        def predict(self, inputs: list[PredictInput]) -> list[Prediction]:
            return super().predict(inputs)[:-1]

    with pytest.raises(EvaluationError, match="4 answers to 5 inputs"):
        evaluate(Forgetful(), CLASSIFY, holdout(MOODS), **DIGESTS)


@dataclass
class Short(Rules):
    """Refuses texts of more characters than it takes, whole batches at a time, as a loaded model does."""

    max_characters: int = 0

    def predict(self, inputs: list[PredictInput]) -> list[Prediction]:
        if max(len(one.text) for one in inputs) > self.max_characters:
            raise RequestError("the input is too long", code="input_too_long")
        return super().predict(inputs)


def test_a_row_that_the_model_refuses_as_too_long_is_a_wrong_answer():
    result = evaluate(Short(max_characters=20), CLASSIFY, holdout(MOODS), **DIGESTS)
    assert result.rows.predictions == ("", "good", "bad", "good", "")
    assert result.overall.metrics["accuracy"].value == pytest.approx(40.0)


def test_a_model_that_refuses_every_row_is_no_result():
    with pytest.raises(EvaluationError, match="t v1 finds every row of the holdout too long"):
        evaluate(Short(max_characters=1), CLASSIFY, holdout(MOODS), **DIGESTS)


def test_other_refusals_are_not_taken_for_wrong_answers():
    class Offended(Rules):
        def predict(self, inputs: list[PredictInput]) -> list[Prediction]:
            raise RequestError("unknown locale", code="unknown_locale")

    with pytest.raises(RequestError, match="unknown locale"):
        evaluate(Offended(), CLASSIFY, holdout(MOODS), **DIGESTS)


@dataclass
class Sure(Rules):
    """Tells probabilities, as a classifier does: 0.9 for what it answers."""

    def predict(self, inputs: list[PredictInput]) -> list[Prediction]:
        return [
            replace(one, scores={one.output: 0.9, "bad" if one.output == "good" else "good": 0.1})
            for one in super().predict(inputs)
        ]


def test_confidences_are_kept_and_their_calibration_scored(monkeypatch):
    monkeypatch.setitem(METRICS_OF_KIND, "classify", ("accuracy", "calibration_error"))
    result = evaluate(Sure(), CLASSIFY, holdout(MOODS), **DIGESTS)
    assert result.rows.confidences == (0.9,) * 5
    assert result.overall.metrics["calibration_error"].value == pytest.approx(10.0)  # sure by 0.9, right in 0.8
    without = evaluate(Rules(), CLASSIFY, holdout(MOODS), **DIGESTS)
    assert without.rows.confidences is None
    assert set(without.overall.metrics) == {"accuracy"}
    gate = CLASSIFY.gate.model_copy(update={"metric": "calibration_error"})
    with pytest.raises(EvaluationError, match="is not a label with its confidence"):
        evaluate(Rules(), CLASSIFY.model_copy(update={"gate": gate}), holdout(MOODS), **DIGESTS)


def test_the_label_for_what_is_out_of_scope_may_have_any_name():
    """Of two texts out of scope Rules calls none so; of the four others it is right about three."""
    spec = TaskSpec(
        kind="classify",
        corpora=("c",),
        labels=("bad", "good", "something else"),
        out_of_scope=OutOfScopeSpec(label="something else"),
        model=ModelSpec(recipe="nano"),
        gate=GateSpec(resamples=200, metric="in_scope_accuracy"),
    )
    rows = [*MOODS[:4], ("en", "en", "what time is it", "something else"), ("en", "en", "12", "something else")]
    result = evaluate(Rules(), spec, holdout(rows), **DIGESTS)
    assert result.overall.metrics["in_scope_accuracy"].value == pytest.approx(75.0)
    assert result.overall.metrics["out_of_scope_recall"].value == 0.0
    assert decide(result, replace(result, version="v0"), spec.gate, kind="classify").passed


def test_a_set_of_labels_has_no_confidence_of_its_own():
    spec = CLASSIFY.model_copy(update={"multi_label": True})
    rows = [(locale, target, text, json.dumps([label])) for locale, target, text, label in MOODS]
    assert evaluate(Sure(), spec, holdout(rows), **DIGESTS).rows.confidences is None


def test_the_holdouts_other_columns_give_groups():
    sources = ["https://a.org/1", "https://a.org/2", "https://b.org/1", "https://b.org/2", "https://b.org/3"]
    table = holdout(MOODS).append_column("source", pa.array(sources))
    spec = CLASSIFY.model_copy(update={"gate": GateSpec(resamples=200, min_rows=2)})
    result = evaluate(Rules(), spec, table, **DIGESTS)
    groups = {(one.dimension, one.name): one for one in result.groups}
    assert groups["source", "a.org"].metrics["accuracy"].value == 100.0
    assert groups["source", "b.org"].metrics["accuracy"].value == pytest.approx(200 / 3)
    assert groups["label", "good"].num_rows == 2
