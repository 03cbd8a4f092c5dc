"""Which rows may be near duplicates: those that share a band and whose sketches agree.

Input: the band hashes of a partition with their rows, what decides between rows, and what rows hold. Output: pairs of
rows whose Jaccard similarity reaches the threshold, and pairs that are still to be compared (`compare.alike_pairs`).
Rows are compared in batches: memory depends on the partition and the longest text, not on the corpus.

Two rows are compared only if one of them can drop the other (`clusters.may_drop`). First, a train row is compared with
the first MAX_LEADERS held-out rows that share a band with it, until one is alike; then it is done with. In a group of
train rows that share a band, up to ALL_PAIRS_ROWS rows are all to be compared with each other; that is left to the
caller, since the same pairs come from each partition of which they share a band. In a larger one (a million rows made
from one template) the first row leads: all others are compared with it at once, those that are alike are done with, the
first of the rest leads next, MAX_LEADERS times at most. So the work grows with the number of rows, never with its
square; and what is found does not depend on how entries are put into partitions.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polyloop.data.near.batches import batches
from polyloop.data.near.clusters import TRAIN, Traits
from polyloop.data.near.compare import BATCH_PAIRS, Contents, Judge, Pairs, distinct_pairs, is_new, ranges

ALL_PAIRS_ROWS = 8
"""Largest group whose rows are all compared with each other."""

MAX_LEADERS = 16
"""Rows of a group that all others are compared with."""

_UPPER = np.uint64(0xFFFFFFFF_00000000)


class _Groups(NamedTuple):
    """Members of groups, one group after another, in each by priority."""

    members: NDArray[np.int64]
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]


class Matches(NamedTuple):
    """Pairs (row that comes first, row that it may drop), each once and sorted; both arrays have the shape [pairs,
    2]."""

    alike: NDArray[np.int64]
    likely: NDArray[np.int64]
    """To be compared yet."""


def match(
    hashes: NDArray[np.uint64], rows: NDArray[np.int64], traits: Traits, contents: Contents, threshold: float
) -> Matches:
    """Return the pairs of a partition.

    `hashes` and `rows`, both [entries], are a partition: all entries of a hash must be in it. A few million entries are
    a good size.
    """
    buckets, rows = _shared(hashes, rows)
    known, entries = np.unique(rows, return_inverse=True)
    order = np.argsort(traits.priority(known), kind="stable")
    known = known[order]
    # from here on rows are numbered by priority, so that the smaller number comes first
    members = _inverse(order)[entries]
    judge = Judge(known, contents, threshold)
    train = traits.split[known] == TRAIN
    buckets, members = _sorted_entries(buckets, members)
    near_held_out, taken = _held_out_pairs(buckets, members, train, judge)
    left = train[members] & ~taken
    small, large = _split_groups(_groups_of(buckets[left], members[left], traits.group[known]))
    return Matches(
        alike=_numbered([near_held_out, *_led_pairs(large, judge)], known),
        likely=_numbered(list(_likely_pairs(small, judge)), known),
    )


def _shared(hashes: NDArray[np.uint64], rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the entries that share their hash with another, with a number for the hash."""
    # most are alone: to find those, the upper half of a hash and the entry's place sort as one number, which is fast
    keys = (hashes & _UPPER) | np.arange(len(hashes), dtype=np.uint64)
    keys.sort()
    alone = _is_alone(keys & _UPPER)
    places = (keys[~alone] & ~_UPPER).astype(np.int64)
    places = places[np.argsort(hashes[places])]
    hashes = hashes[places]
    alone = _is_alone(hashes)
    numbers: NDArray[np.int64] = np.cumsum(is_new(hashes[~alone]), dtype=np.int64)
    return numbers, rows[places[~alone]]


