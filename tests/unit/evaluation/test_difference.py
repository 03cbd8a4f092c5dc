"""Differences of two results, slice by slice, against numbers worked out by hand."""

import pyarrow as pa
import pytest

from polyloop.errors import EvaluationError
from polyloop.evaluation.difference import SliceDifference, differences
from polyloop.spec.models import TaskSpec

TASK = TaskSpec.model_validate(
    {
        "kind": "classify",
        "labels": ["good", "bad"],
        "corpora": ["a"],
        "model": {"recipe": "nano", "vocab_size": 300},
        "gate": {"metric": "accuracy", "min_rows": 10},
    }
)


def holdout(num_rows: int) -> list[tuple[str, str]]:
    return [("en" if number % 2 else "de", "good" if number % 4 < 2 else "bad") for number in range(num_rows)]


def result(make_result, num_rows=80, *, wrong=(), version="v1"):
    """Return a result that is right but for the rows in `wrong`."""
    other = {"good": "bad", "bad": "good"}
    rows = [
        (locale, other[label] if number in wrong else label, label)
        for number, (locale, label) in enumerate(holdout(num_rows))
    ]
    return make_result(rows, version=version)


def table(found) -> pa.Table:
    size = len(found.rows)
    return pa.table(
        {
            "id": list(found.rows.ids),
            "locale": list(found.rows.target_locales),
            "target_locale": list(found.rows.target_locales),
            "input": ["x" * (1 + number // 8) for number in range(size)],
            "target": list(found.rows.references),
        }
    )


def by_name(found: tuple[SliceDifference, ...], metric: str = "accuracy") -> dict[str, SliceDifference]:
    return {one.name: one for one in found if one.metric == metric}


def test_a_loss_in_one_locale_is_seen_there_and_not_elsewhere(make_result):
    german = [number for number in range(80) if number % 2 == 0][:10]
    before, after = result(make_result), result(make_result, wrong=german, version="v2")
    found = by_name(differences(before, after, table(before), TASK))
    assert (found["de"].before, found["de"].after, found["de"].num_rows) == (100.0, 75.0, 40)
    assert found["de"].difference.interval.value == pytest.approx(-25.0)
    assert (found["de"].verdict, found["de"].is_loss, found["de"].is_gain) == ("worse", True, False)
    assert (found["en"].verdict, found["en"].difference.interval.high) == ("no evident change", 0.0)
    assert found["overall"].difference.interval.value == pytest.approx(-12.5)


def test_the_way_back_is_a_gain_of_the_same_size(make_result):
    wrong = list(range(0, 40, 2))
    before, after = result(make_result, wrong=wrong), result(make_result, version="v2")
    found = by_name(differences(before, after, table(before), TASK))
    assert found["de"].verdict == "better"
    assert found["de"].difference.interval.value == pytest.approx(50.0)


def test_slices_come_in_order_and_groups_have_the_gates_metric_alone(make_result):
    before, after = result(make_result), result(make_result, wrong=[1, 2], version="v2")
    found = differences(before, after, table(before), TASK)
    dimensions = list(dict.fromkeys(one.dimension for one in found))
    assert dimensions == ["overall", "locale", "length", "label"]
    assert {one.metric for one in found if one.dimension == "locale"} == {"accuracy", "macro_f1"}
    assert {one.metric for one in found if one.dimension in ("length", "label")} == {"accuracy"}
    assert found[0].metric == "accuracy"


def test_the_discordant_test_of_the_gate_is_the_one_that_is_told(make_result):
    task = TASK.model_copy(update={"gate": TASK.gate.model_copy(update={"test": "discordant"})})
    before, after = result(make_result), result(make_result, wrong=[0], version="v2")
    boot, discordant = (by_name(differences(before, after, table(before), one))["en"] for one in (TASK, task))
    assert boot.difference.interval.low == 0.0
    assert discordant.difference.interval.low < -5.0


def test_other_rows_are_refused(make_result):
    before, after = result(make_result), result(make_result, version="v2")
    with pytest.raises(EvaluationError, match="other rows"):
        differences(before, after, table(before).slice(1), TASK)
    with pytest.raises(EvaluationError, match="different"):
        differences(result(make_result, 60), after, table(before), TASK)
