"""The account of a build: each step takes up what the one before left, and nothing is lost between them."""

from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.support.small_corpora import corpus_rules, jobs_of, write_rows

from polyloop.data.account import found_by_corpus, step, steps_of_selection, steps_of_shards
from polyloop.data.manifest import StepRecord
from polyloop.data.passes.clean import Shard, write_shard
from polyloop.spec.models import TaskSpec

ENGLISH = "The weather was so cold that nobody wanted to leave the house."
GERMAN = "Das Wetter war so kalt, dass niemand das Haus verlassen wollte."
FRENCH = "Il faisait si froid que personne ne voulait sortir de la maison."
ROWS: list[dict[str, object]] = [
    {"text": ENGLISH, "label": "good", "lang": "en"},
    {"text": f"{ENGLISH} &amp;", "label": "bad", "lang": "en"},
    {"text": GERMAN, "label": "bad", "lang": "en"},
    {"text": FRENCH, "label": "bad", "lang": "en"},
    {"text": FRENCH, "label": "bad", "lang": "fr"},
    {"text": "ok", "label": "bad", "lang": "fr"},
    {"text": " ", "label": "bad", "lang": "en"},
    {"text": "a", "label": "ugly", "lang": "de"},
    {"text": 5, "label": "bad", "lang": "en"},
    {"label": "bad", "lang": "en"},
]


def shard(folder: Path, name: str, **changes: Any) -> Shard:
    rules = corpus_rules(name=name, locale={"column": "lang"}, **changes)
    (job,) = jobs_of(write_rows(folder / f"{name}.jsonl", ROWS), rules)
    return write_shard(job, folder)


def assert_adds_up(steps: list[StepRecord], shards: list[Shard]) -> None:
    """Check that nothing is lost between reading and what the shards hold."""
    dropped: Counter[str] = Counter()
    for record in steps:
        assert record.rows_out == record.rows_in - sum(record.dropped.values())
        assert record.rows_out >= 0
        assert all(record.dropped.values())
        dropped.update(record.dropped)
    counted: Counter[str] = Counter()
    for one in shards:
        counted.update(one.tally.by_reason())
    assert dropped == counted
    assert steps[0].rows_in - dropped.total() == steps[-1].rows_out


def test_the_steps_of_one_corpus_are_a_funnel(tmp_path: Path) -> None:
    one = shard(tmp_path, "c", cleaning={"language": {"action": "drop"}})
    steps = steps_of_shards([one])
    assert [record.name for record in steps] == ["read", *one.accounts, "check"]
    assert all(before.rows_out == after.rows_in for before, after in pairwise(steps))
    assert_adds_up(steps, [one])
    by_name = {record.name: record for record in steps}
    assert by_name["read"].dropped == {"not_text": 1, "missing_column": 1, "other_locale": 2}
    assert by_name["entities"].rows_changed == 1
    assert by_name["language"].dropped == {"wrong_language": 2}
    assert by_name["check"].dropped == {"empty_input": 1, "unknown_label": 1}
    assert by_name["check"].rows_out == 2


def test_rows_that_were_relabelled_in_vain_are_dropped_after_the_steps(tmp_path: Path) -> None:
    one = shard(tmp_path, "c", cleaning={"language": {"action": "relabel"}})
    steps = steps_of_shards([one])
    assert all(before.rows_out == after.rows_in for before, after in pairwise(steps))
    assert_adds_up(steps, [one])
    assert "other_locale" not in steps[0].dropped
    assert steps[-1].dropped == {"empty_input": 1, "other_locale": 2, "unknown_label": 1}


def test_corpora_with_different_steps_add_up_and_steps_stand_in_their_order(tmp_path: Path) -> None:
    shards = [
        shard(tmp_path, "a", cleaning={"quality": {"min_characters": 3}}),
        shard(tmp_path, "b", cleaning={"language": {"action": "relabel"}, "quality": {"rules": ["c4"]}}),
        shard(tmp_path, "c", cleaning={"pii": {"action": "drop"}, "repair": False}),
    ]
    steps = steps_of_shards(shards)
    assert_adds_up(steps, shards)
    assert (steps[0].rows_in, steps[-1].name) == (3 * len(ROWS), "check")
    names = ["repair", "entities", "width", "han", "c4", "normalise", "length", "language", "pii"]
    assert [record.name for record in steps[1:-1]] == names
    assert {record.name: record.rows_in for record in steps}["repair"] < steps[0].rows_out
    assert steps_of_shards(shards[::-1]) == steps


def test_without_shards_there_is_nothing_to_tell() -> None:
    assert [(record.name, record.rows_in) for record in steps_of_shards([])] == [("read", 0), ("check", 0)]


def test_what_steps_saw_is_told_by_corpus_most_frequent_first(tmp_path: Path) -> None:
    rules = {"language": {"action": "keep"}}
    shards = [shard(tmp_path, "a", cleaning=rules), shard(tmp_path, "b", cleaning=rules)]
    found = found_by_corpus([*shards, shards[0]])
    assert list(found) == ["a", "b"]
    assert found["a"] == {name: 2 * count for name, count in found["b"].items()}
    assert list(found["b"].values()) == sorted(found["b"].values(), reverse=True)
    assert found["b"]["language:en"] == 2


def selection(**settings: Any) -> TaskSpec:
    data = {"kind": "classify", "corpora": ["c"], "labels": ["good", "bad"], "model": {"recipe": "nano"}, **settings}
    return TaskSpec.model_validate(data)


def test_selection_is_told_in_its_order_and_only_what_was_asked_for() -> None:
    dropped = Counter(contaminated=3, near_holdout=1, near_duplicate=5, repeated_paragraphs=2)
    everything = steps_of_selection(selection(dedup={"paragraphs": True}), 100, dropped, 7)
    assert [(record.name, record.rows_in, record.rows_out, record.rows_changed) for record in everything] == [
        ("near duplicates", 100, 94, 0),
        ("repeated paragraphs", 94, 92, 7),
        ("decontaminate", 92, 89, 0),
    ]
    assert everything[0].dropped == {"near_duplicate": 5, "near_holdout": 1}
    nothing = selection(dedup={"near": False}, decontamination={"ngram": 0})
    assert steps_of_selection(nothing, 100, Counter(), 0) == []


def test_the_reasons_of_a_step_come_most_frequent_first() -> None:
    record = step("x", 10, {"b": 1, "a": 1, "c": 3}, rows_changed=2)
    assert (list(record.dropped), record.rows_out, record.rows_changed) == (["c", "a", "b"], 5, 2)
