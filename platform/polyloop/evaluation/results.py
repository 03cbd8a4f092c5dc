"""What an evaluation found: scores with intervals per target locale, and the row-level answers behind them.

Inputs and outputs: frozen objects; a summary as JSON and the rows as Parquet (id, target_locale, prediction, reference,
all strings, confidence, nll_nats, ranking and relevant where they are known; the label for what is out of scope stands
in its metadata), side by side in one folder. Files are written under a temporary name and renamed, so a reader never
sees half of one; loading checks that rows and summary agree.

Limits: rows are held in memory, about 100 bytes a row besides the texts.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from polyloop.errors import EvaluationError
from polyloop.evaluation.intervals import Interval
from polyloop.evaluation.metrics import metric_named
from polyloop.evaluation.metrics.out_of_scope import OUT_OF_SCOPE_NAME

SUMMARY_FILE = "evaluation.json"
ROWS_FILE = "rows.parquet"
OVERALL = "overall"
"""Name of the slice that holds every row."""


@dataclass(frozen=True, kw_only=True)
class SliceResult:
    """Scores of the rows of one target locale, or of all rows (`overall`)."""

    locale: str
    num_rows: int
    metrics: dict[str, Interval]


@dataclass(frozen=True, kw_only=True)
class GroupResult:
    """Scores of the rows that share something other than the target locale (see `slices`)."""

    dimension: str
    """length, source, label or month."""
    name: str
    num_rows: int
    metrics: dict[str, Interval]
    """Metrics that have something to count in the group."""


@dataclass(frozen=True, kw_only=True)
class EvaluationRows:
    """The answers, row by row; the columns have one length."""

    ids: tuple[str, ...]
    target_locales: tuple[str, ...]
    predictions: tuple[str, ...]
    references: tuple[str, ...]
    confidences: tuple[float, ...] | None = None
    """Probability (0 to 1) that the model gave each answer; None where it tells none, and in older results."""
    nlls_nats: tuple[float, ...] | None = None
    """Negative log likelihood that the model gives each reference, summed over its tokens; None as above."""
    rankings: tuple[tuple[str, ...], ...] | None = None
    """Ids of the documents that were found for each row, best first; None for kinds without documents."""
    relevant: tuple[str, ...] | None = None
    """Id of the document that holds each row's answer, empty where that is not known; None where it never is."""
    out_of_scope: str | None = None
    """The task's own label for what is none of its business; None where it has none, and in older results."""

    def __post_init__(self) -> None:
        columns = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "out_of_scope"}
        lengths = {name: len(column) for name, column in columns.items() if column is not None}
        if len(set(lengths.values())) != 1:
            raise EvaluationError(f"the columns of evaluation rows differ in length: {lengths}")

    def __len__(self) -> int:
        return len(self.ids)

    def predictions_for(self, metric: str) -> Sequence[object]:
        """Return the answers in the form that a metric compares: with their confidences, or the references'
        likelihoods, or what was found for each row, where it asks for those, or with the name that metrics know for
        what is out of scope.

        What is not kept apart comes back as the answers are, as their texts may hold it.
        """
        compares = metric_named(metric).compares
        if compares == "confidences" and self.confidences is not None:
            return list(zip(self.predictions, self.confidences, strict=True))
        if compares == "rankings" and self.rankings is not None:
            return self.rankings
        if compares == "labels":
            return self._with_known_scope(self.predictions)
        return self.nlls_nats if compares == "likelihoods" and self.nlls_nats is not None else self.predictions

    def references_for(self, metric: str) -> Sequence[object]:
        """Return what is right in the form that a metric compares: for rankings, documents that hold the answers.

        EvaluationError where documents were found and no row says which one is right: answers are no documents.
        """
        compares = metric_named(metric).compares
        if compares == "rankings" and self.rankings is not None:
            if self.relevant is None:
                raise EvaluationError(
                    f"no row names the document that holds its answer, so that {metric} has nothing to compare; give "
                    "the corpus `columns.document`, or choose another metric"
                )
            return self.relevant
        return self._with_known_scope(self.references) if compares == "labels" else self.references

    def _with_known_scope(self, labels: Sequence[str]) -> Sequence[str]:
        if self.out_of_scope is None:
            return labels
        return [OUT_OF_SCOPE_NAME if label == self.out_of_scope else label for label in labels]

    def lacks(self, metric: str) -> bool:
        """Return whether a metric compares what the model did not tell."""
        compares = metric_named(metric).compares
        rankings = None if self.relevant is None else self.rankings
        told = {"confidences": self.confidences, "likelihoods": self.nlls_nats, "rankings": rankings}
        return compares in told and told[compares] is None


