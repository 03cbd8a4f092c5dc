"""An answer of POST /v1/tasks/{task} as server-sent events, for clients that send `Accept: text/event-stream`.

Input: pieces of text and then the answer. Output: events `piece` ({id, version, text}), and at the end one event
`answer` with the body that the route has otherwise, or one event `problem`.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import Request, Response

from polyloop.serving.answering import Piece
from polyloop.serving.events import MEDIA_TYPE, begun, event, event_response
from polyloop.serving.problems import Failure
from polyloop.serving.schemas import StreamedPiece
from polyloop.tasks.base import TaskAnswer


def accepts_events(request: Request) -> bool:
    """Return whether a client asks for events."""
    return MEDIA_TYPE in request.headers.get("accept", "")


async def streamed(request: Request, parts: AsyncGenerator[Piece | TaskAnswer]) -> Response:
    """Return the response that sends an answer as it is written; a failure before its first piece is raised."""
    return event_response(request, _events(await begun(parts)), _problem_event)


async def _events(parts: AsyncGenerator[Piece | TaskAnswer]) -> AsyncGenerator[str]:
    async with aclosing(parts):
        async for part in parts:
            if isinstance(part, Piece):
                piece = StreamedPiece(id=part.id, version=part.version, text=part.text)
                yield event(piece.model_dump_json(), "piece")
            else:
                yield event(part.model_dump_json(exclude_none=True), "answer")


def _problem_event(failure: Failure) -> str:
    return event(failure.problem.model_dump_json(exclude_none=True), "problem")
