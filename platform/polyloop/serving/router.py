"""The router: the HTTP door to all tasks.

Input: JSON requests with an API key. Output: answers with a signed inference id, or problem+json. It checks keys, reads
bodies and writes answers; how these come about is the `Answerer`'s business. `Router` is all of it and knows nothing of
Serve's life cycle; `RouterIngress` is what Serve runs.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from fastapi_offline import FastAPIOffline
from ray import serve

from polyloop import __version__
from polyloop.cluster.serve_log import log_through_serve
from polyloop.console.pages import console_routes
from polyloop.errors import ClusterError
from polyloop.registry.store import open_store
from polyloop.registry.versions import list_versions
from polyloop.serving import openapi
from polyloop.serving.answerer import Answerer
from polyloop.serving.auth import KeyCheck, authorization_of
from polyloop.serving.batch_route import BatchRoute
from polyloop.serving.bodies import read_body
from polyloop.serving.calls import TaskHandle
from polyloop.serving.catalogue import served_model, task_list, version_list
from polyloop.serving.express import PATH, Express
from polyloop.serving.in_router import InRouter
from polyloop.serving.interpreter import favour_the_event_loop
from polyloop.serving.lifespan import closing_at_the_end
from polyloop.serving.metrics.recorder import RayRecorder, Recorder
from polyloop.serving.metrics.window import RecentRequests
from polyloop.serving.nearby.places import socket_folders
from polyloop.serving.observing.asked import line_facts
from polyloop.serving.observing.door import Door
from polyloop.serving.oip import routes as oip_routes
from polyloop.serving.openai_api import routes as openai_routes
from polyloop.serving.options import ROUTER
from polyloop.serving.problems import install_problem_handlers
from polyloop.serving.releases.routes import ReleaseRoutes
from polyloop.serving.schemas import Health, ServedModel, TaskList, VersionList
from polyloop.serving.status.routes import StatusRoutes
from polyloop.serving.task_events import accepts_events, streamed
from polyloop.serving.task_model import TaskModel
from polyloop.serving.tracing.tracer import Tracing, open_tracing
from polyloop.spec.loader import LoadedSpec, load_spec
from polyloop.tasks import kind_of

Authorization = Annotated[str | None, Depends(authorization_of)]


class Router:
    """The routes and what they need; `tasks` maps each task's name to the handle of its deployment, or its model.

    `sockets` are the folders in which replicas of this node listen, by task.
    """

    def __init__(
        self,
        loaded: LoadedSpec,
        tasks: Mapping[str, TaskHandle | InRouter],
        *,
        recorder: Recorder | None = None,
        tracing: Tracing | None = None,
        sockets: Mapping[str, Path] | None = None,
    ) -> None:
        self._spec = loaded.spec
        self._recent = RecentRequests(recorder or RayRecorder())
        self._tracing = tracing or open_tracing(ROUTER, self._recent)
        self._store = open_store(loaded.store_url)
        self._keys = KeyCheck(self._store)
        self._answerer = Answerer(loaded, tasks, store=self._store, recorder=self._recent, sockets=sockets)
        self._release_routes = ReleaseRoutes(self._answerer, self._keys, self._store, loaded)

    @property
    def alive(self) -> bool:
        """True while the releases are followed."""
        return self._answerer.alive

    def close(self) -> None:
        """Write what the inference log still holds, and let go of models and store."""
        self._release_routes.close()
        self._answerer.close()
        self._store.close()
        self._tracing.close()

    def app(self) -> FastAPI:
        """Return the routes as an ASGI application, which closes this router when it shuts down."""
        app = FastAPIOffline(
            title="Polyloop",
            version=__version__,
            redoc_url=None,
            redirect_slashes=False,  # to a place that the client's Host header would name
            lifespan=closing_at_the_end(self.close),
            telemetry={"tracing": False, "metrics": False, "logs": False},  # spans and figures are the door's
        )
        max_body_bytes = self._spec.serving.max_body_bytes
        BatchRoute(self._answerer, self._keys, max_body_bytes=max_body_bytes).add_to(app)
        app.add_api_route(PATH, self.answer_task, methods=["POST"], tags=["inference"], **openapi.TASK_ROUTE)
        # The last one that is added is the outermost.
        app.add_middleware(Express, app.routes[-1], self.answer_task)
        install_problem_handlers(app, {**openai_routes.SHAPES, **oip_routes.SHAPES})
        app.add_middleware(Door, self._tracing, self._spec.serving.access_log)
        app.add_api_route("/v1/tasks", self.list_tasks, tags=["catalogue"], **openapi.TASKS_ROUTE)
        app.add_api_route("/v1/models", self.list_models, tags=["catalogue"], **openapi.MODELS_ROUTE)
        app.add_api_route("/v1/models/{model}", self.show_model, tags=["catalogue"], **openapi.MODEL_ROUTE)
        openai_routes.OpenAIRoutes(self._answerer, self._keys, max_body_bytes=max_body_bytes).add_to(app)
        oip_routes.InferenceRoutes(self._answerer, self._keys, max_body_bytes=max_body_bytes).add_to(app)
        self._release_routes.add_to(app)
        StatusRoutes(self._answerer, self._keys, self._store, self._recent).add_to(app)
        app.add_api_route("/healthz", self.live, tags=["health"])
        app.add_api_route("/readyz", self.ready, tags=["health"], responses={503: {"model": Health}})
        app.router.routes.extend(console_routes())
        openapi.install(app, tuple(self._spec.tasks))
        return app

    async def answer_task(self, task: str, request: Request, authorization: Authorization) -> Response:
        """Answer one input, as it is written if the client accepts events; keys with admin may ask for a `version`."""
        asked = request.query_params.get("version") if request.scope["query_string"] else None
        caller = await self._keys.require(authorization, "infer" if asked is None else "admin")
        model = kind_of(self._answerer.task(task)).request_model
        body = await read_body(request, model, max_body_bytes=self._spec.serving.max_body_bytes)
        if accepts_events(request):
            return await streamed(request, self._answerer.stream(task, body, caller, asked=asked))
        answer = await self._answerer.answer(task, body, caller, asked=asked)
        return Response(answer.model_dump_json(exclude_none=True), media_type="application/json")

    async def list_tasks(self, authorization: Authorization) -> TaskList:
        """List the tasks, with what each takes and which version answers."""
        await self._keys.require(authorization, "infer")
        return task_list(self._spec, self._champions())

    async def list_models(self, authorization: Authorization) -> VersionList:
        """List the model versions with their results per locale, and in OpenAI's form the tasks that can be asked."""
        await self._keys.require(authorization, "infer")
        versions = await asyncio.to_thread(list_versions, self._store)
        return version_list(versions, self._spec.tasks, self._champions())

    async def show_model(self, model: str, authorization: Authorization) -> ServedModel:
        """Show one task that can be asked, as OpenAI shows a model."""
        await self._keys.require(authorization, "infer")
        versions = await asyncio.to_thread(list_versions, self._store)
        return served_model(model, versions, self._spec.tasks, self._champions())

    async def live(self) -> Health:
        """Say that the router runs."""
        return Health(status="ok", reasons={})

    def ready(self, response: Response) -> Health:
        """Say whether every task's champion is loaded in a live replica (503 if not)."""
        reasons = self._answerer.unready()
        response.status_code = 503 if reasons else 200
        return Health(status="not_ready" if reasons else "ok", reasons=reasons)

    def _champions(self) -> dict[str, str | None]:
        return {name: self._answerer.champion(name) for name in self._spec.tasks}


