"""From raw rows to candidates: labels, locales, lists, text, splits, and the reason of each row that is dropped."""

from typing import Any

import pytest

from polyloop.data.clean import Candidate, CorpusRules, TaskRules, clean_feedback
from polyloop.data.readers import RawRow
from polyloop.data.rows import Drop
from polyloop.data.split import auto_split
from polyloop.spec.models import Corpus
from polyloop.tasks.example import example_id

MOOD = TaskRules(task="mood", labels=frozenset({"good", "bad"}), directions=frozenset({("en", "en"), ("de", "de")}))
TRANSLATE = TaskRules(task="t", labels=frozenset(), directions=frozenset({("en", "de"), ("en", "zh-Hans")}))


def rules(task: TaskRules, **changes: Any) -> CorpusRules:
    data: dict[str, Any] = {
        "paths": ["x.jsonl"],
        "columns": {"input": "text", "target": "label"},
        "locale": "en",
        "licence": "CC0-1.0",
        **changes,
    }
    return CorpusRules(name="c", corpus=Corpus.model_validate(data), task=task)


def clean(corpus: CorpusRules, **values: object) -> list[Candidate | Drop]:
    return list(corpus.clean(RawRow(7, values), "x.jsonl:7"))


def only(rows: list[Candidate | Drop]) -> Candidate:
    (row,) = rows
    assert isinstance(row, Candidate)
    return row


def reasons(rows: list[Candidate | Drop]) -> list[str]:
    return [row.reason for row in rows if isinstance(row, Drop)]


def test_a_row_becomes_a_candidate_with_the_id_of_its_normalised_input() -> None:
    row = only(clean(rules(MOOD), text="  Cafe\u0301\u200b \t fine ", label="good"))
    assert (row.input, row.target, row.locale, row.target_locale) == ("Café fine", "good", "en", "en")
    assert row.id == example_id("mood", "en", "en", "Café fine")
    assert (row.weight, row.corpus, row.where) == (1.0, "c", "x.jsonl:7")


def test_translate_normalises_the_target_and_takes_its_locale_from_the_corpus() -> None:
    row = only(clean(rules(TRANSLATE, target_locale="de"), text="one  day", label=" ein\u00a0Tag\n"))
    assert (row.target, row.locale, row.target_locale) == ("ein Tag", "en", "de")


@pytest.mark.parametrize("raw", ["1", 1])
def test_labels_map_the_raw_value_as_text(raw: object) -> None:
    assert only(clean(rules(MOOD, labels={"1": "good"}), text="a", label=raw)).target == "good"


def test_a_label_is_kept_as_the_spec_writes_it() -> None:
    task = TaskRules(task="mood", labels=frozenset({"so  so", "bad"}), directions=MOOD.directions)
    assert only(clean(rules(task), text="a", label="so  so")).target == "so  so"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"text": "", "label": "good"}, "empty_input"),
        ({"text": " \u200b\t", "label": "good"}, "empty_input"),
        ({"text": "\u200d", "label": "good"}, "empty_input"),
        ({"text": "a", "label": " "}, "empty_target"),
        ({"text": "a", "label": "ugly"}, "unknown_label"),
        ({"text": 5, "label": "good"}, "not_text"),
        ({"text": None, "label": "good"}, "not_text"),
        ({"text": "a", "label": None}, "not_text"),
        ({"text": "a", "label": ["good"]}, "not_text"),
        ({"text": "a\udcffb", "label": "good"}, "invalid_utf8"),
        ({"text": "a\ud800", "label": "good"}, "invalid_utf8"),
        ({"text": "a", "label": "\udcff"}, "invalid_utf8"),
    ],
)
def test_a_row_that_cannot_be_used_is_dropped_with_its_reason(values: dict[str, object], reason: str) -> None:
    assert reasons(clean(rules(MOOD), **values)) == [reason]


def test_translate_refuses_a_target_that_is_no_text() -> None:
    assert reasons(clean(rules(TRANSLATE, target_locale="de"), text="a", label=5)) == ["not_text"]


def test_a_row_that_the_reader_refused_keeps_its_reason() -> None:
    (drop,) = rules(MOOD).clean(RawRow(3, None, "bad_json", "{oops"), "x.jsonl:3")
    assert drop == Drop("c", "bad_json", "x.jsonl:3", "{oops")


