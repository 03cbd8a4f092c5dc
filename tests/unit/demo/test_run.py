"""What the demo calls a failure, and the port that it writes into its spec."""

import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from polyloop.demo.client import Tally
from polyloop.demo.corpora import write_corpora
from polyloop.demo.run import DEFAULT_PORT, Demo, TaskReport, find_failures, free_port, set_port
from polyloop.errors import DataError
from polyloop.evaluation.intervals import Interval
from polyloop.evaluation.results import OVERALL, EvaluationResult, EvaluationRows, SliceResult
from polyloop.spec.loader import load_spec


def result(version: str, **scores: float) -> EvaluationResult:
    def one(locale: str, value: float, num_rows: int) -> SliceResult:
        return SliceResult(locale=locale, num_rows=num_rows, metrics={"chrf": Interval(value=value, low=0, high=100)})

    locales = tuple(scores)
    return EvaluationResult(
        task="localise",
        version=version,
        dataset_digest="d",
        holdout_digest="h",
        metric="chrf",
        overall=one(OVERALL, 50.0, len(locales)),
        slices=tuple(one(locale, value, 1) for locale, value in scores.items()),
        latency_ms=1.0,
        size_bytes=1,
        rows=EvaluationRows(ids=locales, target_locales=locales, predictions=locales, references=locales),
    )


def report(before: EvaluationResult, after: EvaluationResult) -> TaskReport:
    return TaskReport(task="localise", before=before, after=after, feedback={}, gate="promoted")


BETTER = report(result("v1", de=50.0, zh=40.0), result("v2", de=60.0, zh=40.1))


def test_a_run_without_fault_has_no_failures():
    assert find_failures([BETTER], Tally(sent={"localise": 5}, failed={"localise": 0}), 0) == []


@pytest.mark.parametrize(
    ("tally", "missing", "word"),
    [
        (Tally(failed={"localise": 2}), 0, "2 requests to localise failed"),
        (Tally(feedback_lost=1), 0, "never acknowledged"),
        (Tally(), 3, "3 acknowledged statements are not in the store"),
    ],
)
def test_each_loss_is_a_failure(tally: Tally, missing: int, word: str):
    (failure,) = find_failures([BETTER], tally, missing)

    assert word in failure


def test_a_locale_that_is_no_better_is_a_failure_and_named():
    same = report(result("v1", de=50.0, zh=40.0), result("v2", de=60.0, zh=40.0))

    (failure,) = find_failures([same], Tally(), 0)

    assert "zh" in failure


def test_no_second_version_is_a_failure():
    (failure,) = find_failures([report(result("v1", de=50.0), result("v1", de=50.0))], Tally(), 0)

    assert "no second version" in failure


def test_the_port_is_written_into_the_demos_spec(tmp_path: Path):
    spec_path = write_corpora(tmp_path, 1).spec_path

    set_port(spec_path, 12_345)

    assert load_spec(spec_path).spec.serving.port == 12_345


def test_another_port_is_taken_where_the_usual_one_is_in_use():
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # something else may have it, which is the same for this test
            taken.bind(("127.0.0.1", DEFAULT_PORT))
        taken.listen()

        assert free_port() != DEFAULT_PORT


def test_a_folder_that_the_demo_did_not_make_is_left_alone(tmp_path: Path):
    (tmp_path / "mine.txt").write_text("keep me")
    said: list[Any] = []

    with pytest.raises(DataError, match="was not made by the demo"):
        Demo(tmp_path, progress=said.append).run()

    assert (tmp_path / "mine.txt").read_text() == "keep me"
