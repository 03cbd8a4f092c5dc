"""Tells what changed between two datasets of a task: rows, corpora, drops, labels and what they were made with.

Inputs: two datasets. Output: a `Difference`. Rows are matched by their ids, which stand for task, locales and input, so
another target under the same id is a changed row. Limits: all rows but the token ids are held in memory.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from polyloop.data.dataset import Dataset
from polyloop.data.manifest import Manifest
from polyloop.data.rows import SPLITS
from polyloop.errors import DataError

_PLACE = ["split", "target_locale"]
_NOT_CONTENT = frozenset({"id", "input_ids", "target_ids", "split", "task"})


@dataclass(frozen=True, kw_only=True)
class RowChange:
    """Rows of one split and target locale."""

    split: str
    locale: str
    before: int
    after: int
    added: int
    """Rows whose id is new to the dataset."""
    removed: int
    """Rows whose id the dataset no longer has."""
    changed: int
    """Rows of both whose target, weight, corpus or another column but the token ids differs."""
    moved_in: int
    """Rows of both that were in another split."""


@dataclass(frozen=True, kw_only=True)
class CountChange:
    """How often something was, before and after."""

    name: str
    before: int
    after: int


@dataclass(frozen=True, kw_only=True)
class ShareChange:
    """Part of a locale's rows that have a label, before and after, over all splits."""

    locale: str
    label: str
    before: float
    after: float

    @property
    def points(self) -> float:
        """Difference in percentage points."""
        return 100 * (self.after - self.before)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What changed from one dataset to another."""

    task: str
    before: str
    """Digest."""
    after: str
    rows: tuple[RowChange, ...]
    corpora: tuple[CountChange, ...]
    """Rows kept of each corpus."""
    dropped: tuple[CountChange, ...]
    """Rows dropped for each reason."""
    labels: tuple[ShareChange, ...]
    same: dict[str, bool]
    """What the datasets were made from or by -> whether it is the same: holdout, spec, tokenizer, feedback, code."""

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def compare(before: Dataset, after: Dataset) -> Difference:
    """Return what changed; DataError for datasets of different tasks."""
    old, new = before.manifest, after.manifest
    if old.task != new.task:
        raise DataError(
            f"the datasets {old.digest[:12]} and {new.digest[:12]} are of different tasks, {old.task!r} and "
            f"{new.task!r}; give two datasets of one task"
        )
    return Difference(
        task=new.task,
        before=old.digest,
        after=new.digest,
        rows=_row_changes(_content(before), _content(after)),
        corpora=_count_changes(_kept(old), _kept(new)),
        dropped=_count_changes(old.dropped, new.dropped),
        labels=_share_changes(_shares(old), _shares(new)),
        same={
            "holdout": old.holdout_digest == new.holdout_digest,
            "spec": old.spec_digest == new.spec_digest,
            "tokenizer": old.tokenizer.sha256 == new.tokenizer.sha256,
            "feedback": old.feedback_digest == new.feedback_digest,
            "code": old.code_version == new.code_version,
        },
    )


def _content(dataset: Dataset) -> pa.Table:
    tables = [dataset.table(split) for split in SPLITS]
    return pa.concat_tables([table.drop_columns(["input_ids", "target_ids"]) for table in tables])


def _row_changes(old: pa.Table, new: pa.Table) -> tuple[RowChange, ...]:
    kept_old = old.filter(pc.is_in(old["id"], new["id"])).sort_by("id")
    kept_new = new.filter(pc.is_in(new["id"], old["id"])).sort_by("id")
    counts = {
        "before": _by_place(old),
        "after": _by_place(new),
        "added": _by_place(new.filter(pc.invert(pc.is_in(new["id"], old["id"])))),
        "removed": _by_place(old.filter(pc.invert(pc.is_in(old["id"], new["id"])))),
        "changed": _by_place(kept_new.filter(_differs(kept_old, kept_new))),
        "moved_in": _by_place(kept_new.filter(pc.not_equal(kept_old["split"], kept_new["split"]))),
    }
    places = sorted(counts["before"].keys() | counts["after"].keys(), key=lambda place: (SPLITS.index(place[0]), place))
    return tuple(
        RowChange(split=split, locale=locale, **{name: found[split, locale] for name, found in counts.items()})
        for split, locale in places
    )


def _differs(old: pa.Table, new: pa.Table) -> pa.ChunkedArray:
    """Return for each of two tables' rows, which have the same ids in the same order, whether their contents differ."""
    names = [name for name in new.column_names if name in old.column_names and name not in _NOT_CONTENT]
    differs = pa.chunked_array([pa.array([False] * new.num_rows, pa.bool_())])
    for name in names:
        both_absent = pc.and_(pc.is_null(old[name]), pc.is_null(new[name]))
        same = pc.or_(pc.fill_null(pc.equal(old[name], new[name]), False), both_absent)
        differs = pc.or_(differs, pc.invert(same))
    return differs


def _by_place(table: pa.Table) -> Counter[tuple[str, str]]:
    counts = table.select(_PLACE).group_by(_PLACE).aggregate([([], "count_all")])
    columns = (counts[name].to_pylist() for name in (*_PLACE, "count_all"))
    return Counter({(split, locale): rows for split, locale, rows in zip(*columns, strict=True)})


def _kept(manifest: Manifest) -> dict[str, int]:
    return {name: record.rows_kept for name, record in manifest.corpora.items()}


def _count_changes(before: Mapping[str, int], after: Mapping[str, int]) -> tuple[CountChange, ...]:
    return tuple(
        CountChange(name=name, before=before.get(name, 0), after=after.get(name, 0))
        for name in dict.fromkeys((*after, *before))
    )


def _shares(manifest: Manifest) -> dict[tuple[str, str], float]:
    """Return (locale, label) -> part of the locale's rows."""
    counts: dict[str, Counter[str]] = {}
    for by_locale in manifest.label_counts.values():
        for locale, labels in by_locale.items():
            counts.setdefault(locale, Counter()).update(labels)
    return {(locale, label): n / labels.total() for locale, labels in counts.items() for label, n in labels.items()}


def _share_changes(
    before: Mapping[tuple[str, str], float], after: Mapping[tuple[str, str], float]
) -> tuple[ShareChange, ...]:
    return tuple(
        ShareChange(
            locale=locale, label=label, before=before.get((locale, label), 0), after=after.get((locale, label), 0)
        )
        for locale, label in sorted(before.keys() | after.keys())
    )
