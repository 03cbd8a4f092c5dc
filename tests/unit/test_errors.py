"""Errors survive the way between processes, with all that they say."""

import pickle

import pytest

from polyloop import errors
from polyloop.errors import ParameterError, PolyloopError, ProblemError, RequestError, first_line


def all_errors(base: type[PolyloopError] = PolyloopError) -> list[type[PolyloopError]]:
    return [base, *(each for child in base.__subclasses__() for each in all_errors(child))]


def example(error: type[PolyloopError]) -> PolyloopError:
    if issubclass(error, ParameterError):
        return error("it is wrong", "n", 400, "unsupported_parameter")
    if issubclass(error, RequestError):
        return error("it is wrong", 404, "unknown_task")
    if issubclass(error, ProblemError):
        return error("it is wrong", 429, "overloaded", "request-1")
    return error("it is wrong")


@pytest.mark.parametrize("error", [one for one in all_errors() if one.__module__ == errors.__name__])
def test_an_error_is_the_same_after_pickling(error: type[PolyloopError]) -> None:
    before = example(error)
    after = pickle.loads(pickle.dumps(before))
    assert type(after) is error
    assert (str(after), vars(after)) == (str(before), vars(before))
    assert "it is wrong" in str(after)


def test_a_message_of_nothing_becomes_the_name_of_the_error() -> None:
    assert first_line(ConnectionError()) == "ConnectionError"
    assert first_line(ValueError("\n one \n two")) == "one"


def test_of_a_traceback_in_an_answer_the_failure_is_told() -> None:
    answer = "status code 500: Traceback (most recent call last):\n  File a.py\n    call()\nKeyError: 'b'\n"
    assert first_line(RuntimeError(answer)) == "status code 500: KeyError: 'b'"
