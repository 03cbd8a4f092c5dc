"""Which of the rows that are alike stay.

Input: pairs of alike rows, and what decides between them. Output: for each row that goes, the row that it repeats. Pure
and independent of the order of the pairs.

Rows are gone through by split (holdout, dev, train) and within a split by their order. A train row goes if it is alike
to an earlier row that stays: any row of holdout or dev, or a train row of the same group. Holdout and dev rows always
stay. So each row that goes has a true likeness among those that stay, which dropping all but one row of a connected
cluster would not give: there the ends of a long chain of small changes have nothing in common.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from polyloop.data.rows import Split

SPLIT_RANKS: dict[Split, int] = {"holdout": 0, "dev": 1, "train": 2}
"""Rows of a lower rank win."""

REASONS = ("near_holdout", "near_dev", "near_duplicate")
"""Why a row goes, by the split rank of the row that it repeats."""

TRAIN = np.uint8(SPLIT_RANKS["train"])
STAYS = -1
"""What `resolve` says of a row that stays."""

_UNDECIDED, _KEPT, _DROPPED = np.uint8(0), np.uint8(1), np.uint8(2)
_ORDER_BITS = 60


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What decides between rows; all arrays have the shape [rows], the place being the row's number."""

    split: NDArray[np.uint8]
    """Values of SPLIT_RANKS."""
    group: NDArray[np.int32]
    """The label, or the target locale, as a number; train rows of different groups do not drop each other."""
    order: NDArray[np.int64]
    """Which of two rows of a split comes first; distinct, at least 0 and below 2**60. Best taken from a hash of the
    row, after what matters: then long chains of decisions that wait for each other do not arise."""

    def priority(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return numbers that sort rows in the order in which they are gone through."""
        return (self.split[rows].astype(np.int64) << _ORDER_BITS) | self.order[rows]


def resolve(edges: NDArray[np.int64], traits: Traits) -> NDArray[np.int64]:
    """Return for each row the row that it repeats, or STAYS; shape [rows].

    `edges` [edges, 2] are pairs of alike rows, in any order, with or without repetition. A row repeats the first of the
    rows alike to it that stay. Time and memory are linear in rows and edges: decisions are taken in rounds, each on all
    rows that wait for no other, and with orders like those of a hash there are about log(rows) rounds (Blelloch,
    Fineman and Shun, Greedy sequential maximal independent set and matching are parallel on average, SPAA 2012).
    """
    first, later = _ordered(edges, traits)
    state = np.full(len(traits.split), _KEPT)
    state[later] = _UNDECIDED
    blocked = np.zeros(len(state), dtype=np.bool_)
    waiting_first, waiting_later = first, later
    while len(waiting_later):
        state[waiting_later[state[waiting_first] == _KEPT]] = _DROPPED
        undecided = state[waiting_later] == _UNDECIDED
        waiting_first, waiting_later = waiting_first[undecided], waiting_later[undecided]
        open_question = state[waiting_first] == _UNDECIDED
        blocked[waiting_later[open_question]] = True
        state[waiting_later[~blocked[waiting_later]]] = _KEPT  # all rows before them went
        waiting_first, waiting_later = waiting_first[open_question], waiting_later[open_question]
        blocked[waiting_later] = False
    return _repeated(first, later, state, traits)


def may_drop(first: NDArray[np.int64], later: NDArray[np.int64], traits: Traits) -> NDArray[np.bool_]:
    """Tell for each pair, first row first, whether the later row goes if they are alike and the first stays."""
    held_out = traits.split[first] < TRAIN
    same_group = traits.group[first] == traits.group[later]
    droppable: NDArray[np.bool_] = (traits.split[later] == TRAIN) & (held_out | same_group)
    return droppable


def _ordered(edges: NDArray[np.int64], traits: Traits) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return first and later rows of the edges that can drop a row."""
    one, other = edges[:, 0], edges[:, 1]
    swapped = traits.priority(one) > traits.priority(other)
    first, later = np.where(swapped, other, one), np.where(swapped, one, other)
    useful = may_drop(first, later, traits) & (first != later)
    return first[useful], later[useful]


def _repeated(
    first: NDArray[np.int64], later: NDArray[np.int64], state: NDArray[np.uint8], traits: Traits
) -> NDArray[np.int64]:
    """Return for each dropped row the first kept row on an edge with it."""
    valid = (state[first] == _KEPT) & (state[later] == _DROPPED)
    first, later = first[valid], later[valid]
    by_row = np.lexsort((traits.priority(first), later))
    rows, places = np.unique(later[by_row], return_index=True)
    repeated = np.full(len(state), STAYS, dtype=np.int64)
    repeated[rows] = first[by_row][places]
    return repeated
