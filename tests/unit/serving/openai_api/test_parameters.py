"""Every parameter of OpenAI's API has a rule, and the rules say what they do."""

from typing import Any, get_type_hints

import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsBase as ChatParameters
from openai.types.completion_create_params import CompletionCreateParamsBase as CompletionParameters
from tests.support.wire_site import spec_data

from polyloop.errors import ParameterError
from polyloop.serving.openai_api.parameters import BY_SPEC, IGNORED, NEUTRAL, OWN, READ, own_fields
from polyloop.serving.openai_api.schemas import ChatCompletionRequest, CompletionRequest
from polyloop.spec.models import Spec, TaskSpec

TABLES = (READ, frozenset(IGNORED), frozenset(NEUTRAL), frozenset(BY_SPEC), OWN)


@pytest.fixture(scope="module")
def tasks() -> dict[str, TaskSpec]:
    return dict(Spec.model_validate(spec_data()).tasks)


@pytest.mark.parametrize("parameters", [ChatParameters, CompletionParameters])
def test_every_parameter_of_the_official_client_has_a_rule(parameters: Any) -> None:
    assert set(get_type_hints(parameters)) - frozenset.union(*TABLES) == set()


def test_every_parameter_has_one_rule() -> None:
    for table in TABLES:
        others = frozenset.union(*(other for other in TABLES if other is not table))
        assert table & others == frozenset()


def test_what_is_read_are_the_fields_of_the_requests() -> None:
    assert set(ChatCompletionRequest.model_fields) | set(CompletionRequest.model_fields) == READ


def test_our_own_fields_are_those_of_our_requests() -> None:
    assert {"locale", "target_locale", "style"} <= OWN
    assert not {"input", "messages", "user"} & OWN


@pytest.mark.parametrize("name", sorted(IGNORED))
def test_what_no_answer_depends_on_is_taken(tasks: dict[str, TaskSpec], name: str) -> None:
    assert own_fields({name: {"any": "thing"}}, tasks["talk"]) == {}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in sorted(NEUTRAL) for value in NEUTRAL[name]])
def test_a_value_that_asks_for_nothing_is_taken(tasks: dict[str, TaskSpec], name: str, value: Any) -> None:
    assert own_fields({name: value}, tasks["talk"]) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("audio", {"voice": "alloy", "format": "mp3"}),
        ("best_of", 2),
        ("echo", True),
        ("frequency_penalty", 0.1),
        ("function_call", {"name": "look_up"}),
        ("functions", [{"name": "look_up"}]),
        ("logit_bias", {"50256": -100}),
        ("logprobs", True),
        ("logprobs", 0),
        ("logprobs", 5),
        ("modalities", ["text", "audio"]),
        ("moderation", {"model": "omni"}),
        ("n", 2),
        ("n", True),
        ("presence_penalty", -1),
        ("response_format", {"type": "json_object"}),
        ("response_format", {"type": "json_schema", "json_schema": {}}),
        ("stop", "."),
        ("stop", ["."]),
        ("suffix", "the end"),
        ("tool_choice", "required"),
        ("tools", [{"type": "function"}]),
        ("top_logprobs", 1),
        ("verbosity", "low"),
        ("web_search_options", {}),
        ("temperature", 0),
        ("temperature", 1.5),
        ("temperature", "0.5"),
        ("top_p", 1),
        ("max_tokens", 31),
        ("max_tokens", True),
        ("max_tokens", 32.5),
        ("max_completion_tokens", 5),
        ("no_such_thing", 1),
    ],
)
def test_a_value_that_asks_for_another_answer_is_refused_by_name(
    tasks: dict[str, TaskSpec], name: str, value: Any
) -> None:
    with pytest.raises(ParameterError, match=f"^{name}: ") as caught:
        own_fields({"seed": 1, name: value}, tasks["talk"])
    assert (caught.value.status, caught.value.parameter) == (400, name)


@pytest.mark.parametrize(
    ("name", "value"),
    [("temperature", 0.5), ("top_p", 0.9), ("max_tokens", 32), ("max_tokens", 4_096), ("max_completion_tokens", 32)],
)
def test_a_value_that_asks_for_what_the_spec_does_is_taken(tasks: dict[str, TaskSpec], name: str, value: Any) -> None:
    assert own_fields({name: value}, tasks["talk"]) == {}


def test_a_task_that_takes_the_likeliest_word_takes_a_temperature_of_zero(tasks: dict[str, TaskSpec]) -> None:
    assert own_fields({"temperature": 0, "top_p": 1}, tasks["translate"]) == {}


@pytest.mark.parametrize("name", sorted({*NEUTRAL, *BY_SPEC, *OWN, "no_such_thing"}))
def test_null_is_as_if_it_were_not_there(tasks: dict[str, TaskSpec], name: str) -> None:
    assert own_fields({name: None}, tasks["talk"]) == {}


def test_the_tasks_own_fields_are_handed_on(tasks: dict[str, TaskSpec]) -> None:
    assert own_fields({"locale": "de", "seed": 1, "n": 1}, tasks["talk"]) == {"locale": "de"}
