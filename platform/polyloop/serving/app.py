"""The Serve applications: what `serve deploy serve_config.yaml` and `polyloop up` build.

Three applications, so that each has its own life: `polyloop` (router and one deployment per task, at /),
`polyloop-feedback` (the collector, at /v1/feedback, an ingress of its own so that feedback needs no hop) and
`polyloop-scheduler` (no route). Input of each builder: `{"spec": path}`, absolute or relative to the working folder of
the Ray processes; without it, POLYLOOP_SPEC. Every option that Serve would leave at a default meant for nobody is set.
"""

from pathlib import Path
from typing import Any

from ray import serve
from ray.serve import Application

from polyloop.retraining.scheduler import Scheduler
from polyloop.serving.collector import CollectorIngress
from polyloop.serving.router import RouterIngress
from polyloop.serving.task_model import TaskModel
from polyloop.spec.loader import LoadedSpec, load_spec
from polyloop.spec.models import ServingSpec, TaskServing
from polyloop.spec.settings import settings

ROUTER, COLLECTOR, SCHEDULER = "router", "collector", "scheduler"
PROXY_GRACE_S = 5.0
"""The proxy waits longer than the router, so that the router's own answer to a timeout arrives."""
INGRESS_MAX_ONGOING = 256
INGRESS_TARGET_ONGOING = 64.0
MAX_QUEUED_PER_CALLER = 1_024
HEALTH_CHECK_PERIOD_S = 5.0
HEALTH_CHECK_TIMEOUT_S = 30.0
SHUTDOWN_WAIT_S = 1.0
SHUTDOWN_TIMEOUT_S = 30.0
UPSCALE_DELAY_S = 5.0
DOWNSCALE_DELAY_S = 120.0
MAX_SURGE_PERCENT = 100
"""A rollout starts the new replicas before it stops the old ones; Serve's default of 0 would stop first."""

_COMMON: dict[str, Any] = {
    "health_check_period_s": HEALTH_CHECK_PERIOD_S,
    "health_check_timeout_s": HEALTH_CHECK_TIMEOUT_S,
    "graceful_shutdown_wait_loop_s": SHUTDOWN_WAIT_S,
    "graceful_shutdown_timeout_s": SHUTDOWN_TIMEOUT_S,
    "max_surge_percent": MAX_SURGE_PERCENT,
}


def build(args: dict[str, str]) -> Application:
    """Return the router with one deployment per task of the spec."""
    loaded = _loaded(args)
    tasks = {
        name: serve.deployment(name=task_deployment(name), **task_options(task.serving))(TaskModel).bind(
            str(loaded.path), name
        )
        for name, task in loaded.spec.tasks.items()
    }
    router = serve.deployment(name=ROUTER, **ingress_options(loaded.spec.serving))(RouterIngress)
    return router.bind(str(loaded.path), tasks)


def build_feedback(args: dict[str, str]) -> Application:
    """Return the feedback collector."""
    loaded = _loaded(args)
    collector = serve.deployment(name=COLLECTOR, **ingress_options(loaded.spec.serving))(CollectorIngress)
    return collector.bind(str(loaded.path))


def build_scheduler(args: dict[str, str]) -> Application:
    """Return the retraining scheduler: one replica, which Serve restarts if it dies."""
    loaded = _loaded(args)
    return serve.deployment(name=SCHEDULER, **scheduler_options())(Scheduler).bind(str(loaded.path))


def task_options(serving: TaskServing) -> dict[str, Any]:
    """Return the Serve options of a task's deployment."""
    return {
        **_COMMON,
        "max_ongoing_requests": serving.max_ongoing_requests,
        "max_queued_requests": MAX_QUEUED_PER_CALLER,
        "autoscaling_config": _autoscaling(serving.min_replicas, serving.max_replicas, serving.target_ongoing_requests),
        "ray_actor_options": {"num_cpus": serving.num_cpus, "num_gpus": serving.num_gpus},
    }


def ingress_options(serving: ServingSpec) -> dict[str, Any]:
    """Return the Serve options of the router and of the collector."""
    return {
        **_COMMON,
        "max_ongoing_requests": INGRESS_MAX_ONGOING,
        "autoscaling_config": _autoscaling(
            serving.router_min_replicas, serving.router_max_replicas, INGRESS_TARGET_ONGOING
        ),
        "ray_actor_options": {"num_cpus": serving.router_num_cpus},
    }


def scheduler_options() -> dict[str, Any]:
    """Return the Serve options of the scheduler; it takes no requests."""
    return {**_COMMON, "num_replicas": 1, "max_ongoing_requests": 4, "ray_actor_options": {"num_cpus": 0.0}}


def task_deployment(task: str) -> str:
    """Return the name of a task's deployment."""
    return f"task-{task}"


def serve_config(loaded: LoadedSpec, *, spec: str | None = None) -> dict[str, Any]:
    """Return the Serve config that deploys a spec: what serve_config.yaml holds for the quickstart.

    Every deployment's options are written out, so that they can be read and changed in one place. `spec` is the path
    that the cluster's processes read the spec from, if it is not the one it was loaded from.
    """
    serving = loaded.spec.serving
    args = {"spec": spec or str(loaded.path)}
    tasks = [{"name": task_deployment(name), **task_options(task.serving)} for name, task in loaded.spec.tasks.items()]
    router = {"name": ROUTER, **ingress_options(serving)}
    collector = {"name": COLLECTOR, **ingress_options(serving)}
    scheduler = {"name": SCHEDULER, **scheduler_options()}
    return {
        "proxy_location": "EveryNode",
        "http_options": {
            "host": serving.host,
            "port": serving.port,
            "request_timeout_s": serving.request_timeout_s + PROXY_GRACE_S,
        },
        "logging_config": {"enable_access_log": False},
        "applications": [
            _application("polyloop", "/", "build", args, [router, *tasks]),
            _application("polyloop-feedback", "/v1/feedback", "build_feedback", args, [collector]),
            _application("polyloop-scheduler", None, "build_scheduler", args, [scheduler]),
        ],
    }


def _application(
    name: str, route_prefix: str | None, builder: str, args: dict[str, str], deployments: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "name": name,
        "route_prefix": route_prefix,
        "import_path": f"polyloop.serving.app:{builder}",
        "args": dict(args),
        "deployments": deployments,
    }


def _autoscaling(min_replicas: int, max_replicas: int, target: float) -> dict[str, Any]:
    return {
        "min_replicas": min_replicas,
        "max_replicas": max_replicas,
        "target_ongoing_requests": target,
        "upscale_delay_s": UPSCALE_DELAY_S,
        "downscale_delay_s": DOWNSCALE_DELAY_S,
    }


def _loaded(args: dict[str, str]) -> LoadedSpec:
    return load_spec(Path(args["spec"]) if "spec" in args else settings().spec)
