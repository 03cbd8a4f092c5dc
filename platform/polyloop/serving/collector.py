"""The feedback collector: an ingress of its own, so that feedback takes no hop.

Input: statements on signed inference ids. Output: a receipt, sent only after the statement was committed to the
store. The same Idempotency-Key with the same body gets the same receipt however often it is sent. `Collector` is all
of it and knows nothing of Serve's life cycle; `CollectorIngress` is what Serve runs.
"""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, FastAPI, Header, Request, Response
from ray import serve
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from polyloop.cluster.serve_log import log_through_serve
from polyloop.errors import RequestError
from polyloop.feedback.ids import verify
from polyloop.feedback.records import FeedbackRequest, check_correction, make_record
from polyloop.feedback.writer import FeedbackWriter
from polyloop.registry.store import open_store
from polyloop.serving.auth import KeyCheck, authorization_of, project_signing_key
from polyloop.serving.bodies import read_body
from polyloop.serving.lifespan import closing_at_the_end
from polyloop.serving.metrics.recorder import RayRecorder
from polyloop.serving.observing.asked import line_facts
from polyloop.serving.observing.door import Door
from polyloop.serving.options import COLLECTOR
from polyloop.serving.problems import install_problem_handlers
from polyloop.serving.schemas import FeedbackReceipt
from polyloop.serving.tracing.spans import current_span
from polyloop.serving.tracing.tracer import Tracing, open_tracing
from polyloop.spec.loader import LoadedSpec, load_spec


class RootSlash:
    """Gives the root of a mounted application its slash.

    Serve hands `POST /v1/feedback` to the application behind that prefix with an empty path, which no route of
    FastAPI can match.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with a path that is never empty."""
        if scope["type"] == "http" and scope.get("root_path") and scope["path"] == scope["root_path"]:
            scope["path"] += "/"  # in place, so that the door, which stands outside, sees the route that is found
        await self._app(scope, receive, send)


class Collector:
    """The feedback route and what it needs."""

    def __init__(self, loaded: LoadedSpec, *, tracing: Tracing | None = None) -> None:
        self._spec = loaded.spec
        self._tracing = tracing or open_tracing(COLLECTOR, RayRecorder())
        self._store = open_store(loaded.store_url)
        self._keys = KeyCheck(self._store)
        self._signing_key = project_signing_key(self._store)
        self._writer = FeedbackWriter(self._store)

    def close(self) -> None:
        """Commit the feedback that waits, and let go of the store."""
        self._writer.close()
        self._store.close()
        self._tracing.close()

    def app(self) -> FastAPI:
        """Return the route as an ASGI application to be mounted, which closes this collector when it shuts down."""
        # The router's document describes this route too (polyloop.serving.openapi): one page for the whole API.
        app = FastAPI(openapi_url=None, middleware=[Middleware(RootSlash)], lifespan=closing_at_the_end(self.close))
        app.add_middleware(Door, self._tracing, self._spec.serving.access_log)
        install_problem_handlers(app)
        app.add_api_route("/", self.give_feedback, methods=["POST"])
        return app

    async def give_feedback(
        self,
        request: Request,
        authorization: Annotated[str | None, Depends(authorization_of)],
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> Response:
        """Commit one statement, then acknowledge it."""
        key = await self._keys.require(authorization, "feedback")
        body = await read_body(request, FeedbackRequest, max_body_bytes=self._spec.serving.max_body_bytes)
        claim = verify(body.inference_id, self._signing_key)
        task = self._spec.tasks.get(claim.task)
        if task is None:
            raise RequestError(
                f"this inference is of the task {claim.task!r}, which this project does not serve", 404, "unknown_task"
            )
        check_correction(body, task)
        record = make_record(
            body,
            claim,
            key_id=key.key_id,
            idempotency_key=idempotency_key,
            signing_key=self._signing_key,
            created_at=datetime.now(UTC),
        )
        with current_span().child("store", what="feedback"):
            committed = await asyncio.wrap_future(self._writer.submit(record))
        receipt = FeedbackReceipt(feedback_id=str(committed.feedback_id))
        return Response(receipt.model_dump_json(), status_code=201, media_type="application/json")


@serve.ingress()
class CollectorIngress:
    """Serve deployment class around a `Collector`, behind /v1/feedback."""

    def __init__(self, spec_path: str) -> None:
        loaded = load_spec(spec_path)
        log_through_serve(line_facts, is_json=loaded.spec.serving.logs == "json")
        self._collector = Collector(loaded)

    def __serve_build_asgi_app__(self) -> FastAPI:
        return self._collector.app()
