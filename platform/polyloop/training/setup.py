"""What a run is made with: accelerator, threads, learning rates of weights, and the layers that suit the device."""

import os
import resource
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from polyloop.models.build import build_model
from polyloop.models.first_sizes import relative_rate
from polyloop.spec.models import TaskSpec
from polyloop.spec.training import TrainingSpec
from polyloop.training.dropout import use_cheap_dropout
from polyloop.training.memory import keep_freed_memory

CGROUP_CPU_MAX = Path("/sys/fs/cgroup/cpu.max")
"""Quota and period of a container, in microseconds (https://docs.kernel.org/admin-guide/cgroup-v2.html)."""


def make_accelerator(training: TrainingSpec, local_world_size: int) -> Accelerator:
    """Return a fresh accelerator, with the process's threads, and on a CPU its memory, set on purpose.

    Ray sets OMP_NUM_THREADS from the reserved CPUs, and Accelerate from what it finds; both are overruled here.
    """
    # Accelerate keeps one state a process; a second run in the same process would get the first one's precision.
    AcceleratorState._reset_state(reset_partial_state=True)
    precision = "bf16" if training.precision == "bf16" else "no"
    accelerator = Accelerator(cpu=not training.use_gpu, mixed_precision=precision)
    torch.set_num_threads(training.threads_per_worker or max(1, usable_cores() // local_world_size))
    if accelerator.device.type == "cpu":
        keep_freed_memory()
    return accelerator


def usable_cores(cpu_max: Path = CGROUP_CPU_MAX) -> int:
    """Return the number of cores that this process may keep busy: its affinity, cut to its container's quota."""
    cores = len(os.sched_getaffinity(0))
    quota_us, _, period_us = cpu_max.read_text().strip().partition(" ") if cpu_max.exists() else ("max", "", "")
    return cores if quota_us == "max" else max(1, min(cores, int(quota_us) // int(period_us)))


def suit_cpu(model: Any) -> None:
    """Choose what is fastest on a CPU; the mathematics stays."""
    use_cheap_dropout(model)
    if model.config.model_type == "t5":
        # The position bias has a gradient, for which torch has no fused attention kernel on a CPU.
        model.set_attn_implementation("eager")


def rate_of(model: Any, task: TaskSpec) -> Callable[[str], float]:
    """Return how fast a weight of some name is to learn beside the spec's learning rate.

    1 for all, but in proportion to its first size for T5 from a recipe, also where a run goes on from such a version.
    """
    if model.config.model_type == "t5" and task.model.recipe is not None:
        return partial(relative_rate, config=model.config)
    return lambda _: 1.0


def load_teacher(task: TaskSpec, tokenizer: Any, device: torch.device) -> Any:
    """Return the larger model that is learned from, frozen; None where the task names none."""
    distill = task.training.distill
    if distill is None:
        return None
    teacher: Any = build_model(task, tokenizer, dropout=0.0, init_from=Path(distill.teacher))
    return teacher.to(device).eval().requires_grad_(False)


def peak_memory_bytes(device: torch.device) -> int:
    """Return the most memory that the process has held: of its GPU, or of its own."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
