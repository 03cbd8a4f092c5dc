"""The rows of a dataset split as flat arrays.

Input: the Arrow table of a split (columns locale, target_locale, input_ids, target_ids, weight). A split costs 4 bytes
a token and 28 a row in memory, shared by nothing; there are no Python objects per row.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Ragged:
    """Lists of ids of different lengths, end to end."""

    values: NDArray[np.int32]
    offsets: Ints

    @cached_property
    def lengths(self) -> Ints:
        """Length of each list."""
        lengths: Ints = np.diff(self.offsets)
        return lengths

    def padded(self, rows: Ints, fill: int) -> tuple[Ints, NDArray[np.bool_]]:
        """Return the lists of `rows` as (rows, longest), padded on the right with `fill`, and where they are not."""
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        columns = np.arange(int(lengths.max(initial=0)))
        mask = columns < lengths[:, None]
        ids = np.full(mask.shape, fill, dtype=np.int64)
        ids[mask] = self.values[(self.offsets[rows][:, None] + columns)[mask]]
        return ids, mask

    def membership(self, rows: Ints, num_ids: int) -> NDArray[np.bool_]:
        """Return which ids each list of `rows` has, (rows, num_ids)."""
        ids, mask = self.padded(rows, 0)
        has = np.zeros((len(rows), num_ids), np.bool_)
        has[mask.nonzero()[0], ids[mask]] = True
        return has

    def __getitem__(self, row: int) -> NDArray[np.int32]:
        return self.values[self.offsets[row] : self.offsets[row + 1]]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A split, ready to be batched."""

    inputs: Ragged
    targets: Ragged
    weights: Floats
    locales: Ints
    """Number of the row's direction (locale and target locale), by the order of their names."""

    def __len__(self) -> int:
        return len(self.weights)

    @classmethod
    def from_table(cls, table: pa.Table) -> "Rows":
        """Return the rows of a split's table."""
        directions = zip(table.column("locale").to_pylist(), table.column("target_locale").to_pylist(), strict=True)
        names = [f"{locale}>{target_locale}" for locale, target_locale in directions]
        return cls(
            inputs=ragged(table.column("input_ids")),
            targets=ragged(table.column("target_ids")),
            weights=table.column("weight").to_numpy().astype(np.float32),
            locales=np.unique(np.array(names, dtype=object), return_inverse=True)[1].astype(np.int64),
        )


def balance_labels(rows: Rows, exponent: float) -> Rows:
    """Return the rows of a classify task with weights times (mean weight of a label / weight of its label)^exponent.

    0 changes nothing; with 1 all labels that occur weigh the same. The sum of all weights stays as it was.
    """
    labels = rows.targets.values[rows.targets.offsets[:-1]]
    per_label = np.bincount(labels, weights=rows.weights)
    factors = np.zeros_like(per_label)
    occurs = per_label > 0
    factors[occurs] = (per_label[occurs].mean() / per_label[occurs]) ** exponent
    weights = rows.weights * factors[labels]
    weights *= rows.weights.sum() / weights.sum()
    return replace(rows, weights=weights.astype(np.float32))


def ragged(column: pa.ChunkedArray) -> Ragged:
    """Return a column of lists of ids without nulls, chunked or sliced as it may be."""
    lists = column.combine_chunks()
    if isinstance(lists, pa.ChunkedArray):
        lists = lists.chunk(0) if lists.num_chunks else pa.array([], column.type)
    lengths = lists.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    return Ragged(values=lists.flatten().to_numpy().astype(np.int32), offsets=offsets)
