"""The short way to the route that is asked most: no list of routes is searched, nothing is injected into its handler.

Input: requests over HTTP. Effect: POST /v1/tasks/{task} goes to its handler at once, and everything else on to the
application. That has the same route, for its OpenAPI document and for paths that stand below another; failures are
answered further out (`polyloop.serving.problems`), the same by both ways. What it saves: docs/decisions/0035.
"""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX = "/v1/tasks/"
PATH = PREFIX + "{task}"
Handler = Callable[[str, Request, str | None], Awaitable[Response]]
"""Answers a request to the task of a name, with its Authorization header."""


class Express:
    """ASGI middleware, inside of what answers failures; `route` is where the application has the handler too."""

    def __init__(self, app: ASGIApp, route: BaseRoute, handler: Handler) -> None:
        self._app, self._route, self._handler = app, route, handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        task = task_of(scope)
        if task is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = self._route
        request = Request(scope, receive, send)
        response = await self._handler(task, request, request.headers.get("authorization"))
        await response(scope, receive, send)


def task_of(scope: Scope) -> str | None:
    """Return the task that a request asks, as its path names it; None where it is one to another route."""
    if scope["type"] != "http" or scope["method"] != "POST" or scope.get("root_path"):
        return None
    path: str = scope["path"]
    task = path[len(PREFIX) :] if path.startswith(PREFIX) else ""
    return None if not task or "/" in task or ":" in task else task
