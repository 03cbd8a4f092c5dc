"""The rows of a dataset split as flat arrays, and their assembly into padded batches.

Input: the Arrow table of a split (columns input_ids, target_ids, weight). Output: torch tensors. A split costs 4 bytes
a token and 20 a row in memory, shared by nothing; there are no Python objects per row.
"""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

IGNORED = -100
"""Target id of padding, which the loss skips."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Ragged:
    """Lists of ids of different lengths, end to end."""

    values: NDArray[np.int32]
    offsets: Ints

    @property
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


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A split, ready to be batched."""

    inputs: Ragged
    targets: Ragged
    weights: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.weights)

    @classmethod
    def from_table(cls, table: pa.Table) -> "Rows":
        """Return the rows of a split's table."""
        return cls(
            inputs=ragged(table.column("input_ids")),
            targets=ragged(table.column("target_ids")),
            weights=table.column("weight").to_numpy().astype(np.float32),
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


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One batch on the training device; `targets` is (rows,) for labels and (rows, longest) for texts."""

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on another device."""
        return Batch(**{name: tensor.to(device, non_blocking=True) for name, tensor in vars(self).items()})


def assemble(rows: Rows, share: Ints, share_weights: NDArray[np.float32], *, pad_id: int, as_labels: bool) -> Batch:
    """Return the batch of the rows in `share`, on the CPU, weighted by `share_weights`."""
    input_ids, mask = rows.inputs.padded(share, pad_id)
    targets, _ = rows.targets.padded(share, IGNORED)
    return Batch(
        input_ids=torch.from_numpy(input_ids),
        attention_mask=torch.from_numpy(mask.astype(np.int64)),
        targets=torch.from_numpy(targets[:, 0].copy() if as_labels else targets),
        weights=torch.from_numpy(share_weights),
    )


def ragged(column: pa.ChunkedArray) -> Ragged:
    """Return a column of lists of ids without nulls, chunked or sliced as it may be."""
    lists = column.combine_chunks()
    if isinstance(lists, pa.ChunkedArray):
        lists = lists.chunk(0) if lists.num_chunks else pa.array([], column.type)
    lengths = lists.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    return Ragged(values=lists.flatten().to_numpy().astype(np.int32), offsets=offsets)
