"""Benchmark `train`: our train function beside a bare loop, transformers' Trainer, and other numbers of workers.

Input: the public datasets, or text of the demo's. Output: figures. Everything that is measured runs in a process of its
own, one at a time; parts that are compared take turns. The full run takes about half an hour on two cores.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polyloop.bench.figures import Figure
from polyloop.bench.processes import Printed, launcher, run_module
from polyloop.bench.train.figures import (
    LOOP_BAR,
    TRAINER_BAR,
    checkpoint_figure,
    gpu_figure,
    loop_figure,
    start_figure,
    trainer_figure,
    workers_figure,
)
from polyloop.bench.train.material import KINDS, NUM_CAPTIONS, Pair, sentence_pairs, task_of, write_dataset
from polyloop.data.dataset import Dataset
from polyloop.spec.models import TaskSpec
from polyloop.spec.settings import settings
from polyloop.spec.training import TrainingSpec
from polyloop.tasks import kind_of
from polyloop.training.batches import plan_batches
from polyloop.training.config import TrainConfig
from polyloop.training.function import LEAST_CHECKPOINT_INTERVAL_S
from polyloop.training.rows import Rows

PACKAGE = "polyloop.bench.train"
NEVER_S = 1e6
"""Between checkpoints, where none is wanted."""

RAY_STEPS = 5
"""Steps of the run by Ray Train, of which only the beginning is of interest."""

SHORT_PAIRS = 1_000
"""Rows of the run whose checkpoints are timed; the state's size goes by the model, not by the rows."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How much is done."""

    num_pairs: int
    recipe: str
    vocab_size: int
    batch_tokens: int
    steps: dict[str, int]
    """Steps of a turn, by kind."""
    rounds: int
    """Turns of each part."""
    skip_s: float
    """First seconds of a turn, which are not counted."""


STANDARD = Sizes(
    num_pairs=NUM_CAPTIONS,
    recipe="tiny",
    vocab_size=8_000,
    batch_tokens=4_096,
    steps={"translate": 60, "classify": 90},
    rounds=3,
    skip_s=3.0,
)
QUICK = Sizes(
    num_pairs=8_000,
    recipe="tiny",
    vocab_size=8_000,
    batch_tokens=4_096,
    steps={"translate": 25, "classify": 80},
    rounds=1,
    skip_s=2.0,
)


def run(*, quick: bool) -> list[Figure]:
    """Return the figures; ClusterError if a process fails."""
    datasets = settings().datasets
    with tempfile.TemporaryDirectory(prefix="polyloop-bench-") as folder:
        return measure(QUICK if quick else STANDARD, datasets.resolve() if datasets else None, Path(folder))


def measure(sizes: Sizes, datasets: Path | None, work: Path) -> list[Figure]:
    """Return the figures for these sizes; `work` is a folder for datasets and runs."""
    pairs = sentence_pairs(datasets, sizes.num_pairs)
    bench = {kind: Bench(kind, sizes, pairs, work / kind) for kind in KINDS}
    loops = {kind: one.loops() for kind, one in bench.items()}
    translate = bench["translate"]
    return [
        *(figure for figures in loops.values() for figure in figures),
        translate.workers(),
        translate.checkpoints(pairs, tokens_per_s=loops["translate"][0].value),
        translate.ray_start(),
        *gpu_figures(work / "gpu"),
    ]


