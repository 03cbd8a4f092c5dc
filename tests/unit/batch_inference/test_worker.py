"""What becomes of the rows of a chunk: one that a version refuses costs no other its answer."""

import json
from collections import Counter

from tests.support.small_predictors import WordClassifier

from polyloop.batch_inference.rows import AskedRow, Refusal
from polyloop.batch_inference.summary import Counts
from polyloop.batch_inference.worker import answered, counted
from polyloop.models.contract import PredictInput, Prediction


def row(text: str) -> AskedRow:
    return AskedRow(where="a:1", kept={}, asked=PredictInput(text=text, locale="en", target_locale="en"))


def test_answers_stand_where_their_rows_do() -> None:
    unread = AskedRow(where="a:2", kept={}, refusal=Refusal(code="bad_json", detail="no"))
    rows = [row("fine"), unread, row("x" * 30), row("awful"), row("fine")]
    model = WordClassifier({"fine": "positive", "awful": "negative"}, limit=20)
    found = answered(model, rows)
    assert [one.output if isinstance(one, Prediction) else one.code for one in found] == [
        "positive",
        "bad_json",
        "input_too_long",
        "negative",
        "positive",
    ]
    assert sum(model.batches) > 3  # the batch with the long one was halved
    counts = counted(found)
    assert counts == Counts(num_rows=5, num_answered=3, input_tokens=3, refused=Counter(bad_json=1, input_too_long=1))
    counts.add(Counts.from_dict(json.loads(json.dumps(counts.to_dict()))))
    assert counts.num_rows == 10
    assert counts.refused == {"bad_json": 2, "input_too_long": 2}
