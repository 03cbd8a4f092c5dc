"""Which engine answers for a version: what its manifest names, unless the spec asks for another. Pure.

Inputs: the manifest's note and what the spec asks for. Output: an engine and a numeric type, and why it is not what the
spec asks for, where it is not. CTranslate2 answers only in a type whose answers were compared with PyTorch's when the
version was published; here it computes on the CPU, so that PyTorch answers where replicas have GPUs.
"""

from dataclasses import dataclass
from typing import Literal

from polyloop.models.manifest import ComputeType, EngineName, EngineNote
from polyloop.spec.serving import TaskServing

PYTORCH_TYPE: ComputeType = "float32"
"""What PyTorch computes in here."""


@dataclass(frozen=True, kw_only=True)
class EngineWish:
    """What the spec asks for; the fields are those of the same name under `tasks.NAME.serving`."""

    engine: Literal["auto", "pytorch", "ctranslate2"] = "auto"
    compute_type: Literal["auto", "float32", "int8"] = "auto"

    def __str__(self) -> str:
        return self.engine if self.compute_type == "auto" else f"{self.engine} {self.compute_type}"


ANY_ENGINE = EngineWish()
"""Asks for no engine, so that the version's own answers."""


@dataclass(frozen=True, kw_only=True)
class EngineChoice:
    """An engine and the numbers that it computes with."""

    engine: EngineName = "pytorch"
    compute_type: ComputeType = PYTORCH_TYPE
    regret: str = ""
    """Why it is not what the spec asks for; empty where it is."""

    def __str__(self) -> str:
        return f"{self.engine} {self.compute_type}"


def wish_of(serving: TaskServing) -> EngineWish:
    """Return what a task's spec asks for; by asking for GPUs it asks for PyTorch."""
    if serving.num_gpus:
        return EngineWish(engine="pytorch")
    return EngineWish(engine=serving.engine, compute_type=serving.compute_type)


def choose(note: EngineNote | None, wish: EngineWish) -> EngineChoice:
    """Return the engine for a version with this note (None for versions without one)."""
    if wish.engine == "pytorch":
        return EngineChoice()
    is_asked_for = wish.engine == "ctranslate2"
    if note is None or note.engine == "pytorch":
        return EngineChoice(regret=f"the version has no converted model: {_why_none(note)}" if is_asked_for else "")
    usable = {trial.compute_type: trial for trial in note.trials if trial.engine == note.engine and trial.may_serve}
    if wish.compute_type in ("auto", note.compute_type):
        return EngineChoice(engine=note.engine, compute_type=note.compute_type)
    if wish.compute_type in usable:
        return EngineChoice(engine=note.engine, compute_type=wish.compute_type)
    return EngineChoice(
        engine=note.engine,
        compute_type=note.compute_type,
        regret=f"the version may not compute in {wish.compute_type}: {_why_left_out(note, wish.compute_type)}",
    )


def _why_none(note: EngineNote | None) -> str:
    return "it was made before there was one; train it again" if note is None else note.reason


def _why_left_out(note: EngineNote, compute_type: str) -> str:
    refusals = [reason for trial in note.trials if trial.compute_type == compute_type for reason in trial.refusals]
    return "; ".join(refusals) or "it was not tried"
