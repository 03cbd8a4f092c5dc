"""Whatever body comes, it is read or refused with a 4xx that says why, for every protocol and kind of task."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import pytest
from fastapi import Request
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from starlette.types import Message
from tests.support.outside_bytes import HUGE_BODIES, bodies
from tests.support.wire_site import spec_data

from polyloop.errors import RequestError
from polyloop.feedback.records import FeedbackRequest, check_correction
from polyloop.serving.bodies import read_body
from polyloop.serving.oip.schemas import InferenceRequest
from polyloop.serving.oip.tensors import read_requests
from polyloop.serving.openai_api.reading import read_chat, read_prompts, wants_usage
from polyloop.serving.openai_api.schemas import ChatCompletionRequest, CompletionRequest, OpenAIRequest
from polyloop.serving.settling import settle
from polyloop.spec.models import Spec
from polyloop.tasks import KINDS
from polyloop.tasks.base import TaskRequest
from polyloop.tasks.chat import ChatRequest

SPEC = Spec.model_validate(spec_data())
OWN_MODELS: tuple[type[BaseModel], ...] = (
    FeedbackRequest,
    *dict.fromkeys(kind.request_model for kind in KINDS.values()),
)
MODELS: tuple[type[BaseModel], ...] = (*OWN_MODELS, ChatCompletionRequest, CompletionRequest, InferenceRequest)
OTHER_NAMES = ("name", "shape", "datatype", "data", "parameters", "binary_data_size", "role", "content", "n", "locale")
"""Names that bodies have further inside, or beside those of their model."""
MAX_BODY_BYTES = 500_000
CPU_S = 5.0
"""Far above the fraction of a second that a reader in linear time takes."""


def read(raw: bytes, model: type[BaseModel], pieces: int = 1) -> BaseModel | RequestError:
    """Return what a body that comes in some pieces is read as, or why it is refused."""
    size = max(1, -(-len(raw) // pieces))
    parts = [raw[start : start + size] for start in range(0, len(raw), size)] or [b""]
    messages: list[Message] = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages[-1]["more_body"] = False

    async def receive() -> Message:
        return messages.pop(0)

    request = Request({"type": "http", "method": "POST", "headers": [], "path": "/"}, receive)
    try:
        return asyncio.run(read_body(request, model, max_body_bytes=MAX_BODY_BYTES))
    except RequestError as error:
        return error


def asked(body: BaseModel) -> Sequence[Any]:
    """Take a body as far as its route does before a model is called, for each task that it may be meant for."""
    done: list[Any] = []
    for name, task in SPEC.tasks.items():
        requests: Sequence[TaskRequest] = []
        if isinstance(body, ChatCompletionRequest):
            requests = [read_chat(body, task)]
        elif isinstance(body, CompletionRequest):
            requests = read_prompts(body, task)
        elif isinstance(body, InferenceRequest):
            requests = read_requests(body, task)
        elif isinstance(body, TaskRequest) and type(body) is KINDS[task.kind].request_model:
            requests = [body]
        elif isinstance(body, FeedbackRequest):
            check_correction(body, task)
        if isinstance(body, OpenAIRequest):
            wants_usage(body)
        done += [settle(name, task, SPEC.locales, request) for request in requests]
    return done


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=60)
@given(data=st.data(), pieces=st.integers(1, 4))
def test_every_body_is_read_or_refused(model: type[BaseModel], data: st.DataObject, pieces: int) -> None:
    raw = data.draw(bodies([*model.model_fields, *OTHER_NAMES]))
    found = read(raw, model, pieces)
    if isinstance(found, BaseModel):
        try:
            asked(found)
        except RequestError as error:
            found = error
    if isinstance(found, RequestError):
        assert found.status in (400, 413, 422)
        assert found.code
        assert found.message.encode()  # it can be sent


@pytest.mark.parametrize("model", OWN_MODELS)
@settings(max_examples=40)
@given(data=st.data())
def test_what_was_read_is_read_again_from_its_own_json(model: type[BaseModel], data: st.DataObject) -> None:
    found = read(data.draw(bodies([*model.model_fields])), model)
    if isinstance(found, BaseModel):
        assert read(found.model_dump_json().encode(), model) == found


@pytest.mark.parametrize("raw", HUGE_BODIES, ids=lambda raw: f"{raw[:12]!r} {len(raw)}")
def test_no_body_within_the_limit_takes_long(raw: bytes) -> None:
    began_s = time.process_time()
    for model in MODELS:
        found = read(raw, model)
        if isinstance(found, BaseModel):
            found = RequestError("it was read")
        assert found.status in (400, 413, 422)
        assert len(found.message) < 2_000
    assert time.process_time() - began_s < CPU_S * len(MODELS)


@pytest.mark.parametrize(
    ("model", "before", "element", "after"),
    [
        (InferenceRequest, '{"inputs":[', "{}", "]}"),
        (InferenceRequest, '{"inputs":[],"outputs":[', "{}", "]}"),
        (InferenceRequest, '{"inputs":[{"name":"input","datatype":"BYTES","shape":[', '""', "]}]}"),
        (ChatCompletionRequest, '{"model":"talk","messages":[', "{}", "]}"),
        (ChatRequest, '{"messages":[', "{}", "]}"),
    ],
)
def test_a_list_of_wrong_elements_costs_the_errors_of_one(
    model: type[BaseModel], before: str, element: str, after: str
) -> None:
    """Building the errors of all of them would hold up all other requests, for seconds in a body of 1 MiB."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate_json(f"{before}{','.join([element] * 10_000)}{after}", strict=True)
    assert caught.value.error_count() <= 4
