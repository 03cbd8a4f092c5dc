"""Labels by locale and by words for people: distances, differences, and honest words for small numbers."""

import pytest
from tests.support.small_datasets import row, table

from polyloop.data.report.bias import coverage, label_differences, label_skew, two_proportions
from polyloop.data.statistics import Statistics


def statistics(counts: dict[tuple[str, str, str], int]) -> Statistics:
    """Return statistics of rows given as (locale, text, label) -> how many."""
    rows = [
        row(f"{text} {number}", label, locale=locale)
        for (locale, text, label), count in counts.items()
        for number in range(count)
    ]
    return Statistics.of(table(rows), has_labels=True)


def test_the_distance_is_the_part_of_rows_that_would_need_another_label() -> None:
    made = statistics({("en", "a", "good"): 50, ("en", "b", "bad"): 50, ("de", "c", "good"): 100})
    german, english = label_skew(made)
    assert [german.locale, english.locale] == ["de", "en"]
    assert [german.distance, english.distance] == pytest.approx([0.25, 0.25])
    assert german.reading.startswith("very different")


def test_equal_labels_are_alike_and_one_locale_has_nothing_to_be_compared_with() -> None:
    counts = {(locale, "a", label): 10 for locale in ("en", "de") for label in ("good", "bad")}
    assert {skew.reading for skew in label_skew(statistics(counts))} == {"much like all locales together"}
    assert label_skew(statistics({("en", "a", "good"): 5})) == []


def test_a_planted_link_of_words_and_label_is_clear_and_none_is_not() -> None:
    made = statistics(
        {
            ("en", "muslims", "bad"): 60,
            ("en", "muslims", "good"): 20,
            ("en", "christians", "bad"): 40,
            ("en", "christians", "good"): 41,
            ("en", "weather", "bad"): 200,
            ("en", "weather", "good"): 240,
        }
    )
    differences = {(one.group, one.label): one for one in label_differences(made)}
    planted = differences["religion/muslims", "bad"]
    assert planted.verdict == "clear"
    assert planted.points == pytest.approx(100 * (60 / 80 - 300 / 601))
    assert differences["religion/christians", "bad"].verdict == "may be chance"


def test_few_rows_are_called_few_however_large_the_difference() -> None:
    made = statistics({("en", "muslims", "bad"): 4, ("en", "weather", "bad"): 100, ("en", "weather", "good"): 100})
    verdicts = {one.verdict for one in label_differences(made) if one.group == "religion/muslims"}
    assert verdicts == {"too few rows"}


def test_the_p_value_is_that_of_the_textbook() -> None:
    # 30 of 100 against 20 of 100: z = 1.633, two-sided p = 0.1025
    assert two_proportions(30, 100, 50, 200) == pytest.approx(0.1025, abs=1e-4)
    assert two_proportions(1, 2, 50, 200) is None
    assert two_proportions(50, 200, 50, 200) is None


def test_coverage_counts_rows_and_names_the_words() -> None:
    made = statistics({("en", "she", "good"): 3, ("en", "her", "good"): 1, ("en", "weather", "bad"): 4})
    women = next(one for one in coverage(made) if one.group == "gender/women")
    assert (women.rows, women.share, women.words) == (4, 0.5, (("she", 3), ("her", 1)))
    assert coverage(statistics({("fi", "hän", "good"): 3})) == []