@dataclass(frozen=True, kw_only=True)
class EvaluationResult:
    """One model version on one frozen holdout."""

    task: str
    version: str
    dataset_digest: str
    holdout_digest: str
    metric: str
    """The metric that the task's gate decides on."""
    overall: SliceResult
    slices: tuple[SliceResult, ...]
    """One for each target locale, in order of the tag."""
    latency_ms: float
    """Mean time of one answer at batch size 1, on the machine that evaluated."""
    size_bytes: int
    """Size of the model's files; 0 where it was not told."""
    rows: EvaluationRows
    engine: str = ""
    """Engine that answered and the numbers that it computes with; empty in results saved before there was a choice."""
    groups: tuple[GroupResult, ...] = ()
    """Scores by length, source, label and month, where the holdout has such groups; empty in results saved by versions
    that did not look at them."""

    def __post_init__(self) -> None:
        counted = Counter(self.rows.target_locales)
        told = {one.locale: one.num_rows for one in self.slices}
        if self.overall.num_rows != len(self.rows) or told != dict(counted):
            raise EvaluationError(
                f"the evaluation of {self.task} {self.version} tells of {self.overall.num_rows} rows {told}, but holds "
                f"{len(self.rows)} rows {dict(counted)}; evaluate it again"
            )

    def to_json(self) -> str:
        """Return the summary, all but the rows, as JSON."""
        summary = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "rows"}
        return json.dumps(summary, default=asdict, ensure_ascii=False, indent=2)

    @classmethod
    def from_json(cls, text: str, rows: EvaluationRows) -> "EvaluationResult":
        """Return the result whose summary is `text`; EvaluationError if it is malformed or the rows do not fit it."""
        try:
            summary = json.loads(text)
            return cls(
                **{
                    **summary,
                    "overall": _slice(summary["overall"]),
                    "slices": tuple(_slice(one) for one in summary["slices"]),
                    "groups": tuple(_group(one) for one in summary.get("groups", ())),
                    "rows": rows,
                }
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise EvaluationError(f"this is not the summary of an evaluation ({error}); evaluate it again") from error


def save_rows(rows: EvaluationRows, folder: Path) -> Path:
    """Write the rows as Parquet into `folder` (created if absent) and return the file's path."""
    table = pa.table(
        {
            "id": pa.array(rows.ids, pa.string()),
            "target_locale": pa.array(rows.target_locales, pa.string()),
            "prediction": pa.array(rows.predictions, pa.string()),
            "reference": pa.array(rows.references, pa.string()),
        }
    )
    for name, numbers in (("confidence", rows.confidences), ("nll_nats", rows.nlls_nats)):
        if numbers is not None:
            table = table.append_column(name, pa.array(numbers, pa.float64()))
    if rows.rankings is not None:
        table = table.append_column("ranking", pa.array(map(list, rows.rankings), pa.list_(pa.string())))
    if rows.relevant is not None:
        table = table.append_column("relevant", pa.array(rows.relevant, pa.string()))
    if rows.out_of_scope is not None:
        table = table.replace_schema_metadata({OUT_OF_SCOPE_NAME: rows.out_of_scope})
    return _write(folder / ROWS_FILE, lambda path: pq.write_table(table, path, compression="zstd"))


def load_rows(folder: Path) -> EvaluationRows:
    """Return the rows that `save_rows` wrote into `folder`; EvaluationError if they are missing or unreadable."""
    try:
        table = pq.read_table(folder / ROWS_FILE)
        texts = table.select(["id", "target_locale", "prediction", "reference"])
    except (OSError, KeyError, pa.ArrowException) as error:
        raise EvaluationError(f"cannot read evaluation rows from {folder / ROWS_FILE}: {error}") from error
    ids, locales, predictions, references = (tuple(column.to_pylist()) for column in texts.itercolumns())
    told = {
        name: tuple(table.column(name).to_pylist()) if name in table.column_names else None
        for name in ("confidence", "nll_nats", "ranking", "relevant")
    }
    rankings = told["ranking"]
    out_of_scope = (table.schema.metadata or {}).get(OUT_OF_SCOPE_NAME.encode())
    return EvaluationRows(
        ids=ids,
        target_locales=locales,
        predictions=predictions,
        references=references,
        confidences=told["confidence"],
        nlls_nats=told["nll_nats"],
        rankings=None if rankings is None else tuple(map(tuple, rankings)),
        relevant=told["relevant"],
        out_of_scope=None if out_of_scope is None else out_of_scope.decode(),
    )


def save_result(result: EvaluationResult, folder: Path) -> None:
    """Write rows and summary into `folder`; the summary comes last, so a folder that has one is complete."""
    save_rows(result.rows, folder)
    _write(folder / SUMMARY_FILE, lambda path: path.write_text(result.to_json() + "\n", encoding="utf-8"))


def load_result(folder: Path) -> EvaluationResult:
    """Return the result saved in `folder`; EvaluationError if it is missing or its rows do not fit its summary."""
    try:
        summary = (folder / SUMMARY_FILE).read_text(encoding="utf-8")
    except OSError as error:
        raise EvaluationError(f"cannot read an evaluation from {folder}: {error}") from error
    return EvaluationResult.from_json(summary, load_rows(folder))


def _write(path: Path, write: Callable[[Path], object]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _slice(value: dict[str, Any]) -> SliceResult:
    return SliceResult(locale=value["locale"], num_rows=value["num_rows"], metrics=_metrics(value))


def _group(value: dict[str, Any]) -> GroupResult:
    return GroupResult(
        dimension=value["dimension"], name=value["name"], num_rows=value["num_rows"], metrics=_metrics(value)
    )


def _metrics(value: dict[str, Any]) -> dict[str, Interval]:
    return {name: Interval(**interval) for name, interval in value["metrics"].items()}
