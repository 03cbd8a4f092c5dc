"""What Serve is told about each deployment, and that building it loads no model code."""

import subprocess
import sys
from typing import Any

import pytest
from ray.serve.schema import ServeDeploySchema

from polyloop.serving.app import build, build_feedback, build_scheduler, build_shadow
from polyloop.serving.config import serve_config
from polyloop.serving.options import ingress_options, task_options
from polyloop.spec.loader import LoadedSpec


def test_the_config_is_one_that_serve_takes(loaded: LoadedSpec) -> None:
    schema = ServeDeploySchema.model_validate(serve_config(loaded))
    assert [(app.name, app.route_prefix) for app in schema.applications] == [
        ("polyloop", "/"),
        ("polyloop-feedback", "/v1/feedback"),
        ("polyloop-scheduler", None),
        ("polyloop-shadow", None),
    ]


def test_every_builder_gives_an_application(loaded: LoadedSpec) -> None:
    arguments = {"spec": str(loaded.path)}
    builders = (build, build_feedback, build_scheduler, build_shadow)
    names = [builder(arguments)._bound_deployment.name for builder in builders]
    assert names == ["router", "collector", "scheduler", "shadow"]


def test_no_option_that_matters_is_left_to_serves_defaults(loaded: LoadedSpec) -> None:
    options: list[dict[str, Any]] = [
        task_options(loaded.spec.tasks["mood"].serving),
        ingress_options(loaded.spec.serving),
    ]
    for chosen in options:
        assert chosen["max_surge_percent"] == 100
        assert chosen["max_ongoing_requests"] > 5
        assert {"health_check_period_s", "graceful_shutdown_timeout_s", "autoscaling_config"} <= chosen.keys()
    assert options[0]["max_queued_requests"] > 0


@pytest.mark.parametrize(
    "module",
    [
        "polyloop.serving.app",
        "polyloop.serving.shadow_service",
        "polyloop.retraining.scheduler",
        "polyloop.serving.embedded",
    ],
)
def test_processes_that_answer_with_no_model_load_no_model_code(module: str) -> None:
    code = f"import sys, {module}; print([name for name in ('torch', 'transformers') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
