"""What a service answers, as the client's own objects.

They are not the server's models: a client must go on working when a newer server sends more, so unknown keys are kept
out and what only some kinds of tasks have may be absent. A test holds both to the same fields.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True, protected_namespaces=())


class Usage(_Body):
    """Tokens that one answer took."""

    input_tokens: int
    """Tokens read."""
    output_tokens: int
    """Tokens written; 0 for classify."""


class Citation(_Body):
    """Where an answer out of documents stands; offsets count characters of the document."""

    document_id: str
    """Name of the document."""
    source: str
    """What people call it."""
    locale: str
    """Locale of the document."""
    passage_start: int
    """First character of the passage that was read."""
    passage_end: int
    """One past its last character."""
    start: int
    """First cited character."""
    end: int
    """One past the last cited character."""
    score: float
    """How sure the reader is of this place; only scores of one answer compare."""


class Fired(_Body):
    """A guardrail that met something, which went on all the same."""

    guard: str
    """Which guardrail, such as personal_data."""
    on: str
    """The text that it was in: input or output."""
    action: str
    """`mask` where it was replaced, `flag` where it was only noted."""
    count: int
    """How many places."""


class Answer(_Body):
    """One answered request."""

    id: str
    """Signed inference id; `feedback` refers to it."""
    task: str
    """Name of the task."""
    locale: str
    """Locale of the input, as told or detected; `und` when it cannot be told."""
    version: str
    """Model version that answered."""
    output: str
    """The answer: a label, or a text; empty where documents hold none."""
    usage: Usage
    """Tokens read and written."""
    latency_ms: float
    """Time inside the service, in milliseconds."""
    target_locale: str | None = None
    """Locale of the output, for translate."""
    scores: dict[str, float] | None = None
    """Probability of each label, for classify."""
    citations: tuple[Citation, ...] | None = None
    """What backs the answer, best first, for answer."""
    confidence: float | None = None
    """Chance that the answer is right, 0 to 1, for answer."""
    guardrails: tuple[Fired, ...] | None = None
    """What guardrails met in input and output; None where they met nothing."""


class Receipt(_Body):
    """Proof that feedback was committed to the store."""

    feedback_id: str
    """Id of the stored statement."""


class Task(_Body):
    """What a task takes and serves now."""

    task: str
    """Name of the task."""
    kind: str
    """Kind of the task."""
    locales: tuple[str, ...]
    """Locales of the task."""
    pairs: tuple[str, ...]
    """Language pairs, for translate."""
    labels: tuple[str, ...]
    """Labels, for classify."""
    styles: tuple[str, ...] = ()
    """Styles, for generate."""
    max_input_tokens: int
    """Longest input that is answered."""
    champion: str | None
    """Version that answers, or None before the first promotion."""
    request_schema: dict[str, Any]
    """JSON schema of the request body."""
    answer_schema: dict[str, Any]
    """JSON schema of the answer."""


class TaskList(_Body):
    """Body of GET /v1/tasks."""

    tasks: tuple[Task, ...]
    """In the order of the spec."""


class ModelVersion(_Body):
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
    metrics: dict[str, Any]
    """Results on the holdout, per locale."""
    created_at: str
    """When training began, ISO 8601 in UTC."""


class ModelList(_Body):
    """Body of GET /v1/models."""

    models: tuple[ModelVersion, ...]
    """Newest first."""


class Health(_Body):
    """How the service is."""

    status: str
    """ok, or not_ready."""
    reasons: dict[str, str]
    """Per task that cannot answer, why."""

    @property
    def is_ready(self) -> bool:
        """Return whether every task can answer."""
        return self.status == "ok"


class Piece(_Body):
    """Event `piece` of a stream."""

    text: str
    """Some more of the output."""


class Problem(_Body):
    """An error, as problem+json (RFC 9457)."""

    status: int
    """HTTP status."""
    detail: str
    """What was wrong, with which value, and what to send instead."""
    code: str
    """Stable name of the error."""
    request_id: str | None = None
    """The X-Request-Id that was sent, by which the server's log knows a request that failed."""
