"""The tables for the terminal."""

from dataclasses import replace

from rich.console import Console

from polyloop.evaluation.report import report_rows, result_table

BEFORE = [("de", "bad", "good"), ("de", "good", "good"), ("en", "good", "good"), ("en", "bad", "good")]
AFTER = [("de", "good", "good"), ("de", "good", "good"), ("en", "good", "good"), ("en", "bad", "good")]


def printed(table) -> str:
    console = Console(width=120, record=True, file=None, quiet=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def test_rows_go_by_locale_and_end_with_overall(make_result):
    rows = list(report_rows(make_result(AFTER), make_result(BEFORE, version="v1")))
    assert [(row.locale, row.num_rows) for row in rows] == [("de", 2), ("en", 2), ("overall", 4)]
    assert [(row.before and row.before.value, row.after.value) for row in rows] == [
        (50.0, 100.0),
        (50.0, 50.0),
        (50.0, 75.0),
    ]


def test_the_table_shows_both_versions_with_intervals(make_result):
    text = printed(result_table(make_result(AFTER), make_result(BEFORE, version="v1")))
    assert "mood: v1 -> v2" in text
    (german,) = [line for line in text.splitlines() if " de " in line]
    assert "50.00 (49.00 to 51.00)" in german
    assert "100.00 (99.00 to 101.00)" in german
    assert "+50.00" in german


def test_the_title_says_which_engine_answered(make_result):
    after = replace(make_result(AFTER), engine="ctranslate2 int8")
    before = replace(make_result(BEFORE, version="v1"), engine="pytorch float32")
    assert "mood: v1 (pytorch float32) -> v2 (ctranslate2 int8)" in printed(result_table(after, before))
    assert "mood v2 (ctranslate2 int8)" in printed(result_table(after))


def test_one_version_alone_has_no_change_column(make_result):
    text = printed(result_table(make_result(AFTER)))
    assert "change" not in text
    assert "75.00 (74.00 to 76.00)" in text


def test_a_locale_that_is_new_has_nothing_to_compare_with(make_result):
    with_new = [*AFTER, ("fi", "good", "good")]
    text = printed(result_table(make_result(with_new), make_result(BEFORE, version="v1")))
    (line,) = [line for line in text.splitlines() if " fi " in line]
    assert [cell.strip() for cell in line.strip("│").split("│")] == [
        *("fi", "accuracy", "1", "-", "100.00 (99.00 to 101.00)", "-"),
    ]


def test_a_metric_of_which_less_is_better_says_so(make_result):
    result = make_result([("de", "eins zwei drei vier", "ein Satz")], metric="repetition")
    assert "repetition (less is better)" in printed(result_table(result))
