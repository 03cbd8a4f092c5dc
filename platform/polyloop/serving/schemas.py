"""Bodies of the API that belong to no task kind: listings, receipts and problems, as strict pydantic models.

What a task takes and answers is said by its kind (polyloop.tasks); feedback by polyloop.feedback.records.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue


class WireModel(BaseModel):
    """Base of the bodies: immutable, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class TaskInfo(WireModel):
    """What a task takes and serves now."""

    task: str
    """Name of the task."""
    kind: str
    """Kind of the task."""
    locales: list[str]
    """Locales of the task; for translate, of inputs and outputs."""
    pairs: list[str]
    """Language pairs, for translate."""
    labels: list[str]
    """Labels, for classify."""
    styles: list[str]
    """Styles, for generate."""
    max_input_tokens: int
    """Longest input that is answered."""
    champion: str | None
    """Version that answers, or null before the first promotion."""
    request_schema: dict[str, JsonValue]
    """JSON schema of the request body."""
    answer_schema: dict[str, JsonValue]
    """JSON schema of the answer."""


class TaskList(WireModel):
    """Every task of the project."""

    tasks: list[TaskInfo]
    """In the order of the spec."""


class VersionInfo(WireModel):
    """One model version."""

    task: str
    """Task that it answers."""
    version: str
    """Name, unique within the task."""
    state: str
    """training, published, rejected or failed."""
    champion: bool
    """True for the version that answers now."""
    parent: str | None
    """Version that it was trained on from, if any."""
    dataset_digest: str | None
    """Dataset that it was trained on."""
    metrics: dict[str, JsonValue]
    """Results on the holdout, per locale."""
    created_at: str
    """When training began, ISO 8601 in UTC."""


class ServedModel(WireModel):
    """A task that can be asked, as OpenAI's clients list models."""

    id: str
    """Name of the task: what the `model` of a request may be."""
    object: Literal["model"] = "model"
    """Kind of the body."""
    created: int
    """When training of its champion began, as Unix time in seconds."""
    owned_by: str = "polyloop"
    """Always polyloop."""
    kind: str
    """Ours: kind of the task."""
    version: str
    """Ours: its champion."""


class VersionList(WireModel):
    """Every model version of the project, and the tasks that can be asked in the form of OpenAI's list of models."""

    object: Literal["list"] = "list"
    """Kind of the body."""
    data: list[ServedModel]
    """Tasks with a champion, in the order of the spec."""
    models: list[VersionInfo]
    """Newest first."""


class StreamedPiece(WireModel):
    """Event `piece` of a streamed answer: some more of its output."""

    id: str
    """The answer's signed inference id."""
    version: str
    """Model version that answers."""
    text: str
    """Some more of the output."""


class FeedbackReceipt(WireModel):
    """Proof that a statement was committed to the store before this answer was sent."""

    feedback_id: str
    """Id of the stored statement."""


class CallerKey(WireModel):
    """The API key that asks."""

    key_id: str
    """Id, the second part of the key's text."""
    name: str
    """Name, which stands in the history of releases."""
    scopes: list[str]
    """What it may do; admin may do everything."""


class Health(WireModel):
    """How the service is."""

    status: str
    """ok, or not_ready."""
    reasons: dict[str, str]
    """Per task that cannot answer, why."""


class Problem(WireModel):
    """An error, as problem+json (RFC 9457)."""

    type: str = "about:blank"
    """Kind of problem; `code` tells more."""
    title: str
    """Name of the HTTP status."""
    status: int
    """HTTP status."""
    detail: str
    """What was wrong, with which value, and what to send instead."""
    code: str
    """Stable name of the error, for programs."""
    request_id: str | None = None
    """Id of the request in the server's log: the X-Request-Id that was sent, or one that was made."""
