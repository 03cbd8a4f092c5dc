"""What a run is made with: accelerator, threads, optimiser, and the variants of layers that suit the device."""

import math
import os
import resource
from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch.distributed.tensor import DTensor

from polyloop.models.build import build_model
from polyloop.spec.models import TaskSpec
from polyloop.spec.training import TrainingSpec
from polyloop.training.dropout import use_cheap_dropout

CGROUP_CPU_MAX = Path("/sys/fs/cgroup/cpu.max")
"""Quota and period of a container, in microseconds (https://docs.kernel.org/admin-guide/cgroup-v2.html)."""


def make_accelerator(training: TrainingSpec, local_world_size: int) -> Accelerator:
    """Return a fresh accelerator, with the process's threads set on purpose.

    Ray sets OMP_NUM_THREADS from the reserved CPUs, and Accelerate from what it finds; both are overruled here.
    """
    # Accelerate keeps one state a process; a second run in the same process would get the first one's precision.
    AcceleratorState._reset_state(reset_partial_state=True)
    precision = "bf16" if training.precision == "bf16" else "no"
    accelerator = Accelerator(cpu=not training.use_gpu, mixed_precision=precision)
    torch.set_num_threads(training.threads_per_worker or max(1, usable_cores() // local_world_size))
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


def has_relative_rates(model: Any, task: TaskSpec) -> bool:
    """Return whether a model's weights are to learn in proportion to their size: T5 from a recipe."""
    return model.config.model_type == "t5" and task.model.recipe is not None


def make_optimizer(model: Any, training: TrainingSpec, *, relative: bool = False) -> torch.optim.AdamW:
    """Return AdamW that decays matrices only, not biases and norms; all of them equally fast.

    A group's learning rate is the schedule's times its `rate`: 1, or with `relative` that of `relative_rate`.
    """
    groups: dict[tuple[bool, float], list[torch.nn.Parameter]] = defaultdict(list)
    for parameter in model.parameters():
        if parameter.requires_grad:
            rate = relative_rate(parameter, model.config.d_model) if relative else 1.0
            groups[parameter.ndim >= 2, rate].append(parameter)
    return torch.optim.AdamW(
        [
            {"params": found, "weight_decay": training.weight_decay / rate if is_matrix else 0.0, "rate": rate}
            for (is_matrix, rate), found in groups.items()
        ],
        lr=training.learning_rate,
        betas=(0.9, training.beta2),
        fused=training.sharding == "none",
    )


def relative_rate(weight: torch.Tensor, width: int) -> float:
    """Return the root mean square of a weight over width^-0.5, to the nearest power of the root of 2.

    T5's first weights differ in size by a factor of a hundred, since Adafactor's steps are in proportion to it (Shazeer
    and Stern 2018, section 8, https://arxiv.org/abs/1804.04235); Adam's are of one size for all (docs/decisions/0018).
    """
    norm = torch.linalg.vector_norm(weight.detach())
    size = float(norm.full_tensor() if isinstance(norm, DTensor) else norm) * math.sqrt(width / weight.numel())
    return 2.0 ** (round(2 * math.log2(size)) / 2) if size else 1.0


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
