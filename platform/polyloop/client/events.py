"""Reads a streamed answer: lines of server-sent events into pieces of text, and at the end the answer.

Input: lines without their ends. Output: texts; the answer is in `answer` after the last. Errors: ProblemError for an
event `problem`, NoAnswerError where the stream ends without an answer. Unknown events are passed over, as the standard
asks (https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation).
"""

from pydantic import ValidationError

from polyloop.client.bodies import Answer, Piece, Problem
from polyloop.client.calls import Incoming, Outgoing, problem, unreadable
from polyloop.errors import NoAnswerError, ProblemError


class EventReader:
    """Takes the lines of one stream, in their order."""

    def __init__(self, call: Outgoing[Answer]) -> None:
        self._call = call
        self._name = ""
        self._data: list[str] = []
        self._answer: Answer | None = None

    @property
    def answer(self) -> Answer:
        """Return the whole answer, which the last event brings; NoAnswerError before that."""
        if self._answer is None:
            raise NoAnswerError(f"the stream of {self._call.path} has not come to its answer; read it to its end")
        return self._answer

    def end(self) -> None:
        """Say that no line follows; NoAnswerError if the answer has not come."""
        if self._answer is None:
            raise NoAnswerError(f"the stream of {self._call.path} broke off (request {self._call.request_id})")

    def feed(self, line: str) -> str | None:
        """Take one line; return the text that it completes, if it does."""
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "event":
                self._name = value
            elif name == "data":
                self._data.append(value)
            return None
        name, data = self._name, "\n".join(self._data)
        self._name, self._data = "", []
        return self._take(name, data) if data else None

    def _take(self, name: str, data: str) -> str | None:
        try:
            if name == "piece":
                return Piece.model_validate_json(data).text
            if name == "answer":
                self._answer = Answer.model_validate_json(data)
            if name == "problem":
                raise self._problem(data)
        except ValidationError as error:
            raise unreadable(self._call, data, error) from None
        return None

    def _problem(self, data: str) -> ProblemError:
        status = Problem.model_validate_json(data).status
        return problem(self._call, Incoming(status=status, content=data.encode()))
