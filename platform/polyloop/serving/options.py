"""How each deployment runs: every option that Serve would leave at a default meant for nobody is set here.

Input: the spec's serving parts. Output: plain dictionaries, the same for the applications built in code and for the
config file that `serve deploy` reads.
"""

from typing import Any

from polyloop.serving.scaling import POLICY
from polyloop.spec.models import Spec, TaskSpec
from polyloop.spec.serving import ServingSpec, TaskServing

ROUTER, COLLECTOR, SCHEDULER, SHADOW = "router", "collector", "scheduler", "shadow"
PROXY_GRACE_S = 5.0
"""The proxy waits longer than the router, so that the router's own answer to a timeout arrives."""
INGRESS_MAX_ONGOING = 256
INGRESS_TARGET_ONGOING = 64.0
MAX_QUEUED_PER_CALLER = 1_024
HEALTH_CHECK_PERIOD_S = 1.0
"""Serve looks for replicas that died only when it checks their health, so this is how long nobody replaces one."""
HEALTH_CHECK_TIMEOUT_S = 30.0
SHUTDOWN_WAIT_S = 1.0
SHUTDOWN_TIMEOUT_S = 30.0
INGRESS_SHUTDOWN_TIMEOUT_S = 50.0
"""Behind HAProxy, Serve has a router or collector that is to stop take requests for 30 s more (its direct ingress's
drain); only then is it closed, and writes its log and takes its models out of the presence table."""
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


def in_replicas(spec: Spec) -> dict[str, TaskSpec]:
    """Return the tasks that have a deployment of their own."""
    return {name: task for name, task in spec.tasks.items() if task.serving.placement == "replicas"}


def in_router(spec: Spec) -> dict[str, TaskSpec]:
    """Return the tasks whose models live in the router's processes."""
    return {name: task for name, task in spec.tasks.items() if task.serving.placement == "router"}


def task_options(serving: TaskServing) -> dict[str, Any]:
    """Return the Serve options of a task's deployment."""
    return {
        **_COMMON,
        "max_ongoing_requests": serving.max_ongoing_requests,
        "max_queued_requests": MAX_QUEUED_PER_CALLER,
        "autoscaling_config": {
            **_autoscaling(serving.min_replicas, serving.max_replicas, serving.target_ongoing_requests),
            "policy": {"policy_function": POLICY},
        },
        "ray_actor_options": {"num_cpus": serving.num_cpus, "num_gpus": serving.num_gpus},
    }


def ingress_options(serving: ServingSpec) -> dict[str, Any]:
    """Return the Serve options of the router and of the collector."""
    return {
        **_COMMON,
        "graceful_shutdown_timeout_s": INGRESS_SHUTDOWN_TIMEOUT_S,
        "max_ongoing_requests": INGRESS_MAX_ONGOING,
        "autoscaling_config": _autoscaling(
            serving.router_min_replicas, serving.router_max_replicas, INGRESS_TARGET_ONGOING
        ),
        "ray_actor_options": {"num_cpus": serving.router_num_cpus},
    }


def background_options() -> dict[str, Any]:
    """Return the Serve options of the scheduler and of the shadow worker; they take no requests and reserve no CPU."""
    return {**_COMMON, "num_replicas": 1, "max_ongoing_requests": 4, "ray_actor_options": {"num_cpus": 0.0}}


def task_deployment(task: str) -> str:
    """Return the name of a task's deployment."""
    return f"task-{task}"


def _autoscaling(min_replicas: int, max_replicas: int, target: float) -> dict[str, Any]:
    return {
        "min_replicas": min_replicas,
        "max_replicas": max_replicas,
        "target_ongoing_requests": target,
        "upscale_delay_s": UPSCALE_DELAY_S,
        "downscale_delay_s": DOWNSCALE_DELAY_S,
    }
