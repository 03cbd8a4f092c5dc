"""Results made by hand."""

from collections.abc import Callable

import pytest

from polyloop.bench.quality.results import Measure, QualityResult, Sample

MakeResult = Callable[..., QualityResult]


@pytest.fixture
def make_result() -> MakeResult:
    """Return a builder of results with one measure."""

    def build(name: str = "sst2", *, value: float = 82.0, bar: float | None = 81.5, **changes: object) -> QualityResult:
        measure = Measure(
            metric="accuracy",
            slice="overall",
            value=value,
            low=value - 1,
            high=value + 1,
            num_rows=1821,
            bar=bar,
            aim=83.6,
            published=83.5,
            published_what="CNN-rand",
            published_source="a repository",
        )
        fields: dict[str, object] = {
            "name": name,
            "quick": False,
            "date": "2026-11-27T08:00:00+00:00",
            "measures": (measure,),
            "num_parameters": 1_250_000,
            "max_parameters": None,
            "seconds": {"build": 12.0, "train": 100.0, "evaluate": 8.0},
            "num_rows": {"train": 6920, "dev": 872, "holdout": 1821},
            "digests": {"dataset": "d", "holdout": "h", "training": "t", "spec": "s"},
            "machine": {"cpus": 2},
            "samples": (Sample(input="好看", answer="positive", reference="positive"),),
        }
        return QualityResult(**(fields | changes))  # type: ignore[arg-type]  # fields by name

    return build
