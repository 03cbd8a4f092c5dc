"""How many workers answer, and with how many threads each. Pure.

Inputs: what the cluster has, the task's `serving` settings. Output: `Sizes`. Several workers with few threads answer
more than one with many, as products of small models are too small to share; each holds the model once, which is what
bounds their number.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from polyloop.errors import ClusterError
from polyloop.spec.serving import TaskServing

READER_CPUS = 0.25
"""CPUs reserved for reading a slice, which is a small part of the work."""
RESERVED_SHARE = 0.5
"""Part of the CPUs of its threads that a worker reserves, so that it finds a place beside serving."""
MAX_WORKERS = 32
MAX_THREADS = 8


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How the work is shared out."""

    num_workers: int
    threads: int
    resources: Mapping[str, Any]
    """What Ray reserves for a worker: CPUs, or a share of a GPU."""


def sizes_for(cluster: Mapping[str, float], serving: TaskServing, num_workers: int | None) -> Sizes:
    """Return the sizes for a cluster with these resources; ClusterError where the task wants a GPU and there is none.

    By default as many workers as there are CPUs, 32 at most, and threads that use the rest, 8 at most: 2 workers of one
    thread on 2 CPUs, 32 of 3 on 96. With GPUs as many as their shares allow.
    """
    num_cpus = max(1, int(cluster.get("CPU", 1)))
    if serving.num_gpus:
        most = int(cluster.get("GPU", 0) / serving.num_gpus)
        if not most:
            raise ClusterError(
                f"a worker of this task wants {serving.num_gpus:g} GPUs, and the cluster has "
                f"{cluster.get('GPU', 0):g}; set `serving.num_gpus: 0` to answer on CPUs"
            )
        workers = min(num_workers or most, most)
        return Sizes(num_workers=workers, threads=serving.threads, resources={"num_gpus": serving.num_gpus})
    workers = num_workers or min(MAX_WORKERS, num_cpus)
    threads = max(1, min(MAX_THREADS, num_cpus // workers))
    return Sizes(num_workers=workers, threads=threads, resources={"num_cpus": RESERVED_SHARE * threads})
