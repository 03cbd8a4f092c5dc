"""Deploys Serve applications through the cluster's dashboard, as `serve deploy` does, and tells how they are.

Input: the dashboard's URL and a config in the form of serve_config.yaml. Output: states. Errors: ClusterError.
"""

import time
from collections.abc import Callable
from typing import Any

from polyloop.cluster.failures import named_cluster_failures
from polyloop.errors import ClusterError
from polyloop.spec.settings import apply_ray_environment

RUNNING = "RUNNING"
FAILED = frozenset({"DEPLOY_FAILED", "UNHEALTHY"})
POLL_S = 0.5


def deploy(dashboard_url: str, config: dict[str, Any]) -> None:
    """Ask the cluster to run exactly the applications of `config`; returns before they run."""
    _client(dashboard_url, lambda client: client.deploy_applications(config))


def application_states(dashboard_url: str) -> dict[str, dict[str, Any]]:
    """Return, per application, its `status`, `message` and `deployments` with their replica counts."""
    details = _client(dashboard_url, lambda client: client.get_serve_details())
    return {
        name: {
            "status": str(application["status"]),
            "message": str(application.get("message") or ""),
            "deployments": {
                deployment: {"status": str(state["status"]), "replicas": len(state.get("replicas", []))}
                for deployment, state in application.get("deployments", {}).items()
            },
        }
        for name, application in details.get("applications", {}).items()
    }


def wait_until_running(
    dashboard_url: str, names: list[str], *, timeout_s: float, progress: Callable[[str], None]
) -> None:
    """Return when all `names` are running; ClusterError if one fails to deploy or time is up."""
    deadline = time.monotonic() + timeout_s
    while True:
        states = application_states(dashboard_url)
        for name in names:
            if states.get(name, {}).get("status") in FAILED:
                lines = [line for line in states[name]["message"].strip().splitlines() if line.strip()]
                raise ClusterError(f"the application {name} cannot run: {lines[-1].strip() if lines else 'no reason'}")
        waiting = [name for name in names if states.get(name, {}).get("status") != RUNNING]
        if not waiting:
            return
        if time.monotonic() > deadline:
            raise ClusterError(f"after {timeout_s:g} s these applications do not run yet: {', '.join(waiting)}")
        progress(f"starting {', '.join(waiting)}")
        time.sleep(POLL_S)


def _client(dashboard_url: str, call: Callable[[Any], Any]) -> Any:
    apply_ray_environment()
    from ray.dashboard.modules.serve.sdk import ServeSubmissionClient

    with named_cluster_failures(dashboard_url):
        return call(ServeSubmissionClient(dashboard_url))
