"""A Ray cluster of a head and a second node on this machine, of one CPU each, to take nodes from and add them to."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from ray.cluster_utils import Cluster

from polyloop.cluster.ports import free_ports
from polyloop.spec.settings import child_environment

QUICK_TO_NOTICE = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 1_000,
    "health_check_failure_threshold": 3,
}
"""A node is given up within seconds, not after half a minute."""
WAIT_S = 120


@dataclass(frozen=True, kw_only=True)
class TwoNodes:
    """A head and a second node."""

    cluster: Cluster
    second: Any
    dashboard: str


@contextmanager
def started_nodes() -> Iterator[TwoNodes]:
    """Start both nodes, and end them and what came later."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S", "1")
        generate = [sys.executable, "-m", "ray.scripts.scripts", "get-auth-token", "--generate"]
        subprocess.run(generate, env=child_environment(), check=False, capture_output=True)
        port, dashboard_port, agent_port, metrics_port = free_ports(4)
        cluster = Cluster()
        try:
            cluster.add_node(
                num_cpus=1,
                gcs_server_port=port,
                include_dashboard=True,
                dashboard_port=dashboard_port,
                dashboard_agent_listen_port=agent_port,
                metrics_export_port=metrics_port,
                _system_config=QUICK_TO_NOTICE,
            )
            # Nodes of one machine share a session; in one folder they would remove each other's working_dir.
            second = cluster.add_node(num_cpus=1, runtime_env_dir_name="runtime_resources_of_the_second")
            yield TwoNodes(cluster=cluster, second=second, dashboard=f"http://127.0.0.1:{dashboard_port}")
        finally:
            cluster.shutdown()


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Look until the condition holds, for two minutes."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {WAIT_S} s: {what}"
        time.sleep(0.1)
