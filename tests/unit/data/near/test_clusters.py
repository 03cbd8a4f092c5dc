"""Which of alike rows stay; checked against going through the rows one by one."""

import random

import numpy as np
import pytest

from polyloop.data.near.clusters import SPLIT_RANKS, STAYS, Traits, resolve


def traits_of(splits: list[str], groups: list[int], order: list[int]) -> Traits:
    return Traits(
        split=np.array([SPLIT_RANKS[split] for split in splits], dtype=np.uint8),  # type: ignore[index]
        group=np.array(groups, dtype=np.int32),
        order=np.array(order, dtype=np.int64),
    )


def resolved(edges: list[tuple[int, int]], traits: Traits) -> list[int]:
    repeats: list[int] = resolve(np.array(edges, dtype=np.int64).reshape(-1, 2), traits).tolist()
    return repeats


def one_by_one(edges: list[tuple[int, int]], traits: Traits) -> list[int]:
    alike: dict[int, set[int]] = {}
    for one, other in edges:
        alike.setdefault(one, set()).add(other)
        alike.setdefault(other, set()).add(one)
    repeats = [STAYS] * len(traits.split)
    kept: list[int] = []
    for row in np.lexsort((traits.order, traits.split)).tolist():
        if traits.split[row] == SPLIT_RANKS["train"]:
            for before in kept:
                may = traits.split[before] < SPLIT_RANKS["train"] or traits.group[before] == traits.group[row]
                if may and before in alike.get(row, ()):
                    repeats[row] = before
                    break
        if repeats[row] == STAYS:
            kept.append(row)
    return repeats


@pytest.mark.parametrize("seed", range(20))
def test_the_rounds_give_what_going_through_the_rows_gives(seed: int) -> None:
    generator = random.Random(seed)
    size = 60
    traits = traits_of(
        generator.choices(["holdout", "dev", "train"], weights=[1, 1, 8], k=size),
        generator.choices([0, 1], k=size),
        generator.sample(range(1000), size),
    )
    edges = [(generator.randrange(size), generator.randrange(size)) for _ in range(seed * 12)]
    assert resolved(edges, traits) == one_by_one([edge for edge in edges if edge[0] != edge[1]], traits)


def test_a_chain_keeps_every_row_that_no_kept_row_is_like() -> None:
    chain = [(row, row + 1) for row in range(5)]
    assert resolved(chain, traits_of(["train"] * 6, [0] * 6, list(range(6)))) == [-1, 0, -1, 2, -1, 4]


def test_held_out_rows_stay_and_drop_train_rows_of_any_group() -> None:
    traits = traits_of(["train", "holdout", "dev", "train"], [0, 1, 1, 0], [0, 1, 2, 3])
    assert resolved([(0, 1), (1, 2), (2, 3)], traits) == [1, -1, -1, 2]


def test_train_rows_of_different_groups_stay() -> None:
    assert resolved([(0, 1)], traits_of(["train", "train"], [0, 1], [0, 1])) == [-1, -1]


def test_a_long_chain_in_order_is_resolved() -> None:
    size = 2000
    edges = [(row, row + 1) for row in range(size - 1)]
    repeats = resolved(edges, traits_of(["train"] * size, [0] * size, list(range(size))))
    assert repeats == [-1 if row % 2 == 0 else row - 1 for row in range(size)]


def test_without_edges_all_stay() -> None:
    assert resolved([], traits_of(["train"] * 2, [0, 0], [0, 1])) == [-1, -1]
