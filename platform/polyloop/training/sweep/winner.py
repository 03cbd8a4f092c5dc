"""Writes the winner of a sweep as a whole spec: the original file with its values, comments kept where possible.

Input: the loaded spec and the result. Output: a file beside the original, since relative paths start at its folder. It
is read again and compared with what was trained before it is left there.
"""

import os
import uuid
from dataclasses import dataclass
from pathlib import Path

from polyloop.errors import SpecError
from polyloop.models.storage import named_storage_errors
from polyloop.spec.loader import LoadedSpec, load_spec
from polyloop.spec.yaml_edit import edit
from polyloop.training.sweep.results import SweepResult, changed_settings
from polyloop.training.sweep.space import task_with


@dataclass(frozen=True, kw_only=True)
class WrittenSpec:
    """The winner's spec."""

    path: Path
    keeps_comments: bool
    """False where the layout of the original made it necessary to write the file anew."""


def default_path(spec: Path) -> Path:
    """Return the name of the winner's spec, beside the original: polyloop.swept.yaml for polyloop.yaml."""
    return spec.with_name(f"{spec.stem}.swept{spec.suffix or '.yaml'}")


def check_place(loaded: LoadedSpec, output: Path) -> None:
    """SpecError for a place that cannot hold the winner's spec."""
    output = output.resolve()
    if output == loaded.path:
        raise SpecError(f"{output} is the spec itself; name another file, so that nothing is lost")
    if output.parent != loaded.root:
        raise SpecError(f"{output}: relative paths of a spec start at its folder; name a file in {loaded.root}")


def write_winner(loaded: LoadedSpec, result: SweepResult, output: Path) -> WrittenSpec:
    """Write the spec and return where it is; SpecError for a place that cannot hold it."""
    check_place(loaded, output)
    output = output.resolve()
    changes = {("tasks", result.task, *key.split(".")): value for key, value in changed_settings(result).items()}
    edited = edit(loaded.path.read_bytes().decode("utf-8-sig"), changes, loaded.path)
    text = f"{_note(loaded, result)}\n{edited.text}"
    staging = output.with_name(f".{output.name}-{uuid.uuid4().hex}")
    try:
        with named_storage_errors(f"to {output}"):
            staging.write_text(text, encoding="utf-8")
            expected = task_with(loaded.task(result.task), result.winner.settings)
            if load_spec(staging).task(result.task) != expected:
                raise SpecError(f"{output}: the winner's values do not read back as what was trained")
            os.replace(staging, output)
    finally:
        staging.unlink(missing_ok=True)
    return WrittenSpec(path=output, keeps_comments=edited.keeps_comments)


def _note(loaded: LoadedSpec, result: SweepResult) -> str:
    winner = result.winner
    figure = (
        f"dev accuracy {winner.dev_accuracy:.4f}" if result.select == "accuracy" else f"dev loss {winner.dev_loss:.4f}"
    )
    return (
        f"# From {loaded.path.name} by `polyloop model sweep {result.task}`: {winner.name} of {len(result.trials)} "
        f"trials, {figure} after epoch {winner.best_epoch}."
    )
