"""Errors survive the way between processes, with all that they say."""

import pickle

import pytest

from polyloop import errors
from polyloop.errors import ParameterError, PolyloopError, ProblemError, RequestError


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
