"""The client for threads.

Input: names of tasks, and texts. Output: typed answers. One `Client` may be used by many threads at once; it keeps
connections open between calls. Errors: `ProblemError` where the service refuses, `NoAnswerError` where nothing comes
back, and `ClientError` is the base of both.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from types import TracebackType
from typing import Any, Literal, Self, TypeVar

import httpx
from pydantic import BaseModel

from polyloop.client import calls
from polyloop.client.bodies import Answer, Health, ModelVersion, Receipt, Task
from polyloop.client.calls import Incoming, Outgoing
from polyloop.client.events import EventReader
from polyloop.client.options import MIN_TIMEOUT_S, TRY_TIMEOUT_S, WORTH_A_TRY, limits, target
from polyloop.client.retries import Retries, Tries

Result = TypeVar("Result", bound=BaseModel)
Tried = httpx.Response | Incoming
"""What one try gives: all that came back, or a response that is still to be read."""


class AnswerStream:
    """An answer while it is written: iterate over its text, then look at `answer`."""

    def __init__(self, call: Outgoing[Answer], response: httpx.Response, base_url: str) -> None:
        self._call, self._response, self._base_url = call, response, base_url
        self._reader = EventReader(call)
        self._texts = self._read()

    def __iter__(self) -> Iterator[str]:
        return self._texts

    @property
    def answer(self) -> Answer:
        """Return the whole answer; NoAnswerError before the stream has been read to its end."""
        return self._reader.answer

    def close(self) -> None:
        """Let go of the connection; the service stops writing."""
        self._response.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()

    def _read(self) -> Iterator[str]:
        try:
            for part in self._response.iter_text():
                yield from self._reader.feed(part)
        except httpx.RequestError as error:
            raise calls.no_answer(self._call, self._base_url, error) from error
        finally:
            self.close()
        self._reader.end()


class Client:
    """Asks a Polyloop service."""

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        *,
        retries: Retries | None = None,
        timeout_s: float = TRY_TIMEOUT_S,
    ) -> None:
        """Take the address and the key, or find them in POLYLOOP_API_URL and POLYLOOP_API_KEY.

        `timeout_s` is the longest that one try waits for a sign of the service, `retries` what happens after.
        """
        found = target(base_url, api_key)
        self._base_url = found.base_url
        self._retries = retries or Retries()
        self._timeout_s = timeout_s
        self._http = httpx.Client(base_url=found.base_url, headers=found.headers, limits=limits())

    def answer(self, task: str, input: str | None = None, *, version: str | None = None, **fields: Any) -> Answer:
        """Ask a task; `fields` are those of its request, such as locale, target_locale, style, messages and user.

        `version` asks for one of the versions that replicas hold, for keys with the scope admin.
        """
        return self._call(calls.answer(task, input, fields, version=version))

    def stream(self, task: str, input: str | None = None, *, version: str | None = None, **fields: Any) -> AnswerStream:
        """Ask a task and get its text as it is written. What breaks off after it began is not tried again."""
        call = calls.answer(task, input, fields, version=version, as_events=True)
        begun = self._tried(call, self._begun)
        if isinstance(begun, Incoming):
            raise calls.problem(call, begun)
        return AnswerStream(call, begun, self._base_url)

    def feedback(
        self,
        about: Answer | str,
        *,
        rating: Literal[1, -1] | None = None,
        correction: str | None = None,
        comment: str | None = None,
        user: str | None = None,
        input: str | None = None,
        idempotency_key: str | None = None,
    ) -> Receipt:
        """State a rating (1 or -1), a correction or a comment on an answer, or on the id of one.

        It has been committed when this returns. Tries share an Idempotency-Key, so that it is stored once.
        """
        statement = {"rating": rating, "correction": correction, "comment": comment, "user": user, "input": input}
        return self._call(calls.feedback(about, statement, idempotency_key))

    def tasks(self) -> tuple[Task, ...]:
        """List the tasks, with what each takes and which version answers."""
        return self._call(calls.tasks()).tasks

    def models(self) -> tuple[ModelVersion, ...]:
        """List the model versions, newest first."""
        return self._call(calls.models()).models

    def health(self) -> Health:
        """Return whether every task can answer, and why not."""
        return self._call(calls.health())

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.close()

    def _call(self, call: Outgoing[Result]) -> Result:
        given = self._tried(call, self._whole)
        assert isinstance(given, Incoming)
        return calls.read(call, given)

    def _tried(self, call: Outgoing[Any], attempt: Callable[[Outgoing[Any], Tries], Tried]) -> Tried:
        """Return what the last try of a call gave; NoAnswerError where that was nothing."""
        tries = Tries(self._retries)
        while True:
            try:
                given = attempt(call, tries)
            except httpx.RequestError as error:
                pause_s = tries.pause_s(None) if isinstance(error, WORTH_A_TRY) else None
                if pause_s is None:
                    raise calls.no_answer(call, self._base_url, error) from error
            else:
                if isinstance(given, httpx.Response) or given.status in call.fine:
                    return given
                pause_s = tries.pause_s(given.status, given.retry_after)
                if pause_s is None:
                    return given
            time.sleep(pause_s)

    def _whole(self, call: Outgoing[Any], tries: Tries) -> Incoming:
        """Try once, and read all that comes back."""
        return _read_all(self._open(call, tries), tries)

    def _begun(self, call: Outgoing[Any], tries: Tries) -> httpx.Response | Incoming:
        """Try once, and leave the response open where it is fine."""
        response = self._open(call, tries)
        return response if response.status_code in call.fine else _read_all(response, tries)

    def _open(self, call: Outgoing[Any], tries: Tries) -> httpx.Response:
        timeout_s = max(MIN_TIMEOUT_S, min(self._timeout_s, tries.left_s))
        headers = calls.sent_headers(call)
        request = self._http.build_request(call.method, call.path, json=call.body, headers=headers, timeout=timeout_s)
        return self._http.send(request, stream=True)


def _read_all(response: httpx.Response, tries: Tries) -> Incoming:
    """Return a whole response; ReadTimeout for one that still drips at the deadline."""
    content = bytearray()
    with closing(response):
        for part in response.iter_bytes():
            content += part
            if tries.left_s < 0:
                raise httpx.ReadTimeout("the answer was not whole at the deadline", request=response.request)
    retry_after = response.headers.get("retry-after")
    return Incoming(status=response.status_code, content=bytes(content), retry_after=retry_after)
