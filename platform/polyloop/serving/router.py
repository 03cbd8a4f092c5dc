"""The router: the HTTP door to all tasks.

Input: JSON requests with an API key. Output: answers with a signed inference id, or problem+json. For each request it
checks the key, tells the locale if none is given, picks the version that the release names, hands the call to the
task's replicas and puts a record of the inference on the write-behind log. The only hop a request takes is the one to
the model. `Router` is all of it and knows nothing of Serve's life cycle; `RouterIngress` is what Serve runs.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi_offline import FastAPIOffline
from ray import serve

from polyloop import __version__
from polyloop.cluster.serve_log import log_through_serve
from polyloop.console.pages import console_routes
from polyloop.data.language import identify
from polyloop.errors import ClusterError, RequestError
from polyloop.feedback.ids import InferenceClaim, digest_input, new_uuid7, sign
from polyloop.feedback.inference_log import InferenceLog
from polyloop.registry.keys import KeyInfo
from polyloop.registry.store import open_store
from polyloop.registry.versions import list_versions
from polyloop.serving import openapi
from polyloop.serving.answering import Piece
from polyloop.serving.answers import answer_of, record_of
from polyloop.serving.auth import KeyCheck, authorization_of, project_signing_key
from polyloop.serving.bodies import read_body
from polyloop.serving.calls import Call, Reply, TaskHandle
from polyloop.serving.catalogue import served_model, task_list, version_list
from polyloop.serving.choice import Choice, choose, sticky_key
from polyloop.serving.dispatch import dispatch, dispatch_stream
from polyloop.serving.guardrails.screens import Screens
from polyloop.serving.lifespan import closing_at_the_end
from polyloop.serving.metrics.recorder import RayRecorder, Recorder
from polyloop.serving.metrics.table import LOG_DROPPED
from polyloop.serving.observing.asked import line_facts
from polyloop.serving.observing.door import Door
from polyloop.serving.observing.inference import ObservedInference
from polyloop.serving.oip import routes as oip_routes
from polyloop.serving.openai_api import routes as openai_routes
from polyloop.serving.options import ROUTER
from polyloop.serving.problems import documented, install_problem_handlers
from polyloop.serving.release_watch import ReleaseWatch
from polyloop.serving.schemas import Health, ServedModel, TaskList, VersionList
from polyloop.serving.settling import input_locales
from polyloop.serving.task_events import accepts_events, streamed
from polyloop.serving.tracing.spans import current_span
from polyloop.serving.tracing.tracer import Tracing, open_tracing
from polyloop.spec.loader import LoadedSpec, load_spec
from polyloop.spec.models import TaskSpec
from polyloop.tasks import kind_of
from polyloop.tasks.base import TaskAnswer, TaskRequest
from polyloop.tasks.text import normalise_text

Authorization = Annotated[str | None, Depends(authorization_of)]


class Router:
    """The routes and what they need; `tasks` maps the name of each task to the handle of its deployment."""

    def __init__(
        self,
        loaded: LoadedSpec,
        tasks: Mapping[str, TaskHandle],
        *,
        recorder: Recorder | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        self._spec = loaded.spec
        self._recorder: Recorder = recorder or RayRecorder()
        self._tracing = tracing or open_tracing(ROUTER, self._recorder)
        self._tasks = tasks
        self._store = open_store(loaded.store_url)
        self._keys = KeyCheck(self._store)
        self._signing_key = project_signing_key(self._store)
        self._releases = ReleaseWatch(self._store, tuple(self._spec.tasks))
        self._releases.start()
        self._log = InferenceLog(self._store)
        self._screens = Screens(loaded, self._label_scores, self._recorder)
        identify("warm", self._spec.locales)

    @property
    def alive(self) -> bool:
        """True while the releases are followed."""
        return self._releases.alive

    def close(self) -> None:
        """Write what the inference log still holds, and let go of the store."""
        self._releases.stop()
        self._log.close()
        self._store.close()
        self._tracing.close()

    def app(self) -> FastAPI:
        """Return the routes as an ASGI application, which closes this router when it shuts down."""
        app = FastAPIOffline(
            title="Polyloop", version=__version__, redoc_url=None, lifespan=closing_at_the_end(self.close)
        )
        app.add_middleware(Door, self._tracing, self._spec.serving.access_log)
        install_problem_handlers(app, {**openai_routes.SHAPES, **oip_routes.SHAPES})
        needs_key: dict[str, Any] = {"responses": documented(401, 403, 503), "openapi_extra": openapi.NEEDS_KEY}
        app.add_api_route(
            "/v1/tasks/{task}", self.answer_task, methods=["POST"], tags=["inference"], **openapi.TASK_ROUTE
        )
        app.add_api_route("/v1/tasks", self.list_tasks, tags=["catalogue"], **needs_key)
        app.add_api_route("/v1/models", self.list_models, tags=["catalogue"], **needs_key)
        app.add_api_route("/v1/models/{model}", self.show_model, tags=["catalogue"], **openapi.MODEL_ROUTE)
        max_body_bytes = self._spec.serving.max_body_bytes
        openai_routes.OpenAIRoutes(self, self._keys, max_body_bytes=max_body_bytes).add_to(app)
        oip_routes.InferenceRoutes(self, self._keys, max_body_bytes=max_body_bytes).add_to(app)
        app.add_api_route("/healthz", self.live, tags=["health"])
        app.add_api_route("/readyz", self.ready, tags=["health"], responses={503: {"model": Health}})
        app.router.routes.extend(console_routes())
        openapi.install(app)
        return app

    def tasks(self) -> Mapping[str, TaskSpec]:
        """Return the tasks by name."""
        return self._spec.tasks

    def champion(self, task: str) -> str | None:
        """Return the version that a task serves now."""
        return self._releases.champion(task)

    def unready(self) -> dict[str, str]:
        """Return, per task that cannot answer, the reason. Reads the store."""
        return self._releases.unready()

    async def answer(self, task: str, body: TaskRequest, caller: KeyInfo, *, named: str | None = None) -> TaskAnswer:
        """Answer one request with the version that the task's release gives the user: the champion, or the canary.

        Who has `named` the champion gets it.
        """
        task_spec = self.task(task)
        with ObservedInference(self._recorder, task) as seen:
            choice = self._choose(task, body, named)
            seen.chosen(choice)
            call, fired = await self._screens.call(task, body, choice.version, seen.span)
            seen.called(call)
            timeout_s = self._spec.serving.request_timeout_s
            reply = await dispatch(self._tasks[task], call, task=task, timeout_s=timeout_s, span=seen.span)
            reply, more = await self._screens.reply(task, reply, call.target_locale, seen.span)
            claim = self._claim(task, call, choice.propensity)
            id_ = sign(claim, self._signing_key)
            answer = answer_of(claim, task_spec, reply, id_=id_, started_s=seen.started_s, fired=(*fired, *more))
            seen.answered(claim, answer)
        self._put_down(claim, call, reply, answer, caller, body)
        return answer

    async def stream(self, task: str, body: TaskRequest, caller: KeyInfo) -> AsyncGenerator[Piece | TaskAnswer]:
        """Give the output in pieces as a replica writes it, then the whole answer, which alone is logged.

        Where guardrails look at outputs it comes in one piece: what was sent could not be taken back.
        """
        task_spec = self.task(task)
        with ObservedInference(self._recorder, task) as seen:
            choice = self._choose(task, body)
            seen.chosen(choice)
            call, fired = await self._screens.call(task, body, choice.version, seen.span)
            seen.called(call)
            is_screened = self._screens.look_at_outputs(task)
            claim = self._claim(task, call, choice.propensity)
            id_ = sign(claim, self._signing_key)
            timeout_s = self._spec.serving.request_timeout_s
            written = dispatch_stream(self._tasks[task], call, task=task, timeout_s=timeout_s, span=seen.span)
            async with aclosing(written) as parts:
                async for part in parts:
                    if isinstance(part, str):
                        if not is_screened:
                            seen.piece()
                            yield Piece(id=id_, version=call.version, text=part)
                        continue
                    reply, more = await self._screens.reply(task, part, call.target_locale, seen.span)
                    if is_screened:
                        seen.piece()
                        yield Piece(id=id_, version=call.version, text=reply.output)
                    answer = answer_of(
                        claim, task_spec, reply, id_=id_, started_s=seen.started_s, fired=(*fired, *more)
                    )
                    seen.answered(claim, answer)
                    self._put_down(claim, call, reply, answer, caller, body)
                    yield answer

    def _put_down(
        self, claim: InferenceClaim, call: Call, reply: Reply, answer: TaskAnswer, caller: KeyInfo, body: TaskRequest
    ) -> None:
        serving = self._spec.serving
        keeps, masks = serving.log_inputs, serving.log_personal_data == "mask"
        record = record_of(claim, call, reply, answer, caller, user=body.user, keeps_texts=keeps, masks=masks)
        if not self._log.put(record):
            self._recorder.add(LOG_DROPPED, self._log.num_dropped)

    async def answer_task(self, task: str, request: Request, authorization: Authorization) -> Response:
        """Answer one input, as it is written if the client accepts events."""
        caller = await self._keys.require(authorization, "infer")
        model = kind_of(self.task(task)).request_model
        body = await read_body(request, model, max_body_bytes=self._spec.serving.max_body_bytes)
        if accepts_events(request):
            return await streamed(request, self.stream(task, body, caller))
        answer = await self.answer(task, body, caller)
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
        reasons = self.unready()
        response.status_code = 503 if reasons else 200
        return Health(status="not_ready" if reasons else "ok", reasons=reasons)

    def _champions(self) -> dict[str, str | None]:
        return {name: self.champion(name) for name in self._spec.tasks}

    def task(self, name: str) -> TaskSpec:
        """Return one task; RequestError 404 if there is none of that name."""
        if name not in self._spec.tasks:
            raise RequestError(
                f"there is no task {name[:80]!r}; the tasks are: {', '.join(sorted(self._spec.tasks))}",
                404,
                "unknown_task",
            )
        return self._spec.tasks[name]

    def _choose(self, task: str, body: TaskRequest, named: str | None = None) -> Choice:
        """Pick the version for a request's user or session."""
        choice = choose(self._releases.release(task), sticky_key(body.user, body.session), named=named)
        if choice is None:
            raise no_model(task)
        return choice

    async def _label_scores(self, task: str, text: str, locale: str) -> Mapping[str, float] | None:
        """Return what a classify task says of a text, for guardrails; None where it does not serve the locale."""
        if locale not in input_locales(self.task(task), self._spec.locales):
            return None
        version = self.champion(task)
        if version is None:
            raise no_model(task)
        call = Call(version=version, text=normalise_text(text), locale=locale, target_locale=locale)
        timeout_s = self._spec.serving.request_timeout_s
        reply = await dispatch(self._tasks[task], call, task=task, timeout_s=timeout_s, span=current_span())
        return reply.scores

    def _claim(self, task: str, call: Call, propensity: float) -> InferenceClaim:
        return InferenceClaim(
            inference_id=new_uuid7(),
            task=task,
            version=call.version,
            locale=call.locale,
            target_locale=call.target_locale,
            propensity=propensity,
            input_digest=digest_input(call.text, self._signing_key),
        )


def no_model(task: str) -> RequestError:
    """Return the error for a task that has no champion yet."""
    return RequestError(f"the task {task!r} serves no model yet; train one with `polyloop loop run`", 503, "no_model")


@serve.ingress()
class RouterIngress:
    """Serve deployment class around a `Router`."""

    def __init__(self, spec_path: str, tasks: dict[str, TaskHandle]) -> None:
        loaded = load_spec(spec_path)
        log_through_serve(line_facts, is_json=loaded.spec.serving.logs == "json")
        self._router = Router(loaded, tasks)

    def __serve_build_asgi_app__(self) -> FastAPI:
        return self._router.app()

    def check_health(self) -> None:
        """Tell Serve to replace this replica when it no longer follows the releases."""
        if not self._router.alive:
            raise ClusterError("the router no longer follows the releases")
