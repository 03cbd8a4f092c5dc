"""Statistics of encoded rows: what is counted, and that parts add up whatever their order."""

import random

import pytest
from tests.support.small_datasets import moods, row, table

from polyloop.data import statistics
from polyloop.data.statistics import SourceCounts, Statistics


def merged(parts: list[Statistics]) -> Statistics:
    total = Statistics(has_labels=True)
    for part in parts:
        total.merge(part)
    return total


def test_rows_lengths_and_labels_are_counted_by_split_and_locale() -> None:
    made = Statistics.of(table(moods(20)), has_labels=True)
    assert made.directions["train", "en", "en"] == 48
    assert made.labels["train", "en", "bad"] == 32
    assert made.corpora["holdout", "more"] == 2
    text = made.text("train", "input", "en")
    assert (text.rows, text.characters.maximum, text.tokens.maximum) == (48, len("he left early 19"), 16)
    assert made.locales() == ["de", "en"]
    assert made.licences == {"CC0-1.0": 60, "CC-BY-4.0": 20}


def test_labels_are_no_texts_but_targets_of_other_tasks_are() -> None:
    rows = table([row("a dog", "ein Hund", target_locale="de")])
    assert Statistics.of(rows, has_labels=True).locales("target") == []
    made = Statistics.of(rows, has_labels=False)
    assert made.locales("target") == ["de"]
    assert made.text("train", "target", "de").characters.total == len("ein Hund")
    assert not made.labels


def test_letters_are_counted_by_script() -> None:
    made = Statistics.of(table([row("ab 你好吗 ひら 12 ж!", "x")]), has_labels=True)
    assert made.text("train", "input", "en").scripts == {"Latn": 2, "Hani": 3, "Kana": 2, "Cyrl": 1}


def test_parts_in_any_order_and_grouping_give_the_same_statistics() -> None:
    rows = moods(20)
    whole = Statistics.of(table(rows), has_labels=True)
    parts = [Statistics.of(table(rows[start : start + 7]), has_labels=True) for start in range(0, len(rows), 7)]
    random.Random(3).shuffle(parts)
    assert merged(parts) == whole
    halves = [merged(parts[:5]), merged(parts[5:])]
    assert merged(halves).to_json() == whole.to_json()


def test_json_gives_the_same_statistics_again() -> None:
    made = Statistics.of(table(moods()), has_labels=True)
    assert Statistics.from_json(made.to_json()) == made
    with pytest.raises(ValueError, match="format version 9"):
        Statistics.from_dict({"format_version": 9})


def test_no_rows_are_no_trouble() -> None:
    made = Statistics.of(table([]), has_labels=True)
    assert Statistics.from_json(made.to_json()) == made == Statistics(has_labels=True)


def test_words_for_people_are_counted_in_the_train_split_by_label() -> None:
    rows = [
        row("She said she will", "good"),
        row("she", "bad", split="dev"),
        row("他在其他地方", "bad", locale="zh-Hans"),
    ]
    made = Statistics.of(table(rows), has_labels=True)
    assert made.groups == {
        ("input", "en", "gender/women", "good"): 1,
        ("input", "zh-Hans", "gender/men", "bad"): 1,
    }
    assert made.words["input", "en", "gender/women", "she"] == 1


def test_urls_count_under_their_host() -> None:
    rows = [row(str(number), "x", source=f"https://example.org/page/{number}") for number in range(3)]
    made = Statistics.of(table([*rows, row("b", "x", source="a book")]), has_labels=True)
    assert made.sources.listed == {"example.org": 3, "a book": 1}


def test_only_the_most_frequent_sources_are_published() -> None:
    rows = [row(str(number), "x", source=f"source {number % 3 if number < 9 else number}") for number in range(12)]
    made = Statistics.of(table(rows), has_labels=True)
    published = Statistics.from_json(made.to_json(num_sources=3)).sources
    assert (len(published.listed), published.listed["source 0"], published.unlisted_rows) == (3, 3, 3)


def test_too_many_sources_are_given_up_whichever_part_they_come_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "MAX_SOURCES", 4)
    parts = [table([row(f"{part} {n}", "x", source=f"{part} {n}") for n in range(2)]) for part in "abc"]
    counted = [Statistics.of(part, has_labels=True) for part in parts]
    orders = [(0, 1, 2), (2, 0, 1), (1, 2, 0)]
    totals = [merged([counted[place] for place in order]).sources for order in orders]
    assert totals == [SourceCounts(unlisted_rows=6, has_overflowed=True)] * 3


def test_rows_without_licence_and_source_columns_are_counted_too() -> None:
    rows = table(moods(3)).drop_columns(["licence", "source"])
    made = Statistics.of(rows, has_labels=True)
    assert (made.licences, made.sources) == ({}, SourceCounts())
