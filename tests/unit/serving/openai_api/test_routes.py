"""OpenAI's own client asks our tasks: whole answers, streams, lists of models and errors, over real HTTP."""

import json
from typing import Any

import httpx
import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionMessageParam
from ray.serve.exceptions import BackPressureError
from tests.support.wire_site import BREAKS, CITATION, WireSite

from polyloop.feedback.ids import verify
from polyloop.registry.keys import create_key
from polyloop.serving.auth import project_signing_key
from polyloop.serving.calls import Call, Reply

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]


def test_a_conversation_is_answered_with_our_id_version_and_usage(openai_client: OpenAI, site: WireSite) -> None:
    messages: list[ChatCompletionMessageParam] = [
        {"role": "developer", "content": "be brief"},
        {"role": "user", "content": "good day"},
        {"role": "assistant", "content": "hello"},
        {"role": "user", "content": [{"type": "text", "text": "how are"}, {"type": "text", "text": "you"}]},
    ]
    answer = openai_client.chat.completions.create(model="talk", messages=messages, extra_body={"locale": "en"})
    (choice,) = answer.choices
    said = "system: be brief / user: good day / assistant: hello / user: how are you"
    assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", said, "stop")
    assert (answer.object, answer.model, answer.system_fingerprint) == ("chat.completion", "talk", "v1")
    claim = verify(answer.id, project_signing_key(site.store))
    assert (claim.task, claim.version, claim.locale) == ("talk", "v1", "en")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.completion_tokens == len(said.split())


def test_a_persona_is_used_where_the_conversation_has_no_system_text(openai_client: OpenAI) -> None:
    answer = openai_client.chat.completions.create(model="talk", messages=HELLO, extra_body={"locale": "de"})
    assert answer.choices[0].message.content == "system: Du bist nett. / user: hello"


@pytest.mark.parametrize(
    ("task", "own", "output"),
    [
        ("translate", {"locale": "en", "target_locale": "de"}, "de: a good old tale"),
        ("translate", {"locale": "en", "target_locale": "zh-Hans"}, "zh-Hans: a good old tale"),
        ("gist", {}, "a good old"),
        ("tale", {"style": "poem"}, "a poem of a good old tale"),
        ("tale", {}, "a tale of a good old tale"),
        ("mood", {}, "good"),
        ("help", {}, "In 1901."),
    ],
)
def test_tasks_of_other_kinds_answer_the_last_message_of_the_user(
    openai_client: OpenAI, task: str, own: dict[str, Any], output: str
) -> None:
    messages: list[ChatCompletionMessageParam] = [
        {"role": "system", "content": "ignored"},
        {"role": "user", "content": "a good old tale"},
    ]
    answer = openai_client.chat.completions.create(model=task, messages=messages, extra_body=own)
    assert answer.choices[0].message.content == output


def test_what_openai_has_no_place_for_stands_beside(openai_client: OpenAI) -> None:
    mood = openai_client.chat.completions.create(model="mood", messages=HELLO, extra_body={"locale": "en"})
    assert mood.model_extra is not None
    assert mood.model_extra["polyloop"].items() >= {"locale": "en", "scores": {"good": 0.125, "bad": 0.875}}.items()
    helped = openai_client.chat.completions.create(model="help", messages=HELLO)
    assert helped.model_extra is not None
    assert helped.model_extra["polyloop"]["citations"] == [CITATION]
    assert helped.model_extra["polyloop"]["confidence"] == 0.75


def test_an_answer_as_long_as_the_task_allows_may_be_cut(openai_client: OpenAI) -> None:
    long = " ".join(["word"] * 40)
    answer = openai_client.completions.create(model="tale", prompt=long)
    assert answer.choices[0].finish_reason == "length"


def test_a_streamed_conversation_comes_in_pieces(openai_client: OpenAI, site: WireSite) -> None:
    with openai_client.chat.completions.create(model="talk", messages=HELLO, stream=True) as stream:
        chunks = list(stream)
    assert [chunk.choices[0].delta.content for chunk in chunks] == ["", "user: ", "hello", None]
    assert [chunk.choices[0].delta.role for chunk in chunks] == ["assistant", None, None, None]
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None, None, None, "stop"]
    assert {chunk.system_fingerprint for chunk in chunks} == {"v1"}
    assert len({chunk.id for chunk in chunks}) == 1
    assert verify(chunks[0].id, project_signing_key(site.store)).task == "talk"
    assert all(chunk.usage is None for chunk in chunks)


