"""One table of several quality results, for people. Pure."""

from collections.abc import Sequence
from typing import Any

from polyloop.bench.quality.results import Measure, QualityResult


def table_rows(results: Sequence[QualityResult]) -> list[dict[str, Any]]:
    """Return a row for each measure; what is about the whole run stands in its first row."""
    return [
        _row(result, measure, is_first=number == 0)
        for result in results
        for number, measure in enumerate(result.measures)
    ]


def _row(result: QualityResult, measure: Measure, *, is_first: bool) -> dict[str, Any]:
    seconds = result.seconds
    return {
        "set": (result.name + (" (quick)" if result.quick else "")) if is_first else "",
        "metric": measure.metric,
        "slice": measure.slice,
        "rows": f"{measure.num_rows:,}",
        "value": f"{measure.value:.2f}",
        "interval": f"{measure.low:.2f} to {measure.high:.2f}",
        "bar": _number(measure.bar),
        "aim": _number(measure.aim),
        "published": _number(measure.published),
        "parameters": _parameters(result) if is_first else "",
        "minutes": f"{sum(seconds.values()) / 60:.1f}" if is_first else "",
        "ok": "" if measure.bar is None else ("yes" if measure.ok else "no"),
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _parameters(result: QualityResult) -> str:
    if not result.num_parameters:
        return ""
    too_many = result.max_parameters is not None and result.num_parameters > result.max_parameters
    return f"{result.num_parameters / 1e6:.2f} M" + (" (too many)" if too_many else "")
