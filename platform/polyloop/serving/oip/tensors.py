"""Tensors of the Open Inference Protocol into requests of our tasks, and answers into tensors.

Input: the input tensors of a request, or the answers to it. Output: one `TaskRequest` an input, or the output tensors.
Texts are BYTES tensors, which are JSON strings over REST. Errors: `ParameterError` (400) with the tensor that is wrong,
422 where a text does not fit its field.
"""

import json
from collections.abc import Mapping, Sequence
from math import prod

from pydantic import JsonValue, ValidationError

from polyloop.errors import ParameterError
from polyloop.serving.bodies import explain
from polyloop.serving.oip.schemas import MAX_INPUTS, InferenceInput, InferenceOutput, InferenceRequest, TensorMetadata
from polyloop.spec.models import TaskSpec
from polyloop.tasks import kind_of
from polyloop.tasks.base import TaskAnswer, TaskRequest

INPUT = "input"
BYTES = "BYTES"
FP64 = "FP64"

FIELDS_WITHOUT_TENSOR = frozenset({"messages"})
"""Fields of our requests that are no text."""

BINARY = frozenset({"binary_data", "binary_data_size", "binary_data_output"})
"""Parameters of the protocol's binary extension, which is not served."""


def input_names(task: TaskSpec) -> list[str]:
    """Return the names of the input tensors of a task: the fields of its request, `input` first."""
    fields = set(kind_of(task).request_model.model_fields) - FIELDS_WITHOUT_TENSOR - {INPUT}
    return [INPUT, *sorted(fields)]


def read_requests(body: InferenceRequest, task: TaskSpec) -> list[TaskRequest]:
    """Return one request an element of the tensor `input`; an empty text in another tensor means "not given"."""
    _refuse_binary(body)
    tensors = {tensor.name: tensor for tensor in body.inputs}
    known = input_names(task)
    unknown = sorted(tensors.keys() - set(known))
    if len(tensors) < len(body.inputs) or unknown or INPUT not in tensors:
        wrong = f"{unknown[0][:80]!r} is unknown" if unknown else "each once, `input` always"
        raise ParameterError(f"inputs: {wrong}; this task takes {', '.join(known)}", "inputs")
    texts = {name: _texts(tensor) for name, tensor in tensors.items()}
    count = len(texts[INPUT])
    if not 0 < count <= MAX_INPUTS:
        raise ParameterError(f"input: 1 to {MAX_INPUTS} inputs can be sent at once, not {count}", INPUT)
    columns = {name: _spread(name, column, count) for name, column in texts.items()}
    return [_request(task, {name: column[row] for name, column in columns.items()}) for row in range(count)]


def output_tensors(answers: Sequence[TaskAnswer], task: TaskSpec) -> list[InferenceOutput]:
    """Return all output tensors of the answers to one request."""
    return [
        InferenceOutput(
            name=one.name,
            datatype=one.datatype,
            shape=[len(answers), *one.shape[1:]],
            parameters=one.parameters,
            data=[element for answer in answers for element in _elements(one.name, answer, task)],
        )
        for one in output_metadata(task)
    ]


def output_metadata(task: TaskSpec) -> list[TensorMetadata]:
    """Return what the output tensors of a task are like."""
    fields = kind_of(task).answer_model.model_fields
    tensors = [_tensor(name) for name in ("output", "id", "locale", "target_locale") if name in fields]
    if "scores" in fields:
        names: dict[str, str | bool | int | float] = {"labels": json.dumps(list(task.labels), ensure_ascii=False)}
        shape = [-1, len(task.labels)]
        tensors += [_tensor("label"), TensorMetadata(name="scores", datatype=FP64, shape=shape, parameters=names)]
    if "confidence" in fields:
        tensors += [TensorMetadata(name="confidence", datatype=FP64, shape=[-1]), _tensor("citations")]
    if task.guardrails:
        tensors.append(_tensor("guardrails"))
    return tensors


def input_metadata(task: TaskSpec) -> list[TensorMetadata]:
    """Return what the input tensors of a task are like."""
    return [_tensor(name) for name in input_names(task)]


def _tensor(name: str) -> TensorMetadata:
    return TensorMetadata(name=name, datatype=BYTES, shape=[-1])


def _elements(name: str, answer: TaskAnswer, task: TaskSpec) -> list[JsonValue]:
    """Return the elements of one answer in one output tensor."""
    facts: dict[str, JsonValue] = answer.model_dump(mode="json")
    if name == "scores":
        scores = getattr(answer, "scores", {})
        return [scores[label] for label in task.labels]
    if name in ("citations", "guardrails"):
        return [json.dumps(facts[name] or [], ensure_ascii=False)]
    return [facts["output" if name == "label" else name]]


def _texts(tensor: InferenceInput) -> list[str]:
    """Return the elements of a BYTES tensor of shape [n] or [n, 1]."""
    name, shape = tensor.name, list(tensor.shape)
    if tensor.datatype != BYTES:
        raise ParameterError(f"{name}: the datatype is {BYTES}, not {tensor.datatype[:40]!r}", name)
    if not shape or min(shape) < 0 or shape[1:] not in ([], [1]):
        raise ParameterError(f"{name}: the shape is [n] or [n, 1], not {shape[:8]}", name)
    flat = [element for part in tensor.data for element in (part if isinstance(part, list) else [part])]
    if len(flat) != prod(shape):
        raise ParameterError(f"{name}: the shape {shape} has {prod(shape)} elements, the data {len(flat)}", name)
    texts = [element for element in flat if isinstance(element, str)]
    if len(texts) < len(flat):
        raise ParameterError(f"{name}: the elements of a {BYTES} tensor are strings", name)
    return texts


def _spread(name: str, column: list[str], count: int) -> list[str]:
    """Return one element an input, of a column that has as many or a single one for all."""
    if len(column) not in (1, count):
        raise ParameterError(f"{name}: send one element for all {count} inputs, or one for each", name)
    return column * count if len(column) == 1 else column


def _request(task: TaskSpec, texts: Mapping[str, str]) -> TaskRequest:
    given = {name: text for name, text in texts.items() if text or name == INPUT}
    try:
        return kind_of(task).request_model.model_validate(given)
    except ValidationError as error:
        problem = explain(error)
        place = str(next(iter(error.errors()[0]["loc"]), INPUT))
        raise ParameterError(problem.message, place, problem.status, problem.code) from None


def _refuse_binary(body: InferenceRequest) -> None:
    outputs = body.outputs or ()
    for parameters in (body.parameters, *(one.parameters for one in body.inputs), *(one.parameters for one in outputs)):
        asked = {name for name, value in (parameters or {}).items() if value is not False} & BINARY
        if asked:
            name = min(asked)
            raise ParameterError(f"{name}: binary tensor data is not served; send and take JSON", name)
