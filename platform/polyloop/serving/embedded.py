"""The platform on one machine: an embedded Ray head with the project's applications on it.

Input: a loaded spec. Output: a running service and, the first time, an API key. What runs is found again through
files in the project's home folder (`.polyloop` beside the spec), so `down` and `status` work from any shell.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polyloop.cluster.applications import application_states, deploy, wait_until_running
from polyloop.cluster.head import Head, find_head, start_head, stop_head
from polyloop.cluster.ports import require_free
from polyloop.errors import ClusterError
from polyloop.registry.keys import create_key, list_keys
from polyloop.registry.store import open_store
from polyloop.serving.config import serve_config
from polyloop.spec.loader import LoadedSpec
from polyloop.spec.settings import settings

HOME = ".polyloop"
DEPLOY_TIMEOUT_S = 180.0
EMBEDDED_MIN_CPUS = 4
"""CPUs that the embedded head tells Ray it has, at least: replicas that mostly wait must not starve a training."""
FIRST_KEY_NAME = "embedded"


@dataclass(frozen=True, kw_only=True)
class Service:
    """A running service; `new_key` is the text of an API key when one was made just now."""

    url: str
    head: Head
    new_key: str | None


METRICS_TARGETS = "prom_metrics_service_discovery.json"
"""Ray's list of nodes for Prometheus, in its own folder."""


def home_dir(loaded: LoadedSpec) -> Path:
    """Return the folder for the embedded head's files."""
    return loaded.root / HOME


def bring_up(loaded: LoadedSpec, progress: Callable[[str], None], *, config: dict[str, Any] | None = None) -> Service:
    """Start the head if it does not run, and deploy the applications; ClusterError names what is in the way.

    `config` is deployed in the place of the spec's own Serve config.
    """
    serving = loaded.spec.serving
    running = find_head(home_dir(loaded))
    if running is None:
        require_free(serving.host, serving.port, fix="stop what uses it, or set another serving.port in the spec")
        progress("starting Ray")
    head = running or start_head(home_dir(loaded), num_cpus=max(EMBEDDED_MIN_CPUS, os.cpu_count() or 1))
    config = config or serve_config(loaded)
    try:
        deploy(head.dashboard_url, config)
        names = [application["name"] for application in config["applications"]]
        wait_until_running(head.dashboard_url, names, timeout_s=DEPLOY_TIMEOUT_S, progress=progress)
    except ClusterError:
        if running is None:  # a service that ran before goes on as it was
            stop_head(head)
        raise
    return Service(url=f"http://{serving.host}:{serving.port}", head=head, new_key=_first_key(loaded))


def _first_key(loaded: LoadedSpec) -> str | None:
    """Return the text of a new API key if the project has no valid one, None otherwise."""
    store = open_store(loaded.store_url)
    try:
        if any(key.revoked_at is None for key in list_keys(store)):
            return None
        return create_key(store, FIRST_KEY_NAME, ["infer", "feedback"])[1]
    finally:
        store.close()


def take_down(loaded: LoadedSpec) -> bool:
    """Stop the embedded head and all on it; False if none runs."""
    head = find_head(home_dir(loaded))
    if head is None:
        return False
    stop_head(head)
    return True


def dashboard_of(loaded: LoadedSpec) -> str | None:
    """Return the dashboard of the embedded head, else of the cluster that POLYLOOP_RAY_ADDRESS names, else None."""
    head = find_head(home_dir(loaded))
    return head.dashboard_url if head else settings().ray_address


def service_status(loaded: LoadedSpec) -> dict[str, Any]:
    """Return whether the embedded head runs, where, and the state of each application."""
    head = find_head(home_dir(loaded))
    if head is None:
        return {"running": False, "url": None, "dashboard_url": None, "metrics_targets": None, "applications": {}}
    serving = loaded.spec.serving
    return {
        "running": True,
        "url": f"http://{serving.host}:{serving.port}",
        "dashboard_url": head.dashboard_url,
        "metrics_targets": str(Path(head.ray_folder) / METRICS_TARGETS),
        "applications": application_states(head.dashboard_url),
    }
