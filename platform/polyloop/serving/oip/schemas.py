"""Bodies of the Open Inference Protocol v2, as pydantic models.

Source: https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md and the
OpenAPI document beside it, open_inference_rest.yaml. Names of the schemas follow it, in our spelling.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from polyloop.serving.schemas import WireModel

MAX_INPUTS = 64
"""Most inputs of one request."""

Parameters = dict[str, str | bool | int | float]
"""As the protocol has it: flat."""


class _Lenient(BaseModel):
    """Base of requests: immutable, and further keys ignored, since extensions of the protocol add some.

    Their lists are read up to the first element that is wrong: errors of a long list would hold up all other requests.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True)


class InferenceInput(_Lenient):
    """One input tensor."""

    name: str
    """input, or the name of another field of the task's request, such as locale."""
    shape: Annotated[tuple[int, ...], Field(fail_fast=True)]
    """[n] or [n, 1]; for fields besides the input also [1], which stands for all inputs."""
    datatype: str
    """BYTES."""
    parameters: Parameters | None = None
    """Of no effect; binary data is refused."""
    data: list[JsonValue] = Field(default=[], max_length=10_000)
    """The texts, flat or nested, in row-major order."""


class InferenceOutputChoice(_Lenient):
    """An output tensor that is wanted."""

    name: str
    """Its name."""
    parameters: Parameters | None = None
    """Of no effect; binary data is refused."""


class InferenceRequest(_Lenient):
    """Inputs to answer."""

    id: str | None = None
    """Comes back with the response."""
    parameters: Parameters | None = None
    """Of no effect; binary data is refused."""
    inputs: Annotated[tuple[InferenceInput, ...], Field(fail_fast=True)]
    """The tensor `input`, and others besides."""
    outputs: Annotated[tuple[InferenceOutputChoice, ...], Field(fail_fast=True)] | None = None
    """Output tensors that are wanted; all if absent."""


class InferenceOutput(WireModel):
    """One output tensor."""

    name: str
    """Its name."""
    shape: list[int]
    """[n], or [n, number of labels] for scores."""
    datatype: str
    """BYTES or FP64."""
    parameters: Parameters | None = None
    """For scores: `labels`, a JSON list of their names in the tensor's order."""
    data: list[JsonValue]
    """The elements, flat, in row-major order."""


class InferenceResponse(WireModel):
    """The answers."""

    model_name: str
    """Name of the task."""
    model_version: str | None = None
    """Version that answered; absent where several did, and the `id`s then say which answered what."""
    id: str | None = None
    """The request's, if it had one."""
    parameters: Parameters
    """input_tokens and output_tokens of all answers together."""
    outputs: list[InferenceOutput]
    """The tensors."""


class TensorMetadata(WireModel):
    """What a tensor is like."""

    name: str
    """Its name."""
    datatype: str
    """BYTES or FP64."""
    shape: list[int]
    """-1 stands for the number of inputs."""
    parameters: Parameters | None = None
    """For scores: `labels`, a JSON list of their names in the tensor's order."""


class ModelMetadata(WireModel):
    """What a task takes and gives."""

    name: str
    """Name of the task."""
    versions: list[str]
    """The champion: the one version that can be asked for by name. Empty before the first promotion."""
    platform: str
    """polyloop_ and the kind of the task."""
    inputs: list[TensorMetadata]
    """The tensors of a request; all but the first may be left out."""
    outputs: list[TensorMetadata]
    """The tensors of a response."""


class ServerMetadata(WireModel):
    """What this server is."""

    name: str
    """polyloop."""
    version: str
    """Version of Polyloop."""
    extensions: list[str]
    """Extensions of the protocol: none."""


class ServerLive(WireModel):
    """Whether the server runs."""

    live: bool
    """Always true where there is an answer."""


class ServerReady(WireModel):
    """Whether every task can answer."""

    ready: bool
    """False comes with the status 503."""


class ModelReady(WireModel):
    """Whether a task can answer."""

    name: str
    """Name of the task."""
    ready: bool
    """False comes with the status 503."""


class InferenceError(WireModel):
    """An error, in the protocol's shape."""

    error: str
    """What was wrong, with which value, and what to send instead."""
    code: str
    """Ours: stable name of the error, for programs."""