def router_with_models(
    loaded: LoadedSpec,
    tasks: Mapping[str, TaskHandle],
    here: Sequence[str],
    task_model: type[TaskModel],
    sockets: Mapping[str, Path] | None = None,
) -> Router:
    """Return a router over handles and, for the tasks named in `here`, models of its own.

    Which tasks these are was settled when the application was built: the spec's file may have changed since.
    """
    recorder = RayRecorder()
    tracing = open_tracing(ROUTER, recorder)
    with ExitStack() as opened:
        ways: dict[str, TaskHandle | InRouter] = dict(tasks)
        for name in here:
            way = InRouter(task_model(str(loaded.path), name, tracing=tracing))
            opened.callback(way.close)
            ways[name] = way
        router = Router(loaded, ways, recorder=recorder, tracing=tracing, sockets=sockets)
        opened.pop_all()
    return router


@serve.ingress()
class RouterIngress:
    """Serve deployment class around a `Router`."""

    def __init__(
        self,
        spec_path: str,
        tasks: dict[str, TaskHandle],
        here: Sequence[str] = (),
        task_model: type[TaskModel] = TaskModel,
    ) -> None:
        favour_the_event_loop()
        loaded = load_spec(spec_path)
        log_through_serve(line_facts, is_json=loaded.spec.serving.logs == "json")
        sockets = socket_folders(spec_path, tuple(tasks))
        self._router = router_with_models(loaded, tasks, here, task_model, sockets)

    def __serve_build_asgi_app__(self) -> FastAPI:
        return self._router.app()

    def check_health(self) -> None:
        """Tell Serve to replace this replica when it no longer follows the releases."""
        if not self._router.alive:
            raise ClusterError("the router no longer follows the releases")