def test_a_stream_ends_with_the_usage_where_it_is_asked_for(openai_client: OpenAI) -> None:
    options: Any = {"include_usage": True}
    chunks = list(
        openai_client.chat.completions.create(model="talk", messages=HELLO, stream=True, stream_options=options)
    )
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 2
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_the_bytes_of_a_stream_are_those_of_openai(site: WireSite) -> None:
    body = {"model": "talk", "messages": HELLO, "stream": True, "stream_options": {"include_usage": True}}
    answer = httpx.post(f"{site.url}/v1/chat/completions", json=body, headers=site.bearer)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.endswith("\n\ndata: [DONE]\n\n")
    events = answer.text.removesuffix("\n\n").split("\n\n")
    assert all(event.startswith("data: ") and "\n" not in event for event in events)
    first, *_, last, usage = (json.loads(event.removeprefix("data: ")) for event in events[:-1])
    assert first["choices"] == [
        {"index": 0, "delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None}
    ]
    assert first["object"] == "chat.completion.chunk"
    assert first["usage"] is None
    assert last["choices"] == [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]
    assert usage["usage"] == {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6}


async def test_the_client_for_event_loops_asks_and_streams(async_openai_client: AsyncOpenAI) -> None:
    answer = await async_openai_client.chat.completions.create(model="tale", messages=HELLO)
    assert answer.choices[0].message.content == "a tale of hello"
    texts = []
    async for chunk in await async_openai_client.chat.completions.create(model="tale", messages=HELLO, stream=True):
        texts.append(chunk.choices[0].delta.content or "")
    assert texts == ["", "a ", "tale ", "of ", "hello", ""]
    async with await async_openai_client.completions.create(model="gist", prompt="one two", stream=True) as stream:
        assert "".join([chunk.choices[0].text async for chunk in stream]) == "one two"


def test_openais_helper_puts_a_stream_together(openai_client: OpenAI) -> None:
    with openai_client.chat.completions.stream(model="tale", messages=HELLO) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.content == "a tale of hello"


def test_a_prompt_is_completed(openai_client: OpenAI, site: WireSite) -> None:
    answer = openai_client.completions.create(model="gist", prompt="one two three four", user="ana")
    assert (answer.object, answer.choices[0].text, answer.system_fingerprint) == (
        "text_completion",
        "one two three",
        "v1",
    )
    assert verify(answer.id, project_signing_key(site.store)).task == "gist"


def test_several_prompts_are_inferences_of_their_own(openai_client: OpenAI, site: WireSite) -> None:
    answer = openai_client.completions.create(model="mood", prompt=["a good day", "a day"])
    assert [(choice.index, choice.text) for choice in answer.choices] == [(0, "good"), (1, "bad")]
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 5
    ids = [(choice.model_extra or {})["polyloop"]["id"] for choice in answer.choices]
    digests = {verify(one, project_signing_key(site.store)).input_digest for one in ids}
    assert len(digests) == 2
    assert answer.id.startswith("cmpl-")


def test_several_prompts_stream_side_by_side(openai_client: OpenAI) -> None:
    options: Any = {"include_usage": True}
    chunks = list(
        openai_client.completions.create(model="gist", prompt=["a b", "c"], stream=True, stream_options=options)
    )
    texts = ["".join(chunk.choices[0].text for chunk in chunks[:-1] if chunk.choices[0].index == i) for i in (0, 1)]
    assert texts == ["a b", "c"]
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]] == [None, None, "stop", None, "stop"]
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.prompt_tokens == 3


def test_feedback_can_refer_to_an_answer(openai_client: OpenAI, site: WireSite) -> None:
    answer = openai_client.chat.completions.create(model="mood", messages=HELLO)
    body = {"inference_id": answer.id, "correction": "good"}
    assert httpx.post(f"{site.url}/v1/feedback", json=body, headers=site.bearer).status_code == 201
    several = openai_client.completions.create(model="mood", prompt=["a", "b"])
    refused = httpx.post(f"{site.url}/v1/feedback", json={**body, "inference_id": several.id}, headers=site.bearer)
    assert refused.status_code == 422


def test_models_are_the_tasks_that_can_be_asked(openai_client: OpenAI, site: WireSite) -> None:
    models = list(openai_client.models.list())
    assert [model.id for model in models] == list(site.loaded.spec.tasks)
    assert {(model.object, model.owned_by) for model in models} == {("model", "polyloop")}
    one = openai_client.models.retrieve("talk")
    assert (one.id, (one.model_extra or {})["version"], (one.model_extra or {})["kind"]) == ("talk", "v1", "chat")
    with pytest.raises(openai.NotFoundError) as caught:
        openai_client.models.retrieve("nobody")
    assert caught.value.code == "unknown_model"


