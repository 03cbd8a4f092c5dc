"""serve_config.yaml is what the code would deploy, and leaves no option of a deployment to chance."""

from pathlib import Path

import yaml

from polyloop.serving.config import config_text, serve_config
from polyloop.spec.loader import load_spec

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


def test_the_proxy_waits_longer_than_the_router():
    loaded = load_spec(REPOSITORY / SPEC)

    assert serve_config(loaded)["http_options"]["request_timeout_s"] > loaded.spec.serving.request_timeout_s
