"""What a user may say about an answer, as it comes in and as it is stored.

Input: the JSON body of POST /v1/feedback. Output: a `FeedbackRecord` ready for the writer.
Errors: pydantic's for a body of the wrong form; RequestError (422) where it does not fit its inference or task.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from polyloop.errors import RequestError
from polyloop.feedback.ids import MAX_LENGTH, InferenceClaim, digest_input, new_uuid7
from polyloop.spec.models import TaskSpec
from polyloop.tasks.labels import is_answer
from polyloop.tasks.text import normalise_text

MAX_CORRECTION_LENGTH = 20_000
MAX_COMMENT_LENGTH = 4_000
MAX_INPUT_LENGTH = 100_000
MAX_USER_LENGTH = 200
MAX_IDEMPOTENCY_KEY_LENGTH = 255
"""In characters."""


def _refuse_other_numbers(value: object) -> object:
    """Refuse true and 1.0, which Python takes for 1."""
    if value is not None and type(value) is not int:
        raise ValueError("a rating is the whole number 1 or -1")
    return value


Rating = Annotated[Literal[-1, 1], BeforeValidator(_refuse_other_numbers)]


class FeedbackRequest(BaseModel):
    """One user's statement on an inference: at least one of rating, correction and comment."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    inference_id: Annotated[str, Field(max_length=MAX_LENGTH)]
    """The `id` of the answer."""
    rating: Rating | None = None
    """1 for a good answer, -1 for a bad one."""
    correction: Annotated[str, Field(max_length=MAX_CORRECTION_LENGTH)] | None = None
    """What the answer should have been: a label, or a text."""
    comment: Annotated[str, Field(max_length=MAX_COMMENT_LENGTH)] | None = None
    """Anything else, for people to read."""
    input: Annotated[str, Field(max_length=MAX_INPUT_LENGTH)] | None = None
    """The input of the inference again; it makes the feedback usable where the platform keeps no input or lost it."""
    user: Annotated[str, Field(min_length=1, max_length=MAX_USER_LENGTH)] | None = None
    """Who says so, in the words of the calling application; one user per API key if absent."""

    @model_validator(mode="after")
    def _says_something(self) -> "FeedbackRequest":
        if self.rating is None and self.correction is None and self.comment is None:
            raise ValueError("feedback needs at least one of rating, correction and comment")
        return self


@dataclass(frozen=True, kw_only=True)
class FeedbackRecord:
    """A verified statement; `input` is set only where it has the digest that the claim proves."""

    feedback_id: UUID
    claim: InferenceClaim
    rating: int | None
    correction: str | None
    comment: str | None
    input: str | None
    user: str
    key_id: str
    idempotency_key: str | None
    body_digest: bytes
    created_at: datetime


def make_record(
    request: FeedbackRequest,
    claim: InferenceClaim,
    *,
    key_id: str,
    idempotency_key: str | None,
    signing_key: bytes,
    created_at: datetime,
) -> FeedbackRecord:
    """Return the record of a request whose `inference_id` gave `claim`.

    RequestError (422) for an input that is not the inference's, or an empty or over-long idempotency key.
    """
    if request.input is not None and digest_input(request.input, signing_key) != claim.input_digest:
        raise RequestError("`input` is not the input of this inference; leave it out or send it unchanged", 422)
    if idempotency_key is not None and not 0 < len(idempotency_key) <= MAX_IDEMPOTENCY_KEY_LENGTH:
        raise RequestError(f"an Idempotency-Key has 1 to {MAX_IDEMPOTENCY_KEY_LENGTH} characters", 422)
    return FeedbackRecord(
        feedback_id=new_uuid7(),
        claim=claim,
        rating=request.rating,
        correction=request.correction,
        comment=request.comment,
        input=request.input,
        user=f"{key_id}/{request.user or ''}",
        key_id=key_id,
        idempotency_key=idempotency_key,
        body_digest=hashlib.blake2b(request.model_dump_json().encode("utf-8"), digest_size=16).digest(),
        created_at=created_at,
    )


def check_correction(request: FeedbackRequest, task: TaskSpec) -> None:
    """Refuse a correction that can never be an answer of the task: RequestError (422) if it is not a label."""
    if task.labels and request.correction is not None:
        label = normalise_text(request.correction)
        if not is_answer(label, task.labels, has_label_sets=task.multi_label):
            labels = ", ".join(task.labels)
            wanted = "no JSON list, in alphabetical order, of labels" if task.multi_label else "not a label"
            raise RequestError(f"the correction {label[:80]!r} is {wanted}; labels are {labels}", 422, "not_a_label")
