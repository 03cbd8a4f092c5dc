"""The HTML report of a training: its curves, epochs and settings, in one file that is published with the version.

Inputs: the task and the looks at the run. Output: one page (`polyloop.pages`). Pure: the same run gives the same page.
"""

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median

from markupsafe import Markup

from polyloop.pages.blocks import Cell, CellValue, Figures, Paragraph, Section, table
from polyloop.pages.curves import Curve, curve_chart
from polyloop.pages.page import Notice, Page, render_page
from polyloop.progress import duration_text
from polyloop.spec.models import TaskSpec
from polyloop.training.progress import Progress
from polyloop.training.scores import EpochScore, best_of, elapsed_of, epoch_scores, last_looks

TRAINING_REPORT_NAME = "training.html"
GIB = 2**30

REWARDS: dict[str, Callable[[Progress], float | None]] = {
    "Reward margin": lambda look: look.reward_margin,
    "Part on the right side": lambda look: look.reward_accuracy,
    "Divergence from the reference, nats": lambda look: look.reward_kl,
}
"""What is told of preferences alone."""


def render_training(task_name: str, task: TaskSpec, looks: Sequence[Progress]) -> str:
    """Return the page; `looks` are all lines of the run's progress file, over restarts."""
    seen = unbroken(looks)
    select = task.training.select
    scores = epoch_scores(seen, select)
    best = best_of(scores, select)
    ends = {look.epoch + 1: look for look in seen if look.ends_epoch}
    marker = (float(ends[best.epoch].num_steps), f"epoch {best.epoch} is kept") if best else None
    warnings = _warnings(looks, seen, task)
    return render_page(
        Page(
            title=f"{task_name}: training",
            brand="Polyloop training report",
            heading=task_name,
            aside=f"{task.kind}, {task.model.recipe or task.model.pretrained}, seed {task.training.seed}",
            tiles=_tiles(looks, seen, best),
            sections=[_learning(seen, marker), _machine(seen), _epochs(ends, scores, best), _settings(task)],
            notice=Notice(title="Warnings", lines=warnings) if warnings else None,
        )
    )


def unbroken(looks: Sequence[Progress]) -> list[Progress]:
    """Return the looks of the run as if it had never been killed: steps that were done again count as the last time."""
    kept: list[Progress] = []
    for look in looks:
        while kept and kept[-1].num_steps > look.num_steps:
            kept.pop()
        kept.append(look)
    return kept


def _tiles(looks: Sequence[Progress], seen: Sequence[Progress], best: EpochScore | None) -> list[tuple[str, str]]:
    tiles = []
    if best is not None:
        tiles += [("dev loss", f"{best.dev_loss:.4f}"), ("dev accuracy", f"{best.dev_accuracy:.4f}")]
        tiles += [("epoch that is kept", str(best.epoch))]
    tiles.append(("training time", duration_text(elapsed_of(looks))))
    if seen:
        tiles.append(("steps", f"{seen[-1].num_steps:,}"))
        tiles.append(("tokens/s, median", f"{median(look.tokens_per_s for look in seen):,.0f}"))
        tiles.append(("GiB at most", f"{max(look.memory_bytes for look in seen) / GIB:.2f}"))
        used = [look.mfu for look in seen if look.mfu is not None]
        tiles += [("of the GPUs' peak, median", f"{100 * median(used):.1f} %")] if used else []
    return tiles


def _learning(seen: Sequence[Progress], marker: tuple[float, str] | None) -> Section:
    dev = _points([look for look in seen if look.ends_epoch], lambda look: look.dev_loss)
    accuracy = _points([look for look in seen if look.ends_epoch], lambda look: look.dev_accuracy)
    losses = [Curve(name="training, with smoothing", points=_points(seen, lambda look: look.loss))]
    losses += [Curve(name="dev", points=dev)] if dev else []
    charts = [curve_chart("Loss", losses, x_name="step", marker=marker)]
    if accuracy:
        charts.append(_chart("Dev accuracy", accuracy, marker))
    charts += [_chart(title, points, None) for title, value in REWARDS.items() if (points := _points(seen, value))]
    charts.append(_chart("Learning rate", _points(seen, lambda look: look.learning_rate), None))
    norms = _points(seen, lambda look: look.gradient_norm)
    charts.append(_chart("Gradient norm before clipping", norms, None, is_log=True))
    return Section(key="learning", title="Learning", blocks=(Figures(charts=tuple(charts)),))


def _machine(seen: Sequence[Progress]) -> Section:
    charts = [
        _chart("Tokens a second", _points(seen, lambda look: look.tokens_per_s), None),
        _chart("Memory at most, GiB", _points(seen, lambda look: look.memory_bytes / GIB), None),
    ]
    used = _points(seen, lambda look: look.mfu)
    charts += [_chart("Part of the GPUs' peak", used, None)] if used else []
    return Section(key="machine", title="Speed and memory", blocks=(Figures(charts=tuple(charts)),))


def _epochs(ends: dict[int, Progress], scores: Sequence[EpochScore], best: EpochScore | None) -> Section:
    if not scores:
        text = "There is no dev split, so the last weights are kept."
        return Section(key="epochs", title="Epochs", blocks=(Paragraph(text=text),))
    rows: list[list[CellValue]] = []
    for before, one in pairwise([None, *scores]):
        assert one is not None
        change = "" if before is None else f"{one.dev_loss - before.dev_loss:+.4f}"
        figures = (f"{one.dev_loss:.4f}", change, f"{one.dev_accuracy:.4f}", f"{ends[one.epoch].num_steps:,}")
        kept = "kept" if best is not None and one.epoch == best.epoch else ""
        rows.append([str(one.epoch), *(Cell(text, "number") for text in figures), kept])
    headings = ("epoch", "dev loss", "change", "dev accuracy", "steps", "")
    return Section(key="epochs", title="Epochs", blocks=(table("The dev split after each epoch", headings, rows),))


def _settings(task: TaskSpec) -> Section:
    blocks = []
    for part, content in (("model", task.model), ("training", task.training)):
        rows: list[list[CellValue]] = [
            [key, Cell(json.dumps(value), "code")] for key, value in content.model_dump(mode="json").items()
        ]
        blocks.append(table(part, ("key", "value"), rows, is_folded=True))
    return Section(key="settings", title="Settings", blocks=tuple(blocks))


def _warnings(looks: Sequence[Progress], seen: Sequence[Progress], task: TaskSpec) -> list[str]:
    warnings = []
    restarts = len(last_looks(looks)) - 1
    if restarts > 0:
        warnings.append(f"The run went on from a checkpoint {restarts} times; steps that were lost are not shown.")
    wanted = task.training.micro_batch_tokens or task.training.batch_tokens
    if seen and seen[-1].micro_batch_tokens < wanted:
        warnings.append(
            f"Memory ran out: micro-batches were cut from {wanted:,} to {seen[-1].micro_batch_tokens:,} tokens."
        )
    return warnings


def _points(looks: Sequence[Progress], value: Callable[[Progress], float | None]) -> tuple[tuple[float, float], ...]:
    return tuple((float(look.num_steps), found) for look in looks if (found := value(look)) is not None)


def _chart(
    title: str, points: tuple[tuple[float, float], ...], marker: tuple[float, str] | None, *, is_log: bool = False
) -> Markup:
    return curve_chart(title, [Curve(name=title, points=points)], x_name="step", is_log=is_log, marker=marker)
