"""OpenAI's requests become requests of our tasks, and whatever else comes becomes a refusal that names its place."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.wire_site import spec_data

from polyloop.errors import ParameterError
from polyloop.serving.openai_api.reading import read_chat, read_prompts, wants_usage
from polyloop.serving.openai_api.schemas import ChatCompletionRequest, CompletionRequest
from polyloop.spec.models import Spec, TaskSpec
from polyloop.tasks.base import TaskRequest
from polyloop.tasks.chat import ChatRequest

TASKS: dict[str, TaskSpec] = dict(Spec.model_validate(spec_data()).tasks)


def chat(*messages: Any, task: str = "talk", **others: Any) -> TaskRequest:
    body = ChatCompletionRequest.model_validate({"model": task, "messages": list(messages), **others})
    return read_chat(body, TASKS[task])


def user(content: Any = "hi", **others: Any) -> dict[str, Any]:
    return {"role": "user", "content": content, **others}


def prompts(prompt: Any, **others: Any) -> list[TaskRequest]:
    return read_prompts(CompletionRequest.model_validate({"model": "gist", "prompt": prompt, **others}), TASKS["gist"])


def test_turns_keep_their_order_and_developers_count_as_system() -> None:
    asked = chat(
        {"role": "developer", "content": "d"}, user("a", name="ana"), {"role": "assistant", "content": "b"}, user()
    )
    assert isinstance(asked, ChatRequest)
    assert [(turn.role, turn.content) for turn in asked.messages] == [
        ("system", "d"),
        ("user", "a"),
        ("assistant", "b"),
        ("user", "hi"),
    ]


def test_an_earlier_answer_may_be_sent_back_as_it_came() -> None:
    reply: dict[str, Any] = {
        "role": "assistant",
        "content": "b",
        "refusal": None,
        "annotations": [],
        "tool_calls": None,
        "audio": None,
    }
    assert chat(user(), reply, user("again"), task="tale").input == "again"


def test_the_user_comes_from_either_name() -> None:
    assert chat(user(), user="ana").user == "ana"
    assert chat(user(), safety_identifier="bob").user == "bob"
    assert chat(user(), user="ana", safety_identifier="bob").user == "ana"
    assert prompts("a", user="ana")[0].user == "ana"


@pytest.mark.parametrize(
    ("messages", "place", "status"),
    [
        ([], "messages", 400),
        ([user(), {"role": "assistant", "content": "Sure, "}], "messages", 400),
        ([{"role": "tool", "content": "x", "tool_call_id": "1"}, user()], "messages[0].role", 400),
        ([{"role": "assistant", "content": None, "tool_calls": [{}]}, user()], "messages[0].tool_calls", 400),
        ([user(None)], "messages[0].content", 400),
        ([user([])], "messages[0].content", 400),
        ([user(5)], "messages[0].content", 400),
        ([user([{"type": "text", "text": "a"}, {"type": "image_url"}])], "messages[0].content[1]", 400),
        ([user([{"type": "text", "text": 5}])], "messages[0].content[0]", 400),
        ([user(), user("x" * 100_001)], "messages[1].content", 422),
    ],
)
def test_a_wrong_message_is_named(messages: list[Any], place: str, status: int) -> None:
    with pytest.raises(ParameterError) as caught:
        chat(*messages)
    assert (caught.value.parameter, caught.value.status) == (place, status)


@pytest.mark.parametrize("prompt", [[], [1, 2], [[1]], None, 5, {}, ["a", 5], ["a"] * 65])
def test_a_prompt_is_text_or_texts(prompt: Any) -> None:
    with pytest.raises(ParameterError, match="tokens are not taken"):
        prompts(prompt)


def test_an_empty_prompt_is_refused_under_its_own_name() -> None:
    with pytest.raises(ParameterError) as caught:
        prompts("")
    assert (caught.value.parameter, caught.value.status) == ("prompt", 422)


def test_an_over_long_user_is_refused_under_its_own_name() -> None:
    with pytest.raises(ParameterError) as caught:
        prompts("a", user="u" * 201)
    assert caught.value.parameter == "user"


def test_stream_options_go_with_a_stream() -> None:
    def body(**others: Any) -> CompletionRequest:
        return CompletionRequest.model_validate({"model": "gist", "prompt": "a", **others})

    assert not wants_usage(body())
    assert not wants_usage(body(stream=True, stream_options={"include_obfuscation": False}))
    assert wants_usage(body(stream=True, stream_options={"include_usage": True}))
    with pytest.raises(ParameterError, match="stream_options"):
        wants_usage(body(stream_options={"include_usage": True}))


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
PARTS = st.lists(st.fixed_dictionaries({"type": st.sampled_from(["text", "image_url"]), "text": ANYTHING}), max_size=3)
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "developer", "user", "assistant", "tool", ""])},
        optional={"content": st.text(max_size=8) | PARTS | ANYTHING, "name": SCALARS, "tool_calls": ANYTHING},
    ),
    max_size=4,
)
OTHERS = st.dictionaries(
    st.sampled_from(["n", "stop", "temperature", "max_tokens", "tools", "locale", "style", "user", "logprobs", "x"]),
    ANYTHING,
    max_size=3,
)


@given(messages=MESSAGES, others=OTHERS, task=st.sampled_from(sorted(TASKS)))
def test_whatever_a_conversation_holds_is_read_or_refused(messages: Any, others: Any, task: str) -> None:
    raw = json.dumps({"model": task, "messages": messages, **others}, allow_nan=True)
    try:
        body = ChatCompletionRequest.model_validate_json(raw, strict=True)
    except ValueError:
        return
    try:
        asked = read_chat(body, TASKS[task])
    except ParameterError:
        return
    assert messages[-1]["role"] == "user"
    said = asked.messages[-1].content if isinstance(asked, ChatRequest) and asked.messages else asked.input
    content = messages[-1]["content"]
    assert said == (content if isinstance(content, str) else "\n".join(part["text"] for part in content))
    assert {"n", "stop", "tools", "logprobs"} & {k for k, v in others.items() if v not in (None, 1, False, [])} == set()


@given(prompt=ANYTHING | st.lists(st.text(max_size=5), max_size=70), others=OTHERS)
def test_whatever_a_prompt_is_is_read_or_refused(prompt: Any, others: Any) -> None:
    try:
        body = CompletionRequest.model_validate_json(json.dumps({"model": "gist", "prompt": prompt, **others}))
        asked = read_prompts(body, TASKS["gist"])
    except (ValueError, ParameterError):
        return
    assert [one.input for one in asked] == (prompt if isinstance(prompt, list) else [prompt])
