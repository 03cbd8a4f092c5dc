"""Puts the rows of a holdout into slices: by locale, length, source, label and month. Pure; the same table gives the
same.

Inputs: an Arrow table. Columns that it lacks give no slices: `target_locale`, `input` (with `locale`, where there is
one), `source` (else `corpus`), `target` (only if the task has labels), `timestamp`. Output: `RowSlice`s, by dimension
and name, each with the positions of its rows. Slices with too few rows are pooled, as the gate pools locales; a
dimension that would have one slice only, all rows, tells nothing and is left out.

Limits: the slices of labels overlap where a row has several labels. In a slice of one label a metric sees only rows
that should have it, so F1 there is about recall alone.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa

from polyloop.evaluation.metrics.forms import as_label_set

OTHER = "other (pooled)"
"""Name of the slice of all rows whose own slices are too small; a source or label may well be called just "other"."""
UNKNOWN = "unknown"
"""Name of the slice of rows that do not say."""
DIMENSIONS = ("locale", "length", "source", "label", "month")
LENGTH_BUCKETS = ("quarter 1 (shortest)", "quarter 2", "quarter 3", "quarter 4 (longest)")


@dataclass(frozen=True, kw_only=True)
class RowSlice:
    """Rows that share something: `dimension` says what, `name` which value."""

    dimension: str
    name: str
    rows: tuple[int, ...]
    """Positions in the table, ascending."""


def slice_rows(
    table: pa.Table, *, min_rows: int, labels: Sequence[str] = (), dimensions: Sequence[str] = DIMENSIONS
) -> tuple[RowSlice, ...]:
    """Return the slices of a table, in the order of `dimensions` and of names, the pooled one last in each."""
    found: list[RowSlice] = []
    for dimension in dimensions:
        names = _NAMES[dimension](table, labels)
        if names is not None:
            found += pooled(dimension, names, min_rows=min_rows)
    return tuple(found)


def pooled(dimension: str, names: Iterable[Iterable[str]], *, min_rows: int) -> list[RowSlice]:
    """Return one slice a name, those of fewer than `min_rows` rows together as `OTHER`; none if one holds all rows.

    `names` are the names of each row, in the table's order.
    """
    rows_of: dict[str, list[int]] = {}
    num_rows = 0
    for position, names_of_row in enumerate(names):
        num_rows += 1
        for name in names_of_row:
            rows_of.setdefault(name, []).append(position)
    large = {name: rows for name, rows in rows_of.items() if len(rows) >= min_rows}
    small = sorted({row for name, rows in rows_of.items() if name not in large for row in rows})
    slices = [RowSlice(dimension=dimension, name=name, rows=tuple(large[name])) for name in sorted(large)]
    if small:
        slices.append(RowSlice(dimension=dimension, name=OTHER, rows=tuple(small)))
    return [] if len(slices) == 1 and len(slices[0].rows) == num_rows else slices


def length_bounds(lengths: Sequence[int]) -> tuple[int, ...]:
    """Return the longest length of each bucket but the last: quantiles that are lengths of the sample themselves."""
    shares = np.arange(1, len(LENGTH_BUCKETS)) / len(LENGTH_BUCKETS)
    return tuple(int(bound) for bound in np.quantile(lengths, shares, method="inverted_cdf"))


def month(value: object) -> str:
    """Return the month of a point in time in UTC, as 2026-03; `unknown` for anything else.

    Takes dates, datetimes (naive ones are UTC) and ISO 8601 texts.
    """
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return UNKNOWN
    if isinstance(value, datetime) and value.tzinfo is not None:
        try:
            value = value.astimezone(UTC)
        except OverflowError:  # the first and last hours of the calendar, as of an empty date of .NET
            return UNKNOWN
    return f"{value:%Y-%m}" if isinstance(value, date) else UNKNOWN


def _locales(table: pa.Table, labels: Sequence[str]) -> list[tuple[str]] | None:
    return _one_each(table, "target_locale", str)


def _lengths(table: pa.Table, labels: Sequence[str]) -> list[tuple[str]] | None:
    """Name buckets by the input's length in code points among the inputs of its locale.

    Bounds are the locale's own quartiles in this holdout: Chinese says in ten characters what English says in thirty,
    so common bounds would cut by locale once more.
    """
    if "input" not in table.column_names or not table.num_rows:
        return None
    lengths = [len(text or "") for text in table.column("input").to_pylist()]
    has_locale = "locale" in table.column_names
    locales = table.column("locale").to_pylist() if has_locale else [UNKNOWN] * len(lengths)
    by_locale: dict[str, list[int]] = {}
    for locale, length in zip(locales, lengths, strict=True):
        by_locale.setdefault(locale, []).append(length)
    bounds = {locale: length_bounds(found) for locale, found in by_locale.items()}
    return [
        (LENGTH_BUCKETS[bisect_left(bounds[locale], length)],) for locale, length in zip(locales, lengths, strict=True)
    ]


def _sources(table: pa.Table, labels: Sequence[str]) -> list[tuple[str]] | None:
    return _one_each(table, "source", _site) or _one_each(table, "corpus", str)


def _labels(table: pa.Table, labels: Sequence[str]) -> list[frozenset[str]] | None:
    if not labels or "target" not in table.column_names:
        return None
    known = frozenset(labels)
    return [as_label_set(target, known) for target in table.column("target").to_pylist()]


def _months(table: pa.Table, labels: Sequence[str]) -> list[tuple[str]] | None:
    if "timestamp" not in table.column_names:
        return None
    column = table.column("timestamp")
    if pa.types.is_timestamp(column.type):
        # Python's datetime holds microseconds; finer units would be refused.
        column = column.cast(pa.timestamp("us", tz=column.type.tz), safe=False)
    return _named(column.to_pylist(), month)


def _one_each(table: pa.Table, column: str, name: Callable[[object], str]) -> list[tuple[str]] | None:
    return _named(table.column(column).to_pylist(), name) if column in table.column_names else None


def _named(values: Sequence[object], name: Callable[[object], str]) -> list[tuple[str]] | None:
    """Return the name of each value, `unknown` for an empty one; None if there is no value at all."""
    if not any(values):
        return None
    return [(name(value) if value else UNKNOWN,) for value in values]


def _site(value: object) -> str:
    """Return the site of a web address, and any other source as it is."""
    text = str(value)
    try:
        return urlsplit(text).netloc or text
    except ValueError:  # such as half an IPv6 address
        return text


_NAMES: dict[str, Callable[[pa.Table, Sequence[str]], Sequence[Iterable[str]] | None]] = {
    "locale": _locales,
    "length": _lengths,
    "source": _sources,
    "label": _labels,
    "month": _months,
}
