"""Figures of the train benchmark out of what its processes printed. Pure.

Input: what each part printed, several times where parts took turns. Output: figures with the bars of the project's
goals. Of several turns the fastest counts, since the speed of a shared machine changes between one and the next.
"""

import math
from collections.abc import Sequence

from polyloop.bench.figures import Figure
from polyloop.bench.processes import Printed

LOOP_BAR = 0.97
"""Least ratio of tokens a second to the bare loop's."""

TRAINER_BAR = 1.15
"""Least ratio to transformers' Trainer."""

WORKERS_BAR = 1.0
"""Least ratio of two workers to one process with two threads."""

CHECKPOINT_BAR = 3.0
"""Largest part of a run, in percent, that checkpoints may take."""

MFU_BAR = 45.0
"""Least part of a GPU's peak, in percent."""

MFU_PUBLISHED = "torchtitan 33-39 % (8B, H100), KempnerForge 57.8 % (7B, H200)"

RUN_S = 600.0
"""Length of the run of which checkpoints are a part."""


def fastest(turns: Sequence[Printed]) -> Printed:
    """Return the turn with the most tokens a second."""
    return max(turns, key=lambda turn: float(turn["tokens_per_s"]))


def loop_figure(kind: str, ours: Sequence[Printed], bare: Sequence[Printed], *, bar: float | None) -> Figure:
    """Compare our loop with a bare one."""
    return _compared(f"{kind}: our loop, 1 thread", ours, bare, bar)


def trainer_figure(kind: str, ours: Sequence[Printed], theirs: Sequence[Printed], *, bar: float | None) -> Figure:
    """Compare our loop with Trainer."""
    return _compared(f"{kind}: our loop on the same examples, 1 thread", ours, theirs, bar)


def workers_figure(two: Sequence[Printed], one: Sequence[Printed]) -> Figure:
    """Compare two gloo workers of one thread with one process of two threads."""
    best, peer = fastest(two), fastest(one)
    return Figure(
        name="translate: 2 gloo workers, 1 thread each",
        value=best["tokens_per_s"],
        unit="tokens/s",
        peer="one process, 2 threads",
        peer_value=peer["tokens_per_s"],
        bar=WORKERS_BAR,
        details=_turns(two, one),
    )


def _compared(name: str, ours: Sequence[Printed], theirs: Sequence[Printed], bar: float | None) -> Figure:
    best, peer = fastest(ours), fastest(theirs)
    return Figure(
        name=name,
        value=best["tokens_per_s"],
        unit="tokens/s",
        peer=peer["name"],
        peer_value=peer["tokens_per_s"],
        bar=bar,
        details=_turns(ours, theirs),
    )


def _turns(ours: Sequence[Printed], theirs: Sequence[Printed]) -> dict[str, list[Printed]]:
    return {"ours": list(ours), "peer": list(theirs)}


def checkpoint_figure(part: Printed, *, interval_s: float, least_interval_s: float, epoch_s: float) -> Figure:
    """Tell which part of a run of `RUN_S` checkpoints take, at the spec's default interval and at ends of epochs."""
    save_s = sum(part["saves_s"]) / len(part["saves_s"])
    num_saves = checkpoints_in(RUN_S, interval_s=interval_s, least_interval_s=least_interval_s, epoch_s=epoch_s)
    return Figure(
        name=f"checkpoints: {num_saves} of {save_s:.2g} s in a run of {RUN_S:g} s, epochs of {epoch_s:.0f} s",
        value=100.0 * num_saves * save_s / RUN_S,
        unit="% of the run",
        bar=CHECKPOINT_BAR,
        at_most=True,
        details={"part": part, "slowest_s": max(part["saves_s"])},
    )


def checkpoints_in(run_s: float, *, interval_s: float, least_interval_s: float, epoch_s: float) -> int:
    """Return how many checkpoints a run writes: one every `interval_s`, and one at the end of an epoch unless the last
    is younger than `least_interval_s`."""
    num_saves = 0
    saved_at = 0.0
    num_epochs = 0
    while True:
        due = saved_at + interval_s
        epoch_end = (num_epochs + 1) * epoch_s
        if min(due, epoch_end) > run_s or math.isinf(min(due, epoch_end)):
            return num_saves
        if epoch_end <= due:
            num_epochs += 1
            if epoch_end - saved_at < least_interval_s:
                continue
            saved_at = epoch_end
        else:
            saved_at = due
        num_saves += 1


def start_figure(part: Printed) -> Figure:
    """Tell what Ray Train takes before the first step."""
    return Figure(
        name=f"Ray Train, from fit to the first step (Ray's own start, {part['ray_s']:.1f} s, apart)",
        value=part["first_step_s"],
        unit="s",
        details=part,
    )


def gpu_figure(size: str, part: Printed) -> Figure | None:
    """Tell the part of a GPU's peak that a size uses; None where the peak of the GPU is not known."""
    if part["mfu"] is None:
        return None
    return Figure(
        name=f"{size}, bf16, {part['device']}; published: {MFU_PUBLISHED}",
        value=100.0 * part["mfu"],
        unit="% MFU",
        bar=MFU_BAR,
        details=part,
    )
