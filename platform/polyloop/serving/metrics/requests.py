"""What is recorded of requests for an answer, whole or streamed. One `RequestFigures` follows one request.

Inputs: what the router comes to know of a request. Effect: figures of the table.
"""

import asyncio
import time

from polyloop.serving.calls import Call
from polyloop.serving.metrics.recorder import Recorder
from polyloop.serving.metrics.table import (
    ANSWERED,
    CANCELLED,
    FIRST_PIECE_SECONDS,
    REQUEST_SECONDS,
    REQUESTS,
    TOKENS,
)
from polyloop.serving.problems import code_of
from polyloop.tasks.base import TaskAnswer


class RequestFigures:
    """Used as a context around a request; what ends it decides its outcome."""

    def __init__(self, recorder: Recorder, task: str) -> None:
        self._recorder, self._task = recorder, task
        self.started_s = time.perf_counter()
        """When the request came, by `time.perf_counter`."""
        self._version = self._locale = ""
        self._has_piece = self._is_answered = False
        self.outcome = ""
        """What became of it, once it has ended."""

    def __enter__(self) -> "RequestFigures":
        return self

    def called(self, call: Call) -> None:
        """Note which version is asked, and in which locale."""
        self._version, self._locale = call.version, call.locale

    def piece(self) -> None:
        """Note that a piece of a stream goes out."""
        if not self._has_piece:
            self._has_piece = True
            self._recorder.add(FIRST_PIECE_SECONDS, self._elapsed_s, task=self._task, version=self._version)

    def answered(self, answer: TaskAnswer) -> None:
        """Note the answer."""
        self._is_answered = True
        facts = {"task": self._task, "version": self._version}
        self._recorder.add(TOKENS, answer.usage.input_tokens, **facts, direction="input")
        self._recorder.add(TOKENS, answer.usage.output_tokens, **facts, direction="output")
        self._recorder.add(REQUEST_SECONDS, self._elapsed_s, **facts, locale=self._locale)

    @property
    def _elapsed_s(self) -> float:
        return time.perf_counter() - self.started_s

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self.outcome = ANSWERED if self._is_answered else outcome_of(error)
        facts = {"task": self._task, "version": self._version, "locale": self._locale}
        self._recorder.add(REQUESTS, 1, **facts, outcome=self.outcome)


def outcome_of(error: BaseException | None) -> str:
    """Return the outcome of a request that was not answered."""
    if error is None or isinstance(error, asyncio.CancelledError | GeneratorExit):
        return CANCELLED
    return code_of(error)
