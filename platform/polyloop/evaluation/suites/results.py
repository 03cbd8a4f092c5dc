"""What any suite found: pass rates with intervals by test and slice, and every case behind them.

Inputs and outputs: frozen objects; a summary as JSON and the cases as Parquet, side by side in a folder of the suite's
own. Files are written under a temporary name and renamed, the summary last, so a folder that has one is complete;
loading checks that cases and summary agree. Limits: cases are held in memory.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from polyloop.errors import EvaluationError
from polyloop.evaluation.intervals import Interval
from polyloop.evaluation.suites.proportions import wilson

SUMMARY_FILE = "suite.json"
CASES_FILE = "cases.parquet"
FOLDER = "suites"
"""Folder beside an evaluation that holds a folder for each suite."""

SuiteType = Literal["behaviour", "robustness", "stereotypes", "counterfactual", "offensive"]
Goal = Literal["all", "half"]

_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("id", "subject", "test", "slice", "input", "input_before")),
        *((name, pa.string()) for name in ("output", "output_before", "wanted")),
        ("points", pa.float64()),
        ("passed", pa.bool_()),
    ]
)


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseResult:
    """One case and how it went; texts before an edit are None where there was none."""

    id: str
    """The same for every version, and once in a test and slice."""
    subject: str
    """What the case is about, such as a row of the holdout; cases of one subject are not independent."""
    test: str
    slice: str
    """A locale, or input>output."""
    input: str
    input_before: str | None
    output: str
    output_before: str | None
    wanted: str
    """What was expected, in words."""
    points: float
    """0 to 100; more is better."""
    passed: bool


@dataclass(frozen=True, kw_only=True)
class SuiteSlice:
    """The cases of one test in one slice, counted."""

    test: str
    slice: str
    num_cases: int
    num_passed: int
    rate: Interval
    """Share of the cases that passed, in points, with its Wilson interval."""
    numbers: dict[str, float] = field(default_factory=dict)
    """What else the suite measured: points, unless a name begins with num_ or probability_."""


@dataclass(frozen=True, kw_only=True)
class SuiteResult:
    """One model version on one suite."""

    suite: str
    type: SuiteType
    digest: str
    """Of all that the suite asks; results of one digest are about the same cases."""
    task: str
    version: str
    goal: Goal = "all"
    """Where the pass rate should be: at 100, or at 50, where passing and failing are two sides of a balance."""
    tolerance: float = 0.0
    """Points by which a case may lose before it counts as worse."""
    slices: tuple[SuiteSlice, ...]
    """In order of test and slice."""
    cases: tuple[CaseResult, ...]

    def __post_init__(self) -> None:
        counted = Counter((case.test, case.slice) for case in self.cases)
        passed = Counter((case.test, case.slice) for case in self.cases if case.passed)
        told = {(one.test, one.slice): (one.num_cases, one.num_passed) for one in self.slices}
        if told != {key: (number, passed[key]) for key, number in counted.items()}:
            raise EvaluationError(
                f"the summary of suite {self.suite} on {self.task} {self.version} does not fit its "
                f"{len(self.cases)} cases; run the suite again"
            )

    def failures(self, test: str | None = None, slice: str | None = None) -> list[CaseResult]:
        """Return the cases that did not pass, of one test and of one slice if named."""
        return [
            case for case in self.cases if not case.passed and test in (None, case.test) and slice in (None, case.slice)
        ]

    def total(self, slice: str | None = None, *, confidence: float = 0.95) -> Interval:
        """Return the share of all cases, or of those of one slice, that passed; EvaluationError if it has none."""
        passed = [case.passed for case in self.cases if slice in (None, case.slice)]
        return wilson(sum(passed), len(passed), confidence=confidence)

    def to_json(self) -> str:
        """Return the summary, all but the cases, as JSON."""
        summary = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "cases"}
        return json.dumps(summary, default=asdict, ensure_ascii=False, indent=2)

    @classmethod
    def from_json(cls, text: str, cases: Iterable[CaseResult]) -> "SuiteResult":
        """Return the result whose summary is `text`; EvaluationError if it is malformed or the cases do not fit it."""
        try:
            summary = json.loads(text)
            if summary["type"] not in get_args(SuiteType) or summary["goal"] not in get_args(Goal):
                raise ValueError(f"type {summary['type']!r} with goal {summary['goal']!r}")
            slices = tuple(SuiteSlice(**{**one, "rate": Interval(**one["rate"])}) for one in summary["slices"])
            return cls(**{**summary, "slices": slices, "cases": tuple(cases)})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise EvaluationError(f"this is not the summary of a suite ({error}); run the suite again") from error


def summarise(
    cases: Sequence[CaseResult],
    *,
    confidence: float = 0.95,
    numbers: Callable[[str, str], dict[str, float]] = lambda test, slice: {},
) -> tuple[SuiteSlice, ...]:
    """Return a count for each test and slice; `numbers` gives what else is known of one."""
    groups: dict[tuple[str, str], list[bool]] = {}
    for case in cases:
        groups.setdefault((case.test, case.slice), []).append(case.passed)
    return tuple(
        SuiteSlice(
            test=test,
            slice=slice,
            num_cases=len(passed),
            num_passed=sum(passed),
            rate=wilson(sum(passed), len(passed), confidence=confidence),
            numbers=numbers(test, slice),
        )
        for (test, slice), passed in sorted(groups.items())
    )


def save_suite_result(result: SuiteResult, folder: Path) -> Path:
    """Write a result into its own folder below `folder`, which is that of the evaluation, and return that folder."""
    own = folder / FOLDER / result.suite
    own.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist([asdict(case) for case in result.cases], schema=_SCHEMA)
    _write(own / CASES_FILE, lambda path: pq.write_table(table, path, compression="zstd"))
    _write(own / SUMMARY_FILE, lambda path: path.write_text(result.to_json() + "\n", encoding="utf-8"))
    return own


def load_suite_result(folder: Path, suite: str) -> SuiteResult:
    """Return the result of a suite saved beside the evaluation in `folder`; EvaluationError if it is not there."""
    own = folder / FOLDER / suite
    try:
        summary = (own / SUMMARY_FILE).read_text(encoding="utf-8")
        rows = pq.read_table(own / CASES_FILE, schema=_SCHEMA).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise EvaluationError(f"cannot read a suite's result from {own}: {error}; run the suite again") from error
    return SuiteResult.from_json(summary, (CaseResult(**row) for row in rows))


def _write(path: Path, write: Callable[[Path], Any]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
