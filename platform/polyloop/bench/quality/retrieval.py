"""Retrieval on XQuAD: one configuration for all languages, nothing is trained.

Input: the public dataset (240 paragraphs and 1,190 questions a language). Output: a `QualityResult` with recall@1 and
its interval for each locale that the set asks for.
"""

import gzip
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from polyloop.bench.quality.measures import measure_of
from polyloop.bench.quality.results import Measure, QualityResult
from polyloop.bench.quality.sets import Goal, QualitySet
from polyloop.errors import SpecError
from polyloop.evaluation.intervals import bootstrap
from polyloop.evaluation.metrics import statistics
from polyloop.retrieval.documents import Document
from polyloop.retrieval.index import best_documents, build_index
from polyloop.spec.settings import settings

QUICK_QUESTIONS = 100


def run_retrieval(one: QualitySet, *, machine: dict[str, Any], quick: bool) -> QualityResult:
    """Return what is found; SpecError if it is not said where the datasets are."""
    datasets = settings().datasets
    if datasets is None:
        raise SpecError(f"the set {one.name} reads the public datasets: set POLYLOOP_DATASETS to their folder")
    seconds = {"index": 0.0, "search": 0.0}
    measures = tuple(measure(goal, datasets / one.task, seconds, quick=quick) for goal in one.goals)
    return QualityResult(
        name=one.name,
        quick=quick,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        measures=measures,
        num_parameters=0,
        max_parameters=one.max_parameters,
        seconds={stage: round(value, 1) for stage, value in seconds.items()},
        num_rows={"holdout": sum(one.num_rows for one in measures)},
        digests={},
        machine=machine,
    )


def measure(goal: Goal, folder: Path, seconds: dict[str, float], *, quick: bool) -> Measure:
    """Return the metric of a goal for its locale; the time that indexing and searching take is added to `seconds`."""
    started_s = time.monotonic()
    locale = goal.slice
    index = build_index(
        Document(id=str(row["pid"]), locale=locale, text=row["context"])
        for row in _rows(folder / f"{locale}.paragraphs.jsonl.gz")
    )
    indexed_s = time.monotonic()
    questions = list(_rows(folder / f"{locale}.questions.jsonl.gz"))
    questions = questions[:QUICK_QUESTIONS] if quick else questions
    found = [best_documents(index.search(question["question"], 1)) for question in questions]
    seconds["index"] += indexed_s - started_s
    seconds["search"] += time.monotonic() - indexed_s
    rankings = [[hit.id for hit in hits] for hits in found]
    wanted = [[str(question["pid"])] for question in questions]
    rows = statistics(goal.metric, rankings, wanted, locale=locale)
    return measure_of(goal, bootstrap(rows, goal.metric), len(questions))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        yield from (json.loads(line) for line in stream)
