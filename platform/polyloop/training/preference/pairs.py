"""The rows that preferences are learned from, as flat arrays, and what must be true of them.

Input: an Arrow table with the columns of `PREFERENCE_SCHEMA` or `BINARY_SCHEMA`. Output: rows ready to be batched, at 4
bytes a token and no Python objects per row. Errors: DataError and its kinds, which name the first wrong row and how
many there are.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from polyloop.errors import DataError, EmptySideError, EqualSidesError, OneSidedError
from polyloop.training.rows import Ragged, ragged

_IDS = pa.list_(pa.int32())

PREFERENCE_SCHEMA = pa.schema(
    [("input_ids", _IDS), ("chosen_ids", _IDS), ("rejected_ids", _IDS), ("weight", pa.float32())]
)
"""Columns of a set of pairs: of two texts for one input, the first was preferred."""

BINARY_SCHEMA = pa.schema(
    [("input_ids", _IDS), ("target_ids", _IDS), ("desirable", pa.bool_()), ("weight", pa.float32())]
)
"""Columns of a set of single texts, each judged good or bad."""


@dataclass(frozen=True, kw_only=True)
class PreferenceRows:
    """Pairs, ready to be batched."""

    inputs: Ragged
    chosen: Ragged
    rejected: Ragged
    weights: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.weights)

    @classmethod
    def from_table(cls, table: pa.Table) -> "PreferenceRows":
        """Return the checked rows of a table with the columns of `PREFERENCE_SCHEMA`; others are left alone.

        EmptySideError for an empty list of ids, EqualSidesError for a pair of equal texts, DataError for no rows,
        missing columns, nulls, and weights that are negative or not finite.
        """
        _check_columns(table, PREFERENCE_SCHEMA)
        rows = cls(
            inputs=ragged(table.column("input_ids")),
            chosen=ragged(table.column("chosen_ids")),
            rejected=ragged(table.column("rejected_ids")),
            weights=_weights(table),
        )
        for name, side in (("input_ids", rows.inputs), ("chosen_ids", rows.chosen), ("rejected_ids", rows.rejected)):
            _check_filled(name, side)
        equal = np.flatnonzero(equal_lists(rows.chosen, rows.rejected))
        if len(equal):
            raise EqualSidesError(
                f"row {equal[0]} prefers a text of {rows.chosen.lengths[equal[0]]} tokens to itself ({len(equal)} such "
                f"rows of {len(rows)}); leave out pairs whose two texts become the same tokens"
            )
        return rows


@dataclass(frozen=True, kw_only=True)
class BinaryRows:
    """Single judged texts, ready to be batched."""

    inputs: Ragged
    targets: Ragged
    is_desirable: NDArray[np.bool_]
    weights: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.weights)

    @classmethod
    def from_table(cls, table: pa.Table) -> "BinaryRows":
        """Return the checked rows of a table with the columns of `BINARY_SCHEMA`; others are left alone.

        OneSidedError unless there are good rows and bad ones of weight above 0; the rest as for pairs.
        """
        _check_columns(table, BINARY_SCHEMA)
        rows = cls(
            inputs=ragged(table.column("input_ids")),
            targets=ragged(table.column("target_ids")),
            is_desirable=table.column("desirable").to_numpy().astype(np.bool_),
            weights=_weights(table),
        )
        _check_filled("input_ids", rows.inputs)
        _check_filled("target_ids", rows.targets)
        kinds = rows.is_desirable[rows.weights > 0]
        if kinds.all() or not kinds.any():
            raise OneSidedError(
                f"of {len(kinds)} rows with a weight {int(kinds.sum())} are desirable; KTO needs desirable and "
                "undesirable ones: add the other kind, or train on the good rows as ordinary examples"
            )
        return rows


def equal_lists(left: Ragged, right: Ragged) -> NDArray[np.bool_]:
    """Return for each row whether the two lists are the same, (rows,); both have the same number of rows."""
    equal: NDArray[np.bool_] = left.lengths == right.lengths
    rows = np.flatnonzero(equal)
    lengths = left.lengths[rows]
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    differs = (
        left.values[np.repeat(left.offsets[rows], lengths) + within]
        != right.values[np.repeat(right.offsets[rows], lengths) + within]
    )
    equal[np.repeat(rows, lengths)[differs]] = False
    return equal


def _check_columns(table: pa.Table, schema: pa.Schema) -> None:
    missing = [name for name in schema.names if name not in table.column_names]
    if missing:
        raise DataError(f"columns {', '.join(missing)} are missing; a set has {', '.join(schema.names)}")
    for name in schema.names:
        if table.column(name).null_count:
            raise DataError(f"column {name} has {table.column(name).null_count} nulls; every row needs a value")
    if not table.num_rows:
        raise DataError("the set has no rows; there is nothing to learn from")


def _check_filled(name: str, side: Ragged) -> None:
    empty = np.flatnonzero(side.lengths == 0)
    if len(empty):
        raise EmptySideError(
            f"{name} of row {empty[0]} is empty ({len(empty)} such rows of {len(side.lengths)}); leave these rows out, "
            "and end every text with the end-of-sequence token"
        )


def _weights(table: pa.Table) -> NDArray[np.float32]:
    weights: NDArray[np.float32] = table.column("weight").to_numpy().astype(np.float32)
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        raise DataError(f"weight of row {wrong[0]} is {weights[wrong[0]]}; weights are finite numbers from 0 up")
    return weights
