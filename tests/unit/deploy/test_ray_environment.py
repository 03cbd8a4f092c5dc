"""The environment file for clusters says what `polyloop up` sets by itself, to the shell that reads it."""

import subprocess
from pathlib import Path

from polyloop.spec.settings import RAY_DEFAULTS

ENVIRONMENT = Path(__file__).resolve().parents[3] / "deploy" / "ray.env"
BY_ITSELF = {"PWD", "SHLVL", "_", "OLDPWD"}
"""What a shell adds."""


def test_the_environment_file_equals_what_the_embedded_head_gets():
    read = ["/bin/sh", "-c", f"set -a; . {ENVIRONMENT}; /usr/bin/env -0"]
    told = subprocess.run(read, env={}, check=True, capture_output=True, text=True).stdout
    variables = dict(line.split("=", 1) for line in told.split("\0") if line)

    assert {name: value for name, value in variables.items() if name not in BY_ITSELF} == dict(RAY_DEFAULTS)
