"""Reads a streamed answer: lines of server-sent events into pieces of text, and at the end the answer.

Input: the stream as it comes. Output: texts; the answer is in `answer` after the last. Errors: ProblemError for an
event `problem`, NoAnswerError where the stream ends without an answer. Unknown events are passed over, as the standard
asks (https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation).
"""

import re
from collections.abc import Iterator

from pydantic import ValidationError

from polyloop.client.bodies import Answer, Piece, Problem
from polyloop.client.calls import Incoming, Outgoing, problem, unreadable
from polyloop.errors import NoAnswerError, ProblemError

LINE_END = re.compile(r"\r\n|\n|\r")
"""What ends a line of an event stream. Python, and httpx with it, cuts at more characters (U+2028 and U+0085 among
them), which may stand in the middle of a JSON text."""


class EventReader:
    """Takes one stream, part by part."""

    def __init__(self, call: Outgoing[Answer]) -> None:
        self._call = call
        self._rest = ""
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
        """Say that nothing follows; NoAnswerError if the answer has not come."""
        if self._answer is None:
            raise NoAnswerError(f"the stream of {self._call.path} broke off (request {self._call.request_id})")

    def feed(self, part: str) -> Iterator[str]:
        """Take some more of the stream, cut anywhere; yield the texts that it completes."""
        begun = self._rest + part
        held = "\r" if begun.endswith("\r") else ""  # it may be the first half of a line's end
        *lines, last = LINE_END.split(begun.removesuffix("\r"))
        self._rest = last + held
        for line in lines:
            text = self._take_line(line)
            if text is not None:
                yield text

    def _take_line(self, line: str) -> str | None:
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