def _is_alone(values: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Tell of each of sorted values whether no other is equal."""
    new = np.append(is_new(values), True)
    alone: NDArray[np.bool_] = new[:-1] & new[1:]
    return alone


def _sorted_entries(
    buckets: NDArray[np.int64], members: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return buckets and members, sorted by bucket and in each by member."""
    keys = (buckets << 32) | members
    keys.sort()
    return keys >> 32, keys & 0xFFFFFFFF


def _groups_of(buckets: NDArray[np.int64], members: NDArray[np.int64], group: NDArray[np.int32]) -> _Groups:
    """Return the members that share a bucket and a group, if they are two or more."""
    by_group = np.argsort(group, kind="stable")
    buckets, places = _sorted_entries(buckets, _inverse(by_group)[members])
    members = by_group[places]
    starts = np.flatnonzero(is_new(buckets) | is_new(group[members]))
    sizes = np.diff(starts, append=len(members))
    return _Groups(members, starts[sizes > 1], sizes[sizes > 1])


def _inverse(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each place where it is in `order`."""
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    return places


def _held_out_pairs(
    buckets: NDArray[np.int64], members: NDArray[np.int64], train: NDArray[np.bool_], judge: Judge
) -> tuple[Pairs, NDArray[np.bool_]]:
    """Return each train row with the first alike held-out row of its bucket, and which entries these are.

    Such a row goes for certain, so it need not be compared with other train rows: none of them can go because of it.
    """
    taken = np.zeros(len(members), dtype=np.bool_)
    starts = np.flatnonzero(is_new(buckets))
    held_out_before = np.concatenate([np.zeros(1, np.int64), np.cumsum(~train[members])])
    num_held_out = np.diff(held_out_before[np.append(starts, len(members))])
    number = np.cumsum(is_new(buckets)) - 1
    followers = np.flatnonzero(train[members])
    found = []
    for place in range(MAX_LEADERS):
        followers = followers[(num_held_out[number[followers]] > place) & ~taken[followers]]
        pairs = Pairs(members[starts[number[followers]] + place], members[followers])
        alike = judge.tell(pairs)
        taken[followers[alike]] = True
        found.append(Pairs(pairs.first[alike], pairs.later[alike]))
    return _joined(found), taken


def _split_groups(groups: _Groups) -> tuple[_Groups, _Groups]:
    """Return the groups that are compared in full, and the others."""
    small = groups.sizes <= ALL_PAIRS_ROWS
    return (
        _Groups(groups.members, groups.starts[small], groups.sizes[small]),
        _Groups(groups.members, groups.starts[~small], groups.sizes[~small]),
    )


def _likely_pairs(groups: _Groups, judge: Judge) -> Iterator[Pairs]:
    """Yield those of all pairs of the members of each group that may be alike."""
    for size in np.unique(groups.sizes).tolist():
        starts = groups.starts[groups.sizes == size]
        one, other = np.triu_indices(size, k=1)
        for batch in batches(np.full(len(starts), len(one)), BATCH_PAIRS):
            table = groups.members[starts[batch][:, None] + np.arange(size)]
            pairs = Pairs(table[:, one].ravel(), table[:, other].ravel())
            likely = judge.tell_likely(pairs)
            yield Pairs(pairs.first[likely], pairs.later[likely])


def _led_pairs(groups: _Groups, judge: Judge) -> Iterator[Pairs]:
    """Yield the alike pairs of each leader and those that follow it."""
    members = groups.members[ranges(groups.starts, groups.sizes)]
    number = np.repeat(np.arange(len(groups.sizes)), groups.sizes)
    for _ in range(MAX_LEADERS):
        leads = is_new(number)
        leaders = np.repeat(members[leads], np.diff(np.flatnonzero(leads), append=len(members)))
        pairs = Pairs(leaders[~leads], members[~leads])
        alike = judge.tell(pairs)
        yield Pairs(pairs.first[alike], pairs.later[alike])
        members, number = pairs.later[~alike], number[~leads][~alike]


def _joined(parts: list[Pairs]) -> Pairs:
    nothing = np.zeros(0, dtype=np.int64)
    return Pairs(
        np.concatenate([nothing, *(part.first for part in parts)]),
        np.concatenate([nothing, *(part.later for part in parts)]),
    )


def _numbered(parts: list[Pairs], known: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each pair once, sorted, with the rows' own numbers; shape [pairs, 2]."""
    pairs = _joined(parts)
    return distinct_pairs(np.stack([known[pairs.first], known[pairs.later]], axis=1))
