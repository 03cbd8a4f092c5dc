"""What a sweep tries: which keys of a task's `model` and `training`, with which values, in how many trials.

Part of a task in polyloop.yaml (`sweep:`), or a file of its own. Each key is checked against the key's own limits when
the file is read. Keys that would change the dataset, say only where a run goes, or change what scores mean are
refused.
"""

import types
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Field, TypeAdapter, ValidationError, model_validator
from pydantic.fields import FieldInfo

from polyloop.spec.fields import Frozen
from polyloop.spec.network import ModelSpec
from polyloop.spec.training import TrainingSpec

Scalar = bool | int | float | str

PARTS: dict[str, type[BaseModel]] = {"model": ModelSpec, "training": TrainingSpec}
"""Parts of a task whose keys can be swept."""

_DATASET = "the dataset is built with it: set it in the spec, and sweep the other keys once for each value"
_PLACE = "it says how a run is carried out, not what comes out; set it in the spec"
REFUSED: dict[str, str] = {
    "model.pretrained": _DATASET,
    "model.vocab_size": _DATASET,
    "model.tokenizer": _DATASET,
    "model.shared_tokenizer": _DATASET,
    "model.max_input_tokens": _DATASET,
    "model.max_target_tokens": _DATASET,
    "training.select": "trials are compared by it; set it in the spec",
    **{
        f"training.{key}": _PLACE
        for key in (
            *("num_workers", "min_workers", "cpus_per_worker", "threads_per_worker", "use_gpu", "sharding"),
            *("checkpoint_every_s", "max_failures", "micro_batch_tokens", "compile", "activation_checkpointing"),
        )
    },
}
"""Keys that a sweep may not name, and why."""


class ValuesSpec(Frozen):
    """The values of one key: either `choices`, or everything from `low` to `high`."""

    choices: tuple[Scalar, ...] | None = None
    """The values themselves."""
    low: float | None = None
    """Least value of a range."""
    high: float | None = None
    """Greatest value of a range."""
    scale: Literal["linear", "log"] = "linear"
    """`log` draws powers evenly, as for learning rates."""

    @model_validator(mode="after")
    def _one_form(self) -> "ValuesSpec":
        is_range = self.low is not None and self.high is not None
        if (self.choices is not None) == is_range or (self.low is None) != (self.high is None):
            raise ValueError("a key needs either `choices`, or both `low` and `high`")
        if self.choices is not None and not self.choices:
            raise ValueError("`choices` is empty; name at least one value")
        if self.choices is not None and len({(type(one), one) for one in self.choices}) < len(self.choices):
            raise ValueError("`choices` has a value more than once; keep one")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"the range is empty: `low` is {self.low:g} and `high` is {self.high:g}; lower the one")
        if self.scale == "log" and (self.low is None or self.low <= 0):
            raise ValueError("`scale: log` is for ranges above 0; raise `low`, or write `scale: linear`")
        return self


class SweepSpec(Frozen):
    """Trials of a task with other settings, of which the best is kept."""

    keys: Annotated[dict[str, ValuesSpec], Field(min_length=1)]
    """Dotted keys of `model` and `training` and their values, such as training.learning_rate."""
    trials: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """How many settings are tried, the spec's own first; if absent, all combinations where there are choices alone,
    else 20."""
    stop_early: bool = True
    """True stops trials whose score is among the worst after the same number of epochs (asynchronous successive
    halving)."""
    grace_epochs: Annotated[int, Field(ge=1)] = 1
    """Epochs that each trial may run before it can be stopped."""
    reduction: Annotated[float, Field(gt=1, le=16)] = 3.0
    """Of the trials that reach a comparison, the best 1 / this go on; comparisons are this factor apart."""
    max_concurrent: Annotated[int, Field(ge=1)] | None = None
    """Trials at once; as many as the cluster's CPUs (or GPUs) hold if absent."""
    seed: Annotated[int, Field(ge=0, le=4_294_967_295)] = 17
    """Seed of what is drawn."""

    @model_validator(mode="after")
    def _keys_fit(self) -> "SweepSpec":
        for key, values in self.keys.items():
            _check_values(key, values, field_of(key))
        return self


def field_of(key: str) -> FieldInfo:
    """Return the field that a dotted key names; ValueError, with near names, for one that cannot be swept."""
    if key in REFUSED:
        raise ValueError(f"{key!r} cannot be swept: {REFUSED[key]}")
    names = sweepable_keys()
    if key not in names:
        close = get_close_matches(key, names, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else "keys begin with model. or training."
        raise ValueError(f"there is no key {key!r} to sweep; {hint}")
    return names[key]


def sweepable_keys() -> dict[str, FieldInfo]:
    """Return the dotted keys that a sweep may name, with their fields."""
    found: dict[str, FieldInfo] = {}
    for part, model in PARTS.items():
        found |= _keys_below(part, model)
    return {key: field for key, field in found.items() if key not in REFUSED}


def is_whole(field: FieldInfo) -> bool:
    """Return whether a field holds whole numbers."""
    return {int} == {kind for kind in _plain_types(field.annotation) if kind is not type(None)}


def _keys_below(prefix: str, model: type[BaseModel]) -> dict[str, FieldInfo]:
    found: dict[str, FieldInfo] = {}
    for name, field in model.model_fields.items():
        inner = next((one for one in _plain_types(field.annotation) if _is_model(one)), None)
        if inner is not None:
            found |= _keys_below(f"{prefix}.{name}", inner)
        elif get_origin(field.annotation) is not tuple:
            found[f"{prefix}.{name}"] = field
    return found


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _plain_types(annotation: Any) -> list[Any]:
    """Return the types that an annotation allows, without what limits them."""
    if get_origin(annotation) is Annotated:
        return _plain_types(get_args(annotation)[0])
    if get_origin(annotation) in {Union, types.UnionType}:
        return [kind for arm in get_args(annotation) for kind in _plain_types(arm)]
    return [annotation]


def _check_values(key: str, values: ValuesSpec, field: FieldInfo) -> None:
    if values.choices is None and not set(_plain_types(field.annotation)) & {int, float}:
        raise ValueError(f"{key!r} holds no numbers, so it has no range; write its values as `choices`")
    ends = [end for end in (values.low, values.high) if end is not None]
    checked: list[Any] = list(values.choices) if values.choices is not None else ends
    if is_whole(field) and values.choices is None:
        if any(end != int(end) for end in ends):
            raise ValueError(f"{key!r} holds whole numbers; write whole numbers as `low` and `high`")
        checked = [int(end) for end in ends]
    limited: Any = Annotated[field.annotation, *field.metadata, Field()]
    adapter: TypeAdapter[Any] = TypeAdapter(limited)
    for value in checked:
        try:
            adapter.validate_python(value)
        except ValidationError as error:
            reason = error.errors(include_url=False)[0]["msg"]
            raise ValueError(f"{key!r} may not be {value!r}: {reason[:1].lower()}{reason[1:]}") from None
