"""Which rows changed, for labels, texts and likelihoods."""

from dataclasses import replace

import pyarrow as pa
import pytest

from polyloop.evaluation.changed_rows import row_changes
from polyloop.spec.models import TaskSpec

MODEL = {"recipe": "nano", "vocab_size": 300}


def task(kind: str, **changes: object) -> TaskSpec:
    return TaskSpec.model_validate({"kind": kind, "corpora": ["a"], "model": MODEL, **changes})


def table(result) -> pa.Table:
    size = len(result.rows)
    locales = list(result.rows.target_locales)
    inputs = [f"text {number}" for number in range(size)]
    return pa.table({"id": list(result.rows.ids), "locale": ["en"] * size, "target_locale": locales, "input": inputs})


def test_labels_change_by_being_right_or_wrong(make_result):
    before = make_result([("en", "good", "good"), ("de", "good", "good"), ("de", "bad", "good")], version="v1")
    after = make_result([("en", "good", "good"), ("de", "bad", "good"), ("de", "good", "good")])
    found = row_changes(before, after, table(before), task("classify", labels=["good", "bad"]))
    (worse,), (better,) = found.worse, found.better
    assert (worse.input, worse.before, worse.after, worse.score_before, worse.score_after) == (
        "text 1", "good", "bad", 100.0, 0.0,
    )  # fmt: skip
    assert better.input == "text 2"
    assert (found.metric, found.counts(), found.counts("en"), found.counts("de")) == (
        "accuracy",
        (1, 1),
        (0, 0),
        (1, 1),
    )


def test_texts_change_by_more_than_a_little_and_the_largest_losses_come_first(make_result):
    right = "der hund schläft vor dem haus"
    before = make_result([("de", right, right)] * 3, metric="chrf", version="v1")
    after = make_result(
        [
            ("de", "der hund schläft vor dem haus.", right),
            ("de", "eine katze", right),
            ("de", "der hund vor haus", right),
        ],
        metric="chrf",
    )
    found = row_changes(before, after, table(before), task("translate", pairs=["en>de"], gate={"metric": "bleu"}))
    assert found.metric == "chrf"
    assert [row.input for row in found.worse] == ["text 1", "text 2"]
    assert found.better == ()


def test_less_is_better_where_rows_are_scored_by_likelihood(make_result):
    rows = [("en", "a b", "a b"), ("en", "c d", "c d")]
    kind = task("generate", locales=["en"])

    def with_nlls(version: str, *nlls: float):
        result = make_result(rows, metric="chrf", version=version)
        return replace(result, rows=replace(result.rows, nlls_nats=nlls))

    before, after = with_nlls("v1", 3.0, 3.0), with_nlls("v2", 1.0, 6.0)
    found = row_changes(before, after, table(before), kind)
    assert found.metric == "bits_per_character"
    assert ([row.input for row in found.worse], [row.input for row in found.better]) == (["text 1"], ["text 0"])
    without = row_changes(replace(before, rows=replace(before.rows, nlls_nats=None)), after, table(before), kind)
    assert without.metric == "chrf"
    assert without.worse == without.better == ()


@pytest.mark.parametrize("metric", ["accuracy", "calibration_error"])
def test_a_gate_of_another_metric_still_shows_right_and_wrong_rows(make_result, metric):
    before = make_result([("en", "good", "good")], version="v1")
    after = make_result([("en", "bad", "good")])
    kind = task("classify", labels=["good", "bad"], gate={"metric": metric})
    assert len(row_changes(before, after, table(before), kind).worse) == 1
