"""Results are kept apart by the engine that the spec asks for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from polyloop.retraining.evaluations import evaluation_dir
from polyloop.spec.loader import load_spec


@pytest.mark.parametrize(
    ("serving", "suffix"),
    [
        ({}, ""),
        ({"engine": "pytorch"}, "-pytorch-auto"),
        ({"engine": "ctranslate2", "compute_type": "int8"}, "-ctranslate2-int8"),
        ({"num_gpus": 1}, "-pytorch-auto"),
        ({"threads": 2}, ""),
    ],
)
def test_results_by_another_engine_than_the_versions_own_have_a_folder_of_their_own(
    write_spec: Callable[[dict[str, Any]], Path], spec_data: dict[str, Any], serving: dict[str, Any], suffix: str
) -> None:
    spec_data["tasks"]["to-german"]["serving"] = serving
    loaded = load_spec(write_spec(spec_data))
    folder = evaluation_dir(loaded, "to-german", "v2", "a" * 64)
    assert folder == loaded.artefacts_dir / "evaluations" / "to-german" / f"v2-{'a' * 16}{suffix}"
