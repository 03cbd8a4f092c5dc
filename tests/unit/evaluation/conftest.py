"""Results made by hand: rows as tuples of (locale, prediction, reference), scores as the metrics give them."""

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from polyloop.evaluation.intervals import Interval
from polyloop.evaluation.measure import measured
from polyloop.evaluation.metrics import labels_in
from polyloop.evaluation.results import EvaluationResult, EvaluationRows, SliceResult

Row = tuple[str, str, str]
MakeResult = Callable[..., EvaluationResult]


@pytest.fixture
def make_result() -> MakeResult:
    """Return a builder of results; the interval of each score is the score plus and minus one point."""

    def build(
        rows: Sequence[Row],
        *,
        metric: str = "accuracy",
        version: str = "v2",
        task: str = "mood",
        holdout_digest: str = "holdout-1",
        latency_ms: float = 5.0,
        size_bytes: int = 2_000_000,
        ids: Sequence[str] | None = None,
    ) -> EvaluationResult:
        locales, predictions, references = (tuple(column) for column in zip(*rows, strict=True))
        values = measured(metric, predictions, references, locales, labels=labels_in(metric, references))

        def slice_result(name: str, mask: np.ndarray) -> SliceResult:
            value = values.interval(mask, resamples=1, confidence=0.5).value
            interval = Interval(value=value, low=value - 1.0, high=value + 1.0)
            return SliceResult(locale=name, num_rows=int(mask.sum()), metrics={metric: interval})

        return EvaluationResult(
            task=task,
            version=version,
            dataset_digest="dataset-1",
            holdout_digest=holdout_digest,
            metric=metric,
            overall=slice_result("overall", np.ones(len(rows), dtype=bool)),
            slices=tuple(slice_result(one, np.array(locales) == one) for one in sorted(set(locales))),
            latency_ms=latency_ms,
            size_bytes=size_bytes,
            rows=EvaluationRows(
                ids=tuple(ids or (f"{position:032x}" for position in range(len(rows)))),
                target_locales=locales,
                predictions=predictions,
                references=references,
            ),
        )

    return build


@pytest.fixture(scope="session")
def human_text(datasets_dir: Path) -> dict[str, list[str]]:
    """Return real sentences by locale: captions (de) and dialogue (zh-Hans), 400 each."""
    with gzip.open(datasets_dir / "mt_multi30k" / "test_2016_flickr.tsv.gz", "rt", encoding="utf-8") as lines:
        captions = [line.rstrip("\n").split("\t")[1] for line in list(lines)[1:401]]
    with gzip.open(datasets_dir / "dlg_xdailydialog" / "test.jsonl.gz", "rt", encoding="utf-8") as lines:
        utterances = [text for line in lines for text in json.loads(line)["zh"]]
    return {"de": captions, "zh-Hans": utterances[:400]}