def test_an_unknown_model_is_a_404_that_names_the_tasks(openai_client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        openai_client.chat.completions.create(model="gpt-4", messages=HELLO)
    assert (caught.value.code, caught.value.param, caught.value.type) == (
        "model_not_found",
        "model",
        "invalid_request_error",
    )
    assert "talk" in caught.value.message


@pytest.mark.parametrize(
    ("key", "status"), [("plk_nonsense", openai.AuthenticationError), (None, openai.PermissionDeniedError)]
)
def test_keys_are_refused_in_openais_words(
    site: WireSite, key: str | None, status: type[openai.APIStatusError]
) -> None:
    secret = key or create_key(site.store, "widget", ["feedback"])[1]
    with OpenAI(base_url=f"{site.url}/v1", api_key=secret, max_retries=0) as client, pytest.raises(status) as caught:
        client.chat.completions.create(model="talk", messages=HELLO)
    assert caught.value.type in ("authentication_error", "permission_error")


def test_a_parameter_that_cannot_be_honoured_is_a_400_that_names_it(openai_client: OpenAI, site: WireSite) -> None:
    before = len(site.handles["talk"].calls)
    with pytest.raises(openai.BadRequestError) as caught:
        openai_client.chat.completions.create(model="talk", messages=HELLO, n=2)
    assert (caught.value.param, caught.value.code) == ("n", "unsupported_parameter")
    with pytest.raises(openai.BadRequestError) as caught:
        openai_client.chat.completions.create(model="talk", messages=HELLO, response_format={"type": "json_object"})
    assert caught.value.param == "response_format"
    assert len(site.handles["talk"].calls) == before


@pytest.mark.parametrize(
    ("own", "param", "code"),
    [
        ({"locale": "zh-Hans"}, "locale", "unknown_locale"),
        ({"locale": 5}, "locale", "invalid_request"),
        ({"style": "essay"}, "style", "unknown_style"),
        ({"target_locale": "de"}, "target_locale", "invalid_request"),
    ],
)
def test_our_own_fields_are_checked_as_ever(openai_client: OpenAI, own: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        openai_client.completions.create(model="tale", prompt="a", extra_body=own)
    assert (caught.value.param, caught.value.code) == (param, code)


def test_one_of_several_prompts_that_is_refused_is_named(openai_client: OpenAI) -> None:
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        openai_client.completions.create(model="gist", prompt=["a", "b" * 1_500, "c"])
    assert "input 2: " in caught.value.message


def test_a_refusal_before_a_stream_begins_has_its_status(openai_client: OpenAI) -> None:
    with pytest.raises(openai.UnprocessableEntityError):
        openai_client.chat.completions.create(
            model="gist", messages=[{"role": "user", "content": "b" * 1_500}], stream=True
        )


def test_a_stream_that_breaks_off_says_so(openai_client: OpenAI) -> None:
    stream = openai_client.completions.create(model="tale", prompt=BREAKS, stream=True)
    assert [next(stream).choices[0].text for _ in range(2)] == ["a ", "tale "]
    with pytest.raises(openai.APIError, match="the replica died") as caught:
        next(stream)
    assert caught.value.code == "no_replica"


def test_an_overloaded_task_is_a_rate_limit_that_says_when_to_come_back(
    openai_client: OpenAI, site: WireSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overloaded(_call: Call) -> Reply:
        raise BackPressureError(num_queued_requests=9, max_queued_requests=9)

    monkeypatch.setattr(site.handles["gist"], "rule", overloaded)
    with pytest.raises(openai.RateLimitError) as caught:
        openai_client.completions.create(model="gist", prompt="a", stream=True)
    assert (caught.value.code, caught.value.type) == ("rate_limit_exceeded", "rate_limit_error")
    assert caught.value.response.headers["retry-after"] == "1"


def test_a_failure_that_nobody_foresaw_tells_nothing_of_the_inside(
    openai_client: OpenAI, site: WireSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_call: Call) -> Reply:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(site.handles["gist"], "rule", broken)
    with pytest.raises(openai.InternalServerError) as caught:
        openai_client.completions.create(model="gist", prompt=["a", "b"])
    assert (caught.value.status_code, caught.value.code, caught.value.type) == (500, "internal_error", "server_error")
    assert "secret" not in caught.value.response.text


def test_a_body_over_the_limit_and_a_wrong_method_have_openais_shape(site: WireSite) -> None:
    url = f"{site.url}/v1/completions"
    large = httpx.post(url, json={"model": "gist", "prompt": "x" * 30_000}, headers=site.bearer)
    assert (large.status_code, large.json()["error"]["code"]) == (413, "body_too_large")
    assert httpx.get(url).status_code == 405
    assert httpx.get(url).json()["error"]["type"] == "invalid_request_error"
