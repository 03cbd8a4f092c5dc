"""Joins a Ray cluster from this process, or starts a private one for as long as the process lives.

Input: what Ray's own environment says (RAY_ADDRESS, or being inside a job), or an explicit address. Output: an
initialised Ray, quiet unless something fails. The caller gets the same code on a laptop and on a cluster.
"""

import logging
import os
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from polyloop.cluster.signals import kept_handler
from polyloop.errors import ClusterError, first_line
from polyloop.spec.settings import apply_ray_environment, joins_a_cluster

LOCAL_MIN_CPUS = 2


@contextmanager
def connected(address: str | None = None) -> Iterator[None]:
    """Be connected to Ray inside the block.

    With `address`, or where the environment names a cluster, that cluster is joined and ClusterError tells if it is
    not there. Otherwise a local Ray is started, and stopped at the end. A process that is connected already stays so.
    """
    apply_ray_environment()
    import ray

    if ray.is_initialized():
        yield
        return
    with kept_handler(signal.SIGTERM):
        _join(address)
        try:
            yield
        finally:
            ray.shutdown()


def _join(address: str | None) -> None:
    """Join a cluster, or start one of this process."""
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "configure_logging": True}
    try:
        if address is not None or joins_a_cluster():
            ray.init(address=address or "auto", **quiet)
        else:
            num_cpus = max(LOCAL_MIN_CPUS, os.cpu_count() or 1)
            ray.init(address="local", num_cpus=num_cpus, include_dashboard=False, **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ClusterError(
            f"no Ray cluster answers at {address or 'the address in RAY_ADDRESS'} ({first_line(error)}); "
            "start one with `polyloop up` or `ray start --head`, or unset RAY_ADDRESS to work on this machine alone"
        ) from None
    _quieten_libraries()


def _quieten_libraries() -> None:
    """Leave progress to Polyloop: Ray Data and Ray Train report warnings only and draw no bars."""
    import ray.data

    for name in ("ray.data", "ray.train"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Ray 2.60 warns of defaults that it sets itself
        context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
