"""Which rows are learned together: batches of similar length within a budget of padded tokens.

Inputs: the rows of an epoch with their lengths, seed and epoch. Output: the same list of batches on every worker, of
which each takes its share, so that the number of workers changes neither the steps nor what is learned in them. Pure.
"""

import numpy as np

from polyloop.training.rows import Floats, Ints

POOL_BATCHES = 50
"""Rows are sorted by length within pools of about this many batches: little padding, and still much chance."""


def plan_batches(
    input_lengths: Ints,
    target_lengths: Ints,
    *,
    batch_tokens: int,
    seed: int,
    epoch: int,
    rows: Ints | None = None,
) -> list[Ints]:
    """Return the row numbers of each batch of an epoch, each row of `rows` (all by default) once, in a random order.

    A batch of n rows costs n times the sum of its longest input and longest target, at most `batch_tokens`; a longer
    row is a batch of its own.
    """
    generator = np.random.default_rng([seed, epoch])
    order = generator.permutation(len(input_lengths) if rows is None else rows)
    mean_length = float((input_lengths + target_lengths)[order].mean()) if len(order) else 1.0
    pool_rows = max(1, int(POOL_BATCHES * batch_tokens / mean_length))
    batches: list[Ints] = []
    for start in range(0, len(order), pool_rows):
        pool = order[start : start + pool_rows]
        by_length = np.lexsort((input_lengths[pool], input_lengths[pool] + target_lengths[pool]))
        batches += cut_batches(pool[by_length], input_lengths, target_lengths, batch_tokens)
    return [batches[position] for position in generator.permutation(len(batches))]


def cut_batches(rows: Ints, input_lengths: Ints, target_lengths: Ints, batch_tokens: int) -> list[Ints]:
    """Return `rows`, in their order, in batches that cost at most `batch_tokens` as `plan_batches` counts it."""
    batches: list[Ints] = []
    start = longest_input = longest_target = 0
    lengths = zip(input_lengths[rows].tolist(), target_lengths[rows].tolist(), strict=True)
    for position, (num_input, num_target) in enumerate(lengths):
        longest_input, longest_target = max(longest_input, num_input), max(longest_target, num_target)
        if position > start and (position + 1 - start) * (longest_input + longest_target) > batch_tokens:
            batches.append(rows[start:position])
            start, longest_input, longest_target = position, num_input, num_target
    if len(rows) > start:
        batches.append(rows[start:])
    return batches


def share_of(batch: Ints, weights: Floats, *, rank: int, world_size: int) -> tuple[Ints, Floats]:
    """Return a worker's rows of a batch and their weights.

    A worker that is left without a row gets the first one with weight 0: it has to take part in the step.
    """
    share = batch[rank::world_size]
    if not len(share):
        return batch[:1], np.zeros(1, np.float32)
    return share, weights[share]
