"""The Serve applications: what `serve deploy serve_config.yaml` and `polyloop up` build.

Four applications, so that each has its own life: `polyloop` (router and one deployment per task, at /),
`polyloop-feedback` (the collector, at /v1/feedback, an ingress of its own so that feedback needs no hop),
`polyloop-scheduler` and `polyloop-shadow` (no route). Input of each builder: `{"spec": path}`, absolute or relative to
the working folder of the Ray processes; without it, POLYLOOP_SPEC. What else a config gives them only tells Serve what
changed.
"""

from pathlib import Path

from ray import serve
from ray.serve import Application

from polyloop.retraining.scheduler import Scheduler
from polyloop.serving import options
from polyloop.serving.collector import CollectorIngress
from polyloop.serving.router import RouterIngress
from polyloop.serving.shadow_service import ShadowService
from polyloop.serving.task_model import TaskModel
from polyloop.serving.task_replica import TaskReplica
from polyloop.spec.loader import LoadedSpec, load_spec
from polyloop.spec.settings import settings


def build(args: dict[str, str]) -> Application:
    """Return the router with one deployment per task of the spec, but for those whose models live in the router."""
    return router_with_tasks(loaded_spec(args), TaskModel)


def router_with_tasks(loaded: LoadedSpec, task_model: type[TaskModel]) -> Application:
    """Return the router with `task_model` for each task of the spec, in a deployment of its own or in the router."""
    tasks = {
        name: serve.deployment(name=options.task_deployment(name), **options.task_options(task.serving))(
            TaskReplica
        ).bind(str(loaded.path), name, task_model)
        for name, task in options.in_replicas(loaded.spec).items()
    }
    router = serve.deployment(name=options.ROUTER, **options.ingress_options(loaded.spec.serving))(RouterIngress)
    return router.bind(str(loaded.path), tasks, tuple(options.in_router(loaded.spec)), task_model)


def build_feedback(args: dict[str, str]) -> Application:
    """Return the feedback collector."""
    loaded = loaded_spec(args)
    collector = serve.deployment(name=options.COLLECTOR, **options.ingress_options(loaded.spec.serving))(
        CollectorIngress
    )
    return collector.bind(str(loaded.path))


def build_scheduler(args: dict[str, str]) -> Application:
    """Return the retraining scheduler: one replica, which Serve restarts if it dies."""
    loaded = loaded_spec(args)
    return serve.deployment(name=options.SCHEDULER, **options.background_options())(Scheduler).bind(str(loaded.path))


def build_shadow(args: dict[str, str]) -> Application:
    """Return the shadow worker: one replica, which answers no one."""
    loaded = loaded_spec(args)
    return serve.deployment(name=options.SHADOW, **options.background_options())(ShadowService).bind(str(loaded.path))


def loaded_spec(args: dict[str, str]) -> LoadedSpec:
    """Return the spec that a builder's arguments name."""
    return load_spec(Path(args["spec"]) if "spec" in args else settings().spec)