def test_a_locale_column_is_mapped_and_locales_of_no_task_are_dropped() -> None:
    corpus = rules(MOOD, locale={"column": "lang", "values": {"german": "de"}})
    assert only(clean(corpus, text="a", label="good", lang="german")).locale == "de"
    assert only(clean(corpus, text="a", label="good", lang="en")).locale == "en"
    assert reasons(clean(corpus, text="a", label="good", lang="fr")) == ["other_locale"]
    assert reasons(clean(corpus, text="a", label="good", lang="gibber ish")) == ["other_locale"]
    assert reasons(clean(corpus, text="a", label="good", lang=None)) == ["not_text"]


def test_a_direction_that_the_task_does_not_have_is_dropped() -> None:
    corpus = rules(TRANSLATE, locale={"column": "lang"}, target_locale="de")
    assert only(clean(corpus, text="a", label="b", lang="en")).target_locale == "de"
    assert reasons(clean(corpus, text="a", label="b", lang="zh-Hans")) == ["other_locale"]


def test_lists_explode_into_one_candidate_for_each_pair() -> None:
    rows = clean(rules(MOOD, explode=True, labels={"0": "bad"}), text=["a", "b", ""], label=["good", 0, "good"])
    assert [(row.input, row.target) for row in rows if isinstance(row, Candidate)] == [("a", "good"), ("b", "bad")]
    assert reasons(rows) == ["empty_input"]


@pytest.mark.parametrize(
    ("text", "label", "reason"),
    [(["a", "b"], ["good"], "unequal_lists"), ("a", "good", "not_list"), (["a"], None, "not_list")],
)
def test_lists_that_do_not_match_are_dropped_whole(text: object, label: object, reason: str) -> None:
    assert reasons(clean(rules(MOOD, explode=True), text=text, label=label)) == [reason]


def test_an_explicit_split_is_taken_and_auto_hashes_the_id() -> None:
    assert only(clean(rules(MOOD, split="dev"), text="a", label="good")).split == "dev"
    row = only(clean(rules(MOOD), text="a", label="good"))
    assert row.split == auto_split(row.id)


def test_rows_that_share_a_source_id_share_their_split() -> None:
    columns = {"input": "text", "target": "label", "id": "dialogue"}
    corpus = rules(MOOD, columns=columns, explode=True)
    texts = [f"text {number}" for number in range(50)]
    rows = clean(corpus, text=texts, label=["good"] * 50, dialogue=12)
    assert {row.split for row in rows if isinstance(row, Candidate)} == {auto_split("12")}
    assert len({auto_split(row.id) for row in rows if isinstance(row, Candidate)}) > 1


def test_only_the_columns_that_are_named_are_needed() -> None:
    columns = {"input": "text", "target": "label", "id": "dialogue"}
    assert rules(MOOD, columns=columns, locale={"column": "lang"}).columns == ["text", "label", "dialogue", "lang"]


FEEDBACK: dict[str, object] = {
    "task": "mood",
    "locale": "de",
    "target_locale": "de",
    "input": " gut ",
    "target": "good",
    "weight": 2.5,
}


def test_feedback_goes_into_train_with_its_weight_and_an_id_of_its_own_making() -> None:
    row = clean_feedback(MOOD, RawRow(1, FEEDBACK | {"id": "forged", "split": "holdout"}), "f:1")
    assert row == Candidate(
        example_id("mood", "de", "de", "gut"), "mood", "de", "de", "gut", "good", 2.5, "feedback", "train", "f:1"
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"task": "other"}, "other_task"),
        ({"input": None}, "not_text"),
        ({"weight": 0.0}, "bad_weight"),
        ({"weight": float("nan")}, "bad_weight"),
        ({"weight": None}, "bad_weight"),
        ({"target": "ugly"}, "unknown_label"),
        ({"locale": "fr", "target_locale": "fr"}, "other_locale"),
        ({"locale": "en"}, "other_locale"),
        ({"input": " "}, "empty_input"),
    ],
)
def test_feedback_that_cannot_be_used_is_dropped_with_its_reason(change: dict[str, object], reason: str) -> None:
    row = clean_feedback(MOOD, RawRow(1, FEEDBACK | change), "f:1")
    assert isinstance(row, Drop)
    assert (row.corpus, row.reason) == ("feedback", reason)
