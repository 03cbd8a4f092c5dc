"""The environment file for clusters says what `polyloop up` sets by itself."""

from pathlib import Path

from polyloop.spec.settings import RAY_DEFAULTS

ENVIRONMENT = Path(__file__).resolve().parents[3] / "deploy" / "ray.env"


def test_the_environment_file_equals_what_the_embedded_head_gets():
    lines = [line for line in ENVIRONMENT.read_text().splitlines() if line and not line.startswith("#")]

    assert dict(line.split("=", 1) for line in lines) == dict(RAY_DEFAULTS)
