"""What a converted model computes with, and how CTranslate2 loads one.

Input: a folder that `convert` made. Output: one of the library's models. Errors: ArtefactError for a folder that cannot
be loaded, ModelError for numbers that this machine does not compute with.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import ctranslate2

from polyloop.errors import ArtefactError, ModelError, first_line
from polyloop.models.engines.processors import OVERFLOW, int8_overflows
from polyloop.models.manifest import ComputeType


@dataclass(frozen=True, kw_only=True)
class Computing:
    """What a converted model computes with."""

    compute_type: ComputeType = "float32"
    """Numbers that the weights are turned into when they are loaded."""
    threads: int
    """Threads of one call."""
    calls: int = 1
    """Calls that are computed at the same time; each takes `threads` of its own, the weights are shared."""
    device: Literal["cpu", "cuda"] = "cpu"


def load_converted(model_class: Any, folder: Path, computing: Computing) -> Any:
    """Return the converted model in a folder as a `model_class` of the library."""
    supported = ctranslate2.get_supported_compute_types(computing.device)
    if computing.compute_type not in supported:
        raise ModelError(
            f"this machine cannot compute in {computing.compute_type!r} on {computing.device}, only in "
            f"{', '.join(sorted(supported))}"
        )
    if computing.compute_type == "int8" and computing.device == "cpu" and int8_overflows():
        raise ModelError(f"{OVERFLOW}: only float32 is exact here")
    try:
        return model_class(
            str(folder),
            computing.device,
            compute_type=computing.compute_type,
            intra_threads=computing.threads,
            inter_threads=computing.calls,
        )
    except (RuntimeError, ValueError) as error:
        raise ArtefactError(f"the converted model at {folder} cannot be loaded: {first_line(error)}") from error
