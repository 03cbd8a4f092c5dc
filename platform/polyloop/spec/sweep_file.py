"""Reads a file that says what a sweep tries, with the spec's manner of telling mistakes.

Input: a path to YAML that holds what `tasks.NAME.sweep` would. Output: a `SweepSpec`.
"""

from pathlib import Path

from pydantic import ValidationError

from polyloop.errors import SpecError
from polyloop.spec.explain import explain
from polyloop.spec.sweep import SweepSpec
from polyloop.spec.yaml_source import parse


def load_sweep(path: Path) -> SweepSpec:
    """Return what the file says; SpecError explains every mistake in it with its line."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SpecError(f"{path}: the file cannot be read: {error.strerror}; name another with --space") from None
    source = parse(content, path, first_line="keys: {training.dropout: {low: 0.0, high: 0.3}}")
    try:
        return SweepSpec.model_validate(source.data)
    except ValidationError as error:
        raise SpecError(explain(error, source, path, top=SweepSpec)) from None
