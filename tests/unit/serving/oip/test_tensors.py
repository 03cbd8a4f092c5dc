"""Tensors become requests, or a refusal that names what is wrong."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.wire_site import spec_data

from polyloop.errors import ParameterError
from polyloop.serving.oip.schemas import MAX_INPUTS, InferenceRequest
from polyloop.serving.oip.tensors import FIELDS_WITHOUT_TENSOR, input_names, output_metadata, read_requests
from polyloop.spec.guardrails import LengthGuard
from polyloop.spec.models import Spec, TaskSpec
from polyloop.tasks import KINDS
from polyloop.tasks.base import TaskRequest

TASKS: dict[str, TaskSpec] = dict(Spec.model_validate(spec_data()).tasks)
NOT_OUTPUTS = {"task", "version", "usage", "latency_ms"}
"""Fields of answers that the response says once for all inputs, or not at all."""


def tensor(*texts: Any, **others: Any) -> dict[str, Any]:
    return {"name": "input", "shape": [len(texts)], "datatype": "BYTES", "data": list(texts), **others}


def read(*tensors: dict[str, Any], task: str = "translate", **others: Any) -> list[TaskRequest]:
    return read_requests(InferenceRequest.model_validate({"inputs": tensors, **others}), TASKS[task])


@pytest.mark.parametrize("task", sorted(TASKS))
def test_every_field_of_requests_and_answers_has_a_tensor(task: str) -> None:
    kind = KINDS[TASKS[task].kind]
    assert set(input_names(TASKS[task])) == set(kind.request_model.model_fields) - FIELDS_WITHOUT_TENSOR
    guarded = TASKS[task].model_copy(update={"guardrails": (LengthGuard(guard="length", max_characters=9),)})
    names = {one.name for one in output_metadata(guarded)} - {"label"}
    assert names == set(kind.answer_model.model_fields) - NOT_OUTPUTS
    assert "guardrails" not in {one.name for one in output_metadata(TASKS[task])}


@pytest.mark.parametrize(
    ("tensors", "place"),
    [
        ([], "inputs"),
        ([tensor("a", name="text")], "inputs"),
        ([tensor("a"), tensor("b")], "inputs"),
        ([tensor("a"), tensor("x", name="style")], "inputs"),
        ([tensor("a", datatype="FP32")], "input"),
        ([tensor("a", shape=[2])], "input"),
        ([tensor("a", "b", shape=[1, 2])], "input"),
        ([tensor("a", shape=[])], "input"),
        ([tensor("a", shape=[-1])], "input"),
        ([tensor("a", shape=[1, 1, 1])], "input"),
        ([tensor(5)], "input"),
        ([tensor(None)], "input"),
        ([tensor([["a"]])], "input"),
        ([tensor()], "input"),
        ([tensor(*["a"] * (MAX_INPUTS + 1))], "input"),
        ([tensor("")], "input"),
        ([tensor("a", "b", "c"), tensor("en", "de", name="locale")], "locale"),
        ([tensor("a"), tensor("not a tag", name="locale")], "locale"),
        ([tensor("a", parameters={"binary_data_size": 5})], "binary_data_size"),
    ],
)
def test_a_wrong_tensor_is_named(tensors: list[dict[str, Any]], place: str) -> None:
    with pytest.raises(ParameterError) as caught:
        read(*tensors)
    assert caught.value.parameter == place


def test_binary_outputs_are_refused_and_json_ones_may_be_asked_for() -> None:
    assert read(tensor("a"), parameters={"binary_data_output": False})
    with pytest.raises(ParameterError, match="binary tensor data"):
        read(tensor("a"), parameters={"binary_data_output": True})
    with pytest.raises(ParameterError, match="binary tensor data"):
        read(tensor("a"), outputs=[{"name": "output", "parameters": {"binary_data": True}}])


def test_the_most_inputs_are_taken() -> None:
    assert len(read(tensor(*["a"] * MAX_INPUTS))) == MAX_INPUTS


ELEMENT = st.text(max_size=5) | st.integers() | st.none() | st.lists(st.text(max_size=5), max_size=2)
TENSORS = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from(["input", "input", "locale", "user", "x"]),
            "shape": st.lists(st.integers(-2, 5) | st.just(2**63), max_size=3),
            "datatype": st.sampled_from(["BYTES", "BYTES", "FP64"]),
            "data": st.lists(ELEMENT, max_size=5),
        }
    ),
    max_size=3,
)


@given(tensors=TENSORS)
def test_whatever_tensors_hold_is_read_or_refused(tensors: list[dict[str, Any]]) -> None:
    try:
        body = InferenceRequest.model_validate_json(json.dumps({"inputs": tensors}), strict=True)
        asked = read_requests(body, TASKS["mood"])
    except (ValueError, ParameterError):
        return
    (data,) = (one["data"] for one in tensors if one["name"] == "input")
    assert [one.input for one in asked] == [x for part in data for x in (part if isinstance(part, list) else [part])]


@given(texts=st.lists(st.text(min_size=1, max_size=9), min_size=1, max_size=MAX_INPUTS), is_column=st.booleans())
def test_texts_come_through_unchanged_in_either_form(texts: list[str], is_column: bool) -> None:
    column = tensor(*([text] for text in texts), shape=[len(texts), 1])
    assert [one.input for one in read(column if is_column else tensor(*texts))] == texts