class Bench:
    """The parts of one kind of task; each call of a part is a process and a run of its own."""

    def __init__(self, kind: str, sizes: Sizes, pairs: Sequence[Pair], work: Path) -> None:
        self._kind, self._sizes, self._work = kind, sizes, work
        self._dataset = write_dataset(work / "dataset", self._task({}), pairs)
        self._num_runs = 0
        self._steps_in_epoch, self._epoch_tokens = epoch_of(self._dataset, self._task({}))

    def loops(self) -> list[Figure]:
        """Compare our loop with the bare loop and with Trainer, by turns."""
        parts: dict[str, list[Printed]] = {name: [] for name in ("ours", "bare", "stock", "random", "group_by_length")}
        for _ in range(self._sizes.rounds):
            parts["ours"].append(self._part("ours"))
            parts["bare"].append(self._part("bare"))
            parts["stock"].append(self._part("bare", "--stock"))
            for sampling in ("random", "group_by_length"):
                folder = self._work / f"trainer-{self._num_runs}"
                parts[sampling].append(self._part("trainer_peer", folder, "--sampling", sampling))
        return [
            loop_figure(self._kind, parts["ours"], parts["bare"], bar=LOOP_BAR),
            loop_figure(self._kind, parts["ours"], parts["stock"], bar=None),
            trainer_figure(self._kind, parts["ours"], parts["random"], bar=TRAINER_BAR),
            trainer_figure(self._kind, parts["ours"], parts["group_by_length"], bar=None),
        ]

    def workers(self) -> Figure:
        """Compare two workers with one process that has as many threads."""
        two, one = [], []
        for _ in range(self._sizes.rounds):
            two.append(self._part("ours", launcher=launcher(2)))
            one.append(self._part("ours", threads=2))
        return workers_figure(two, one)

    def checkpoints(self, pairs: Sequence[Pair], *, tokens_per_s: float) -> Figure:
        """Time checkpoints of a run that holds weights, optimiser state and the best weights so far.

        `tokens_per_s` is what the loop does otherwise; it says how long an epoch of the whole dataset takes.
        """
        num_dev = SHORT_PAIRS // 10
        short = write_dataset(
            self._work / "short",
            self._task({}),
            pairs[: min(SHORT_PAIRS, len(pairs))],
            num_dev=num_dev,
            tokenizer_dir=self._dataset.tokenizer_dir,
        )
        part = self._part("ours", dataset=short, training={"epochs": 3, "checkpoint_every_s": 0.5}, skip_s=0.0)
        return checkpoint_figure(
            part,
            interval_s=TrainingSpec().checkpoint_every_s,
            least_interval_s=LEAST_CHECKPOINT_INTERVAL_S,
            epoch_s=self._epoch_tokens / tokens_per_s,
        )

    def ray_start(self) -> Figure:
        """Tell what Ray Train takes before the first step."""
        few = RAY_STEPS / self._steps_in_epoch
        config = self._config(self._dataset, {"epochs": few, "cpus_per_worker": 0.5})
        return start_figure(run_module(f"{PACKAGE}.ray_start", config))

    def _part(
        self,
        module: str,
        *arguments: object,
        threads: int = 1,
        launcher: Sequence[str] = (),
        dataset: Dataset | None = None,
        training: dict[str, Any] | None = None,
        skip_s: float | None = None,
    ) -> Printed:
        config = self._config(dataset or self._dataset, {"threads_per_worker": threads} | (training or {}))
        skip = self._sizes.skip_s if skip_s is None else skip_s
        return run_module(
            f"{PACKAGE}.{module}", config, *arguments, "--skip-s", skip, launcher=launcher, threads=threads
        )

    def _config(self, dataset: Dataset, training: dict[str, Any]) -> Path:
        """Write the config of a run of its own and return its file."""
        self._num_runs += 1
        epochs = self._sizes.steps[self._kind] / self._steps_in_epoch
        config = TrainConfig(
            task_name=self._kind,
            task=self._task({"epochs": min(1.0, epochs)} | training),
            dataset_dir=dataset.path,
            run_dir=self._work / f"run-{self._num_runs}",
        )
        path = self._work / f"run-{self._num_runs}.json"
        path.write_text(config.model_dump_json(), encoding="utf-8")
        return path

    def _task(self, training: dict[str, Any]) -> TaskSpec:
        common = {
            "batch_tokens": self._sizes.batch_tokens,
            "threads_per_worker": 1,
            "checkpoint_every_s": NEVER_S,
        }
        sizes = self._sizes
        return task_of(self._kind, recipe=sizes.recipe, vocab_size=sizes.vocab_size, training=common | training)


def epoch_of(dataset: Dataset, task: TaskSpec) -> tuple[int, int]:
    """Return the number of steps and of tokens of an epoch."""
    rows = Rows.from_table(dataset.table("train"))
    targets = rows.targets.lengths * (0 if kind_of(task).has_labels else 1)
    training = task.training
    plan = plan_batches(rows.inputs.lengths, targets, batch_tokens=training.batch_tokens, seed=training.seed, epoch=0)
    return len(plan), int(rows.inputs.lengths.sum() + targets.sum())


def gpu_figures(work: Path) -> list[Figure]:
    """Return the figures of the GPU's sizes; none on a machine without one."""
    import torch

    if not torch.cuda.is_available():
        return []
    from polyloop.bench.train.gpu import SIZES

    found = [gpu_figure(size, run_module(f"{PACKAGE}.gpu", size, work / size)) for size in SIZES]
    return [figure for figure in found if figure is not None]
