"""Counting dropped rows."""

from polyloop.data.rows import DETAIL_CHARACTERS, SAMPLE_CHARACTERS, SAMPLES_PER_REASON, Drop, Tally


def drop(reason: str = "bad_json", corpus: str = "c", sample: str = "x") -> Drop:
    return Drop(corpus, reason, "f:1", sample)


def tally_of(*drops: Drop) -> Tally:
    tally = Tally()
    for one in drops:
        tally.add(one)
    return tally


def test_all_are_counted_and_a_few_are_kept() -> None:
    tally = tally_of(*[drop() for _ in range(SAMPLES_PER_REASON + 3)], drop("empty_input"))
    assert tally.by_reason() == {"bad_json": SAMPLES_PER_REASON + 3, "empty_input": 1}
    assert len(tally.samples["c", "bad_json"]) == SAMPLES_PER_REASON


def test_samples_are_short_and_can_be_written_as_utf8() -> None:
    (kept,) = tally_of(drop(sample="a\udcff" * 500)).samples["c", "bad_json"]
    assert len(kept.sample) == SAMPLE_CHARACTERS
    assert kept.sample.startswith("a?a?")


def test_details_may_be_longer_and_can_be_written_too() -> None:
    tally = Tally()
    tally.add(Drop("c", "step_failed", "f:1", "x", "\ud800" + "d" * DETAIL_CHARACTERS))
    (kept,) = tally.samples["c", "step_failed"]
    assert kept.detail == "?" + "d" * (DETAIL_CHARACTERS - 1)
    assert Tally.from_json(tally.to_json()) == tally


def test_tallies_add_up_and_survive_json() -> None:
    tally = tally_of(drop(), drop(), drop("duplicate", "d"))
    tally.merge(
        Tally.from_json(
            tally_of(*[drop() for _ in range(SAMPLES_PER_REASON - 1)], drop("duplicate", "e", "你")).to_json()
        )
    )
    assert tally.by_corpus() == {
        "c": {"bad_json": SAMPLES_PER_REASON + 1},
        "d": {"duplicate": 1},
        "e": {"duplicate": 1},
    }
    assert len(tally.samples["c", "bad_json"]) == SAMPLES_PER_REASON
    assert tally.samples["e", "duplicate"] == [drop("duplicate", "e", "你")]
    assert Tally.from_json(tally.to_json()) == tally


def test_the_reasons_are_told_on_one_line_most_frequent_first() -> None:
    assert tally_of(drop("b"), drop("a"), drop("b", "d")).describe() == "2 b, 1 a"
    assert Tally().describe() == "none"
