"""How many workers answer, on machines of any size."""

import pytest

from polyloop.batch_inference.sizes import sizes_for
from polyloop.errors import ClusterError
from polyloop.spec.serving import TaskServing


@pytest.mark.parametrize(
    ("num_cpus", "asked", "workers", "threads", "reserved"),
    [
        (1, None, 1, 1, 0.5),
        (2, None, 2, 1, 0.5),
        (96, None, 32, 3, 1.5),
        (96, 4, 4, 8, 4.0),
        (1_000, None, 32, 8, 4.0),
        (2, 8, 8, 1, 0.5),
    ],
)
def test_workers_share_the_cpus(num_cpus: int, asked: int | None, workers: int, threads: int, reserved: float) -> None:
    sizes = sizes_for({"CPU": num_cpus}, TaskServing(), asked)
    assert (sizes.num_workers, sizes.threads, sizes.resources) == (workers, threads, {"num_cpus": reserved})


def test_with_gpus_their_shares_decide() -> None:
    serving = TaskServing(num_gpus=0.5, threads=2)
    sizes = sizes_for({"CPU": 16, "GPU": 2}, serving, None)
    assert (sizes.num_workers, sizes.threads, sizes.resources) == (4, 2, {"num_gpus": 0.5})
    assert sizes_for({"CPU": 16, "GPU": 2}, serving, 3).num_workers == 3
    with pytest.raises(ClusterError, match=r"wants 0\.5 GPUs, and the cluster has 0"):
        sizes_for({"CPU": 16}, serving, None)
