"""serve_config.yaml is what the code would deploy, and leaves no option of a deployment to chance."""

from pathlib import Path
from typing import Any

import yaml

from polyloop.serving.app import router_with_tasks
from polyloop.serving.config import config_text, serve_config
from polyloop.serving.task_model import TaskModel
from polyloop.spec.loader import LoadedSpec, load_spec
from polyloop.spec.serving import TaskServing

REPOSITORY = Path(__file__).resolve().parents[3]
SPEC = "docs/examples/quickstart.yaml"


def test_the_repositorys_serve_config_is_up_to_date():
    written = yaml.safe_load((REPOSITORY / "serve_config.yaml").read_text())

    assert written == serve_config(load_spec(REPOSITORY / SPEC), spec=SPEC)


def test_the_text_reads_back_as_the_config_and_has_no_anchors():
    config = serve_config(load_spec(REPOSITORY / SPEC))
    text = config_text(config)

    assert yaml.safe_load(text) == config
    assert "&id" not in text


def test_every_deployment_has_limits_health_checks_and_surge_and_all_but_those_without_requests_scale():
    config = serve_config(load_spec(REPOSITORY / SPEC))
    deployments = [one for application in config["applications"] for one in application["deployments"]]

    for deployment in deployments:
        assert deployment["max_surge_percent"] == 100
        assert deployment["max_ongoing_requests"] >= 1
        assert deployment["health_check_timeout_s"] > deployment["health_check_period_s"]
        assert ("autoscaling_config" in deployment) == (deployment["name"] not in ("scheduler", "shadow"))


def test_a_model_in_the_router_has_no_deployment_and_the_application_agrees():
    loaded = load_spec(REPOSITORY / SPEC)
    task = loaded.spec.tasks["sentiment"]
    moved = task.model_copy(update={"serving": TaskServing(placement="router")})
    spec = loaded.spec.model_copy(update={"tasks": {**loaded.spec.tasks, "sentiment": moved}})
    changed = LoadedSpec(**{**vars(loaded), "spec": spec})

    names = {one["name"] for one in serve_config(changed)["applications"][0]["deployments"]}
    assert names == {"router", "task-localise"}
    assert serve_config(changed)["applications"][0]["args"]["in_router"] == "sentiment"
    arguments: Any = router_with_tasks(changed, TaskModel)._bound_deployment.init_args
    assert (set(arguments[1]), arguments[2]) == ({"localise"}, ("sentiment",))


def test_the_proxy_waits_longer_than_the_router():
    loaded = load_spec(REPOSITORY / SPEC)

    assert serve_config(loaded)["http_options"]["request_timeout_s"] > loaded.spec.serving.request_timeout_s
