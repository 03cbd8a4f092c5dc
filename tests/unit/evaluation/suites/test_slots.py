"""Slots: what is one, how it is filled, and which fillings are drawn."""

import random
import re

import pytest

from polyloop.evaluation.suites.slots import fill, fillings, slots_of

LISTS = {"a": ["1", "2", "3"], "b": ["x", "y"]}
ROWS = [{"en": "cat", "de": "Katze"}, {"en": "dog", "de": "Hund"}]


def draw(slots, *, limit=100, rows=(), lists=LISTS, seed=1):
    return fillings(slots, lists, rows, limit=limit, chance=random.Random(seed))


def test_only_names_in_braces_are_slots():
    assert slots_of("{a} and {b_2} and {a}", "[0-9]{2} {Not} {} {c}") == ("a", "b_2", "c")


def test_fillings_are_put_in_and_escaped_on_demand():
    assert fill("{a}-{b}", {"a": "1.5", "b": "{a}"}) == "1.5-{a}"
    assert re.fullmatch(fill("{a}", {"a": "1.5"}, escape=re.escape), "1.5")
    assert not re.fullmatch(fill("{a}", {"a": "1.5"}, escape=re.escape), "1x5")


def test_all_fillings_are_given_where_there_are_few():
    found = draw(["a", "b"])
    assert {(one["a"], one["b"]) for one in found} == {(a, b) for a in "123" for b in "xy"}
    assert len(found) == 6


def test_slots_of_rows_stay_together():
    found = draw(["a", "en", "de"], rows=ROWS)
    assert len(found) == 6
    assert {(one["en"], one["de"]) for one in found} == {("cat", "Katze"), ("dog", "Hund")}


def test_a_template_without_slots_is_filled_once():
    assert draw([]) == [{}]


def test_equal_rows_and_values_count_once():
    assert len(draw(["en"], rows=[*ROWS, {"en": "cat", "de": "Kater"}])) == 2
    assert len(draw(["a"], lists={"a": ["1", "1"]})) == 1


@pytest.mark.parametrize("limit", [1, 5, 6])
def test_a_sample_is_bounded_different_and_the_same_each_time(limit):
    found = draw(["a", "b"], limit=limit)
    assert len({tuple(one.items()) for one in found}) == len(found) == limit
    assert found == draw(["a", "b"], limit=limit)


def test_numbers_of_fillings_beyond_any_range_are_drawn_from():
    lists = {f"s{number}": [str(value) for value in range(1_000)] for number in range(30)}
    assert len(draw(list(lists), lists=lists, limit=50)) == 50


def test_each_filling_is_drawn_as_often():
    counts = {value: 0 for value in "123"}
    for seed in range(600):
        (one,) = draw(["a"], limit=1, seed=seed)
        counts[one["a"]] += 1
    assert all(150 < count < 250 for count in counts.values()), counts
