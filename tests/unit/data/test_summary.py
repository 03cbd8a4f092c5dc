"""Adding up what a build did, and refusing what nothing can be learnt from."""

from typing import Any

import pytest

from polyloop.data.passes.encode import Part
from polyloop.data.plan import Plan, Source
from polyloop.data.read.slices import ScannedFile
from polyloop.data.rows import Drop, Split, Tally
from polyloop.data.rules import FEEDBACK_SOURCE, CorpusRules, TaskRules
from polyloop.data.summary import Summary, check, corpus_records, summarise, warnings
from polyloop.errors import DataError
from polyloop.spec.corpora import Corpus
from polyloop.spec.models import TaskSpec

FILE = ScannedFile("/data/x.jsonl", "0" * 64, 5, ())
CORPUS = Corpus.model_validate(
    {"paths": ["x"], "columns": {"input": "i", "target": "t"}, "locale": "en", "licence": "MIT", "source": "us"}
)
Rows = list[tuple[Split, str, str, str, int]]


def plan(feedback: ScannedFile | None = None, **changes: Any) -> Plan:
    data = {"kind": "classify", "corpora": ["c"], "labels": ["good", "bad"], "model": {"recipe": "nano"}, **changes}
    task = TaskSpec.model_validate(data)
    rules = TaskRules.of("mood", task, ("en", "de"))
    return Plan(
        name="mood",
        task=task,
        rules=rules,
        sources=(Source(rules=CorpusRules(name="c", corpus=CORPUS, task=rules), origin="org/c", files=(FILE,)),),
        feedback=feedback,
        feedback_jobs=(),
        neighbours={},
        sharing=(),
        special_tokens_of=(task,),
        tokenizer_dir=None,
        pretrained=None,
        build_key="k",
    )


def summary(*parts: Rows) -> Summary:
    tally = Tally()
    for reason in ("bad_json", "bad_json", "unknown_label"):
        tally.add(Drop("c", reason, "x:1", "text"))
    return summarise(
        [Part(files=(), rows=rows, leaves=[], dropped=Tally().to_json(), statistics="") for rows in parts], tally
    )


FULL: Rows = [
    ("train", "c", "en", "good", 5),
    ("train", "c", "en", "bad", 4),
    ("train", "feedback", "de", "bad", 3),
    ("dev", "c", "en", "good", 1),
    ("holdout", "c", "en", "bad", 2),
]


def test_parts_add_up_by_split_locale_label_and_corpus() -> None:
    total = summary(FULL, [("train", "c", "en", "good", 10)])
    assert total.rows == {"train": {"de": 3, "en": 19}, "dev": {"en": 1}, "holdout": {"en": 2}}
    assert total.label_counts["train"] == {"de": {"bad": 3}, "en": {"bad": 4, "good": 15}}
    assert total.kept == {"c": 22, "feedback": 3}
    assert total.rows_read == 28


def test_a_full_dataset_passes_with_a_warning_for_each_gap() -> None:
    check(plan(), summary(FULL))
    assert warnings(plan(), summary(FULL)) == (
        "no row of the dev split has the target locale de",
        "no row of the holdout split has the target locale de",
    )
    assert "no row of the train split has the label 'ugly'" in warnings(
        plan(labels=["good", "bad", "ugly"]), summary(FULL)
    )


@pytest.mark.parametrize("split", ["train", "holdout"])
def test_an_empty_split_is_an_error_that_says_where_the_rows_went(split: str) -> None:
    rows: Rows = [row for row in FULL if row[0] != split]
    with pytest.raises(DataError) as caught:
        check(plan(), summary(rows))
    message = str(caught.value)
    assert f"task 'mood': no row is left for the {split} split" in message
    assert "dropped: 2 bad_json, 1 unknown_label" in message
    assert "\n" not in message


def test_an_empty_dev_split_is_no_error() -> None:
    check(plan(), summary([row for row in FULL if row[0] != "dev"]))


def test_a_train_split_of_one_label_is_an_error_that_names_it() -> None:
    with pytest.raises(DataError, match="all rows of the train split have the label 'bad'"):
        check(plan(), summary([row for row in FULL if row[3] == "bad" or row[0] != "train"]))


def test_translate_has_no_labels_to_miss() -> None:
    task = plan(kind="translate", pairs=["en>de"], labels=[])
    rows: Rows = [("train", "c", "de", "", 5), ("holdout", "c", "de", "", 5), ("dev", "c", "de", "", 1)]
    check(task, summary(rows))
    assert warnings(task, summary(rows)) == ()
    assert summary(rows).label_counts == {}


def test_records_tell_what_each_corpus_gave() -> None:
    records = corpus_records(plan(FILE), summary(FULL), {"c": {"language:en": 12, "pii:email": 1}})
    assert records["c"].model_dump() == {
        "files": ({"path": "/data/x.jsonl", "sha256": "0" * 64, "size_bytes": 5},),
        "hub": "org/c",
        "licence": "MIT",
        "source": "us",
        "rows_read": 15,
        "rows_kept": 12,
        "dropped": {"bad_json": 2, "unknown_label": 1},
        "found": {"language:en": 12, "pii:email": 1},
    }
    assert (records["feedback"].source, records["feedback"].found) == (FEEDBACK_SOURCE, {})
    assert (records["feedback"].rows_read, records["feedback"].rows_kept) == (3, 3)
    assert "feedback" not in corpus_records(plan(), summary(FULL), {})


def test_a_task_that_trains_nothing_needs_no_train_rows() -> None:
    documents = [{"paths": ["d"], "licence": "MIT"}]
    asks = plan(kind="answer", labels=[], documents=documents)
    held_out: Rows = [("holdout", "c", "en", "", 2)]
    check(asks, summary(held_out))
    assert not any("train split" in warning for warning in warnings(asks, summary(held_out)))
    with pytest.raises(DataError, match="no row is left for the holdout split"):
        check(asks, summary([("train", "c", "en", "", 2)]))
