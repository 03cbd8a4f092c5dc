"""The report of an evaluation: complete, escaped, offline, and true to the numbers behind it."""

from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

import pyarrow as pa
import pytest
from tests.unit.evaluation.conftest import MakeResult

from polyloop.evaluation.comparison import VersionComparison, VersionEvaluation
from polyloop.evaluation.html_report.labels import confidence_bins
from polyloop.evaluation.html_report.page import render_evaluation
from polyloop.evaluation.results import EvaluationResult
from polyloop.evaluation.scoring import score_rows
from polyloop.evaluation.suites.results import CaseResult, SuiteResult, summarise
from polyloop.spec.models import TaskSpec
from polyloop.tasks.labels import label_set_text

HOSTILE = "</details><script>document.title='taken'</script>"
TASK = TaskSpec.model_validate(
    {
        "kind": "classify",
        "labels": ["good", "bad"],
        "corpora": ["a"],
        "model": {"recipe": "nano", "vocab_size": 300},
        "gate": {"metric": "accuracy", "min_rows": 10},
    }
)
WHEN = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


class Outline(HTMLParser):
    """Collects tags and texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def table(result: EvaluationResult) -> pa.Table:
    size = len(result.rows)
    return pa.table(
        {
            "id": list(result.rows.ids),
            "locale": list(result.rows.target_locales),
            "target_locale": list(result.rows.target_locales),
            "input": [HOSTILE, *(f"text {number}" for number in range(1, size))],
            "target": list(result.rows.references),
        }
    )


def evaluated(make_result: MakeResult, version: str, wrong: set[int]) -> VersionEvaluation:
    """Return an evaluation of 80 rows in two locales, right but for `wrong`, as `evaluate` would have it."""
    rows = []
    for number in range(80):
        label = "good" if number % 4 < 2 else "bad"
        answer = {"good": "bad", "bad": "good"}[label] if number in wrong else label
        rows.append(("en" if number % 2 else "de", answer, label))
    made = make_result(rows, version=version)
    confidences = tuple(0.95 if number % 2 else 0.65 for number in range(80))
    rows_with = replace(made.rows, confidences=confidences)
    scores = score_rows(rows_with, table(made), "accuracy", TASK)
    holdout = replace(made, rows=rows_with, overall=scores.overall, slices=scores.slices, groups=scores.groups)
    return VersionEvaluation(holdout=holdout, suites=(suite(version, is_right=not wrong),))


def suite(version: str, *, is_right: bool) -> SuiteResult:
    cases = tuple(
        CaseResult(
            id=str(number),
            subject=str(number),
            test="names",
            slice="de",
            input=f"{HOSTILE} {number}",
            input_before="before",
            output="bad",
            output_before="good",
            wanted="the same label",
            points=100.0 * is_right,
            passed=is_right,
        )
        for number in range(20)
    )
    return SuiteResult(
        suite="moods", type="behaviour", digest="d", task="mood", version=version, slices=summarise(cases), cases=cases
    )


@pytest.fixture
def comparison(make_result: MakeResult) -> VersionComparison:
    german = {number for number in range(0, 40, 2)}
    before, after = evaluated(make_result, "v1", set()), evaluated(make_result, "v2", german)
    return VersionComparison(task_spec=TASK, candidate=after, champion=before, table=table(after.holdout))


def page(comparison: VersionComparison) -> str:
    return render_evaluation(comparison, created_at=WHEN, code_version="1.2.3")


def keys(outline: Outline) -> list[str]:
    return [str(attributes["id"]) for tag, attributes in outline.tags if tag == "h2"]


def test_every_part_is_there_with_the_failed_checks_first(comparison: VersionComparison) -> None:
    outline = Outline(page(comparison))
    assert keys(outline) == [
        *("warnings", "scores", "changes", "gate", "groups", "calibration", "confusion", "suites"),
        *("rows", "weakest", "provenance"),
    ]
    assert outline.texts.count("mood v2 may not replace v1") == 1
    assert any(text.startswith("de: changes by -50.00") for text in outline.texts)
    plots = [str(attributes["aria-label"]) for tag, attributes in outline.tags if tag == "svg"]
    assert any(label.startswith("accuracy. de: v1 100.00 (100.00 to 100.00), v2 50.00") for label in plots)
    assert any(label.startswith("Change of accuracy. de: -50.00") for label in plots)
    assert any(label.startswith("Reliability. confidence 0.65: 50.0 % right of 40") for label in plots)


def test_a_first_version_has_no_comparison(comparison: VersionComparison) -> None:
    alone = VersionComparison(task_spec=TASK, candidate=comparison.candidate, champion=None, table=comparison.table)
    outline = Outline(page(alone))
    assert {"warnings", "changes", "rows"}.isdisjoint(keys(outline))
    assert {"scores", "gate", "calibration", "confusion", "suites", "weakest"} <= set(keys(outline))


def test_texts_are_escaped_and_nothing_is_loaded(comparison: VersionComparison) -> None:
    made = page(comparison)
    outline = Outline(made)
    assert not [tag for tag, _ in outline.tags if tag in ("script", "img", "iframe")]
    addresses = [
        value for _, attributes in outline.tags for name, value in attributes.items() if name in ("src", "href")
    ]
    assert all(address is not None and address.startswith(("#", "data:,")) for address in addresses)
    assert "url(" not in made
    assert "prefers-color-scheme: dark" in made
    assert HOSTILE in outline.texts


def test_every_column_and_row_of_a_table_has_a_heading(comparison: VersionComparison) -> None:
    made = page(comparison)
    assert "<bdi></bdi>" not in made
    assert '<th scope="row"></th>' not in made


def test_the_confusion_table_counts_each_answer(comparison: VersionComparison) -> None:
    outline = Outline(page(comparison))
    start = outline.texts.index("All locales")
    cells = [text for text in outline.texts[start:] if text]
    assert cells[1:13] == ["right label", "good", "bad", "rows", "good", "30", "10", "40", "bad", "10", "30", "40"]


def test_bins_hold_all_answers_and_add_up_to_the_calibration_error(comparison: VersionComparison) -> None:
    result = comparison.candidate.holdout
    bins = confidence_bins(result.rows)
    assert [(one.num_rows, round(one.confidence, 2), one.share_right) for one in bins] == [
        (40, 0.65, 0.5),
        (40, 0.95, 1.0),
    ]
    error = sum(one.num_rows * abs(one.share_right - one.confidence) for one in bins) / len(result.rows)
    assert 100.0 * error == pytest.approx(result.overall.metrics["calibration_error"].value)


def test_many_labels_are_told_by_their_worst_confusions(comparison: VersionComparison) -> None:
    labels = ["good", "bad", *(f"other {number}" for number in range(30))]
    task = TASK.model_copy(update={"labels": tuple(labels)})
    made: Any = VersionComparison(
        task_spec=task, candidate=comparison.candidate, champion=comparison.champion, table=comparison.table
    )
    texts = [text for text in Outline(page(made)).texts if text]
    start = texts.index("All locales")
    assert texts[start + 1 : start + 9] == [
        "right label",
        "answer",
        "rows",
        "of the label's rows",
        "bad",
        "good",
        "10",
        "25.0 %",
    ]


def test_many_sets_of_few_labels_are_told_by_their_worst_confusions_too(make_result: MakeResult) -> None:
    labels = ("a", "b", "c", "d", "e", "f")
    sets = [label_set_text(one for place, one in enumerate(labels) if number >> place & 1) for number in range(64)]
    made = make_result([("en", sets[number], sets[number - number % 2]) for number in range(64)])
    task = TASK.model_copy(update={"labels": labels, "multi_label": True})
    candidate = VersionEvaluation(holdout=made, suites=())
    outline = Outline(
        page(VersionComparison(task_spec=task, candidate=candidate, champion=None, table=table(candidate.holdout)))
    )
    assert "64 answers are too many for a table of all." in " ".join(outline.texts)
    assert len([tag for tag, _ in outline.tags if tag == "td"]) < 500


def test_the_same_inputs_give_the_same_page(comparison: VersionComparison) -> None:
    again = VersionComparison(
        task_spec=TASK, candidate=comparison.candidate, champion=comparison.champion, table=comparison.table
    )
    assert page(comparison) == page(again)
