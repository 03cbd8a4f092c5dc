"""What a run of a set found, kept as JSON, so that one table can be made of runs of different days.

Inputs and outputs: frozen objects and files, `NAME.json` in a folder of results (`NAME.quick.json` for quick looks,
which are never mixed with the others). A file is written under a temporary name and renamed.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from polyloop.bench.figures import Figure
from polyloop.errors import EvaluationError
from polyloop.models.storage import write_bytes


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One measured value with its interval, in points or the metric's own unit."""

    metric: str
    slice: str
    value: float
    low: float
    high: float
    num_rows: int
    bar: float | None = None
    aim: float | None = None
    published: float | None = None
    published_what: str | None = None
    published_source: str | None = None

    @property
    def ok(self) -> bool:
        """True if the bar is reached, or there is none."""
        return self.bar is None or self.value >= self.bar


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One row of the holdout, answered."""

    input: str
    answer: str
    reference: str


@dataclass(frozen=True, kw_only=True)
class QualityResult:
    """What a run found."""

    name: str
    """The set."""
    quick: bool
    """True for a fraction of the training and of the rows; never to be quoted."""
    date: str
    measures: tuple[Measure, ...]
    num_parameters: int
    """Weights of the model; 0 for retrieval."""
    max_parameters: int | None
    seconds: dict[str, float]
    """Stage -> seconds, in order."""
    num_rows: dict[str, int]
    """Split -> rows."""
    digests: dict[str, str]
    """Of the dataset, its holdout, the training and the spec; empty for retrieval."""
    machine: dict[str, Any]
    engine: str = ""
    """What answered, and in which numbers; empty for retrieval, and in results from before it was told."""
    samples: tuple[Sample, ...] = ()

    @property
    def ok(self) -> bool:
        """True if all bars are reached and the model is small enough."""
        is_small = self.max_parameters is None or self.num_parameters <= self.max_parameters
        return is_small and all(one.ok for one in self.measures)

    def to_json(self) -> str:
        """Return the result as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, *, where: str) -> "QualityResult":
        """Return what `to_json` wrote; EvaluationError, with `where`, for anything else."""
        try:
            data = json.loads(text)
            measures = tuple(Measure(**one) for one in data.pop("measures"))
            samples = tuple(Sample(**one) for one in data.pop("samples"))
            return cls(**data, measures=measures, samples=samples)
        except (ValueError, KeyError, TypeError) as error:
            raise EvaluationError(f"{where}: this is not a quality result ({error}); remove it and run again") from None

    def figures(self) -> list[Figure]:
        """Return the measures as figures of a benchmark; the bar is about the value, so no figure has a peer."""
        found = [
            Figure(
                name=f"{self.name}: {one.metric}, {one.slice}",
                value=one.value,
                unit="points",
                bar=one.bar,
                details=asdict(one),
            )
            for one in self.measures
        ]
        if self.max_parameters is not None:
            found.append(
                Figure(
                    name=f"{self.name}: parameters",
                    value=self.num_parameters,
                    unit="weights",
                    bar=self.max_parameters,
                    at_most=True,
                )
            )
        return found


def result_path(folder: Path, name: str, *, quick: bool) -> Path:
    """Return where the result of a set is kept."""
    return folder / (f"{name}.quick.json" if quick else f"{name}.json")


def save_result(result: QualityResult, folder: Path) -> None:
    """Keep a result, in place of the set's former one."""
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(result_path(folder, result.name, quick=result.quick), result.to_json().encode())


def kept_result(folder: Path, name: str, *, quick: bool) -> QualityResult | None:
    """Return the kept result of a set, None if there is none; EvaluationError if it cannot be read."""
    path = result_path(folder, name, quick=quick)
    if not path.exists():
        return None
    return QualityResult.from_json(path.read_text(encoding="utf-8"), where=str(path))


def kept_results(folder: Path, names: Sequence[str]) -> list[QualityResult]:
    """Return the kept results of sets, without quick looks, in the order of the names."""
    found = (kept_result(folder, name, quick=False) for name in names)
    return [result for result in found if result is not None]
