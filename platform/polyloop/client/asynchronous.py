"""The client for event loops.

Input: names of tasks, and texts. Output: typed answers. One `AsyncClient` may be used by many tasks of one loop at
once; it keeps connections open between calls. Errors: as for `Client`.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
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


class AsyncAnswerStream:
    """An answer while it is written: iterate over its text, then look at `answer`."""

    def __init__(self, call: Outgoing[Answer], response: httpx.Response, base_url: str) -> None:
        self._call, self._response, self._base_url = call, response, base_url
        self._reader = EventReader(call)
        self._texts = self._read()

    def __aiter__(self) -> AsyncIterator[str]:
        return self._texts

    @property
    def answer(self) -> Answer:
        """Return the whole answer; NoAnswerError before the stream has been read to its end."""
        return self._reader.answer

    async def close(self) -> None:
        """Let go of the connection; the service stops writing."""
        await self._response.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_raised: object) -> None:
        await self.close()

    async def _read(self) -> AsyncIterator[str]:
        try:
            async for part in self._response.aiter_text():
                for text in self._reader.feed(part):
                    yield text
        except httpx.RequestError as error:
            raise calls.no_answer(self._call, self._base_url, error) from error
        finally:
            await self.close()
        self._reader.end()


class AsyncClient:
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
        self._http = httpx.AsyncClient(base_url=found.base_url, headers=found.headers, limits=limits())

    async def answer(self, task: str, input: str | None = None, *, version: str | None = None, **fields: Any) -> Answer:
        """Ask a task; `fields` are those of its request, such as locale, target_locale, style, messages and user.

        `version` asks for one of the versions that replicas hold, for keys with the scope admin.
        """
        return await self._call(calls.answer(task, input, fields, version=version))

    async def stream(
        self, task: str, input: str | None = None, *, version: str | None = None, **fields: Any
    ) -> AsyncAnswerStream:
        """Ask a task and get its text as it is written. What breaks off after it began is not tried again."""
        call = calls.answer(task, input, fields, version=version, as_events=True)
        begun = await self._tried(call, self._begun)
        if isinstance(begun, Incoming):
            raise calls.problem(call, begun)
        return AsyncAnswerStream(call, begun, self._base_url)

    async def feedback(
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
        return await self._call(calls.feedback(about, statement, idempotency_key))

    async def tasks(self) -> tuple[Task, ...]:
        """List the tasks, with what each takes and which version answers."""
        return (await self._call(calls.tasks())).tasks

    async def models(self) -> tuple[ModelVersion, ...]:
        """List the model versions, newest first."""
        return (await self._call(calls.models())).models

    async def health(self) -> Health:
        """Return whether every task can answer, and why not."""
        return await self._call(calls.health())

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _call(self, call: Outgoing[Result]) -> Result:
        given = await self._tried(call, self._whole)
        assert isinstance(given, Incoming)
        return calls.read(call, given)

    async def _tried(self, call: Outgoing[Any], attempt: Callable[[Outgoing[Any], Tries], Awaitable[Tried]]) -> Tried:
        """Return what the last try of a call gave; NoAnswerError where that was nothing."""
        tries = Tries(self._retries)
        while True:
            try:
                async with asyncio.timeout(tries.left_s):
                    given = await attempt(call, tries)
            except TimeoutError:
                raise calls.no_answer(call, self._base_url, TimeoutError("the deadline has passed")) from None
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
            await asyncio.sleep(pause_s)

    async def _whole(self, call: Outgoing[Any], tries: Tries) -> Incoming:
        """Try once, and read all that comes back."""
        return await _read_all(await self._open(call, tries))

    async def _begun(self, call: Outgoing[Any], tries: Tries) -> httpx.Response | Incoming:
        """Try once, and leave the response open where it is fine."""
        response = await self._open(call, tries)
        return response if response.status_code in call.fine else await _read_all(response)

    async def _open(self, call: Outgoing[Any], tries: Tries) -> httpx.Response:
        timeout_s = max(MIN_TIMEOUT_S, min(self._timeout_s, tries.left_s))
        headers = calls.sent_headers(call)
        request = self._http.build_request(call.method, call.path, json=call.body, headers=headers, timeout=timeout_s)
        return await self._http.send(request, stream=True)


async def _read_all(response: httpx.Response) -> Incoming:
    """Return a whole response."""
    async with aclosing(response):
        content = await response.aread()
    retry_after = response.headers.get("retry-after")
    return Incoming(status=response.status_code, content=content, retry_after=retry_after)
