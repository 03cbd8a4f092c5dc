"""What a run is made with: accelerator, threads, optimiser, and the variants of layers that suit the device."""

import os
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from polyloop.spec.models import TrainingSpec
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


def make_optimizer(model: Any, learning_rate: float, weight_decay: float) -> torch.optim.AdamW:
    """Return AdamW that decays matrices only, not biases and norms."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, fused=True)
