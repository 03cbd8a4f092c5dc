"""Answers requests to the tasks of a project: the one `Answering` that all protocols of the router share.

Input: a task, a validated request, the key that asks. Output: an answer with a signed inference id, or pieces of text
and then the answer. For each request it lets the key and the task's pace decide whether it may begin, picks the version
that the release names, asks guardrails, and hands the call to the task's replicas unless an equal one was answered
lately. The only hop a request takes is the one to the model.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path

from polyloop.data.language import identify
from polyloop.errors import PolyloopError, RequestError
from polyloop.registry.keys import KeyInfo
from polyloop.registry.store import Store
from polyloop.serving.answering import Piece
from polyloop.serving.bundler import Bundler
from polyloop.serving.calls import Call, Reply, TaskHandle, Way
from polyloop.serving.choice import Choice, choose, choose_asked, held_versions, sticky_key
from polyloop.serving.dispatch import dispatch, dispatch_stream
from polyloop.serving.fallback import another_task_may_help, another_version_may_help, stand_in
from polyloop.serving.guardrails.screens import Screens
from polyloop.serving.in_router import InRouter
from polyloop.serving.ledger import Ledger
from polyloop.serving.limits.gates import KeyGate, TaskGate, Work
from polyloop.serving.metrics.recorder import Recorder
from polyloop.serving.metrics.table import CACHE, FALLBACKS
from polyloop.serving.nearby.nearby import Nearby
from polyloop.serving.observing.inference import ObservedInference
from polyloop.serving.problems import code_of
from polyloop.serving.release_watch import ReleaseWatch
from polyloop.serving.reply_cache import ReplyCache
from polyloop.serving.settling import input_locales
from polyloop.serving.tracing.spans import Span, current_span
from polyloop.spec.loader import LoadedSpec
from polyloop.spec.models import TaskSpec
from polyloop.tasks.base import TaskAnswer, TaskRequest
from polyloop.tasks.text import normalise_text

logger = logging.getLogger("polyloop.serving")


class Answerer:
    """Answers; `tasks` maps the name of each task to the handle of its deployment, or to its model here.

    `sockets` are the folders in which replicas of this node listen, by task; the others are asked over Serve alone. For
    one event loop.
    """

    def __init__(
        self,
        loaded: LoadedSpec,
        tasks: Mapping[str, TaskHandle | InRouter],
        *,
        store: Store,
        recorder: Recorder,
        sockets: Mapping[str, Path] | None = None,
    ) -> None:
        self._spec, self._recorder = loaded.spec, recorder
        self._ways = {name: self._way(name, task, (sockets or {}).get(name)) for name, task in tasks.items()}
        at_rest = frozenset(name for name, task in self._spec.tasks.items() if not task.serving.min_replicas)
        self._releases = ReleaseWatch(store, tuple(self._spec.tasks), may_rest=at_rest)
        self._releases.start()
        self._ledger = Ledger(self._spec, store, recorder)
        self._screens = Screens(loaded, self._label_scores, recorder)
        self._keys, self._paces = KeyGate(self._spec.serving.key_limits, recorder), TaskGate(self._spec)
        self._caches = {
            name: ReplyCache(max_bytes=task.serving.cache_mb * 1e6, ttl_s=task.serving.cache_ttl_s)
            for name, task in self._spec.tasks.items()
            if task.serving.cache_mb
        }
        identify("warm", self._spec.locales)

    def _way(self, name: str, task: TaskHandle | InRouter, sockets: Path | None) -> Way:
        if isinstance(task, InRouter):
            return task
        if sockets is None:
            return Bundler(task)
        most = self._spec.tasks[name].serving.max_ongoing_requests
        return Nearby(Bundler(task), sockets, lambda: self._releases.num_replicas(name), most=most)

    @property
    def alive(self) -> bool:
        """True while the releases are followed, also by the models that live here."""
        return self._releases.alive and all(way.alive for way in self._ways.values())

    def close(self) -> None:
        """Write what the inference log still holds, and let go of the models that live here."""
        self._releases.stop()
        self._ledger.close()
        for task, way in self._ways.items():
            try:
                way.close()
            except PolyloopError as error:  # the store is away; what is left has to be closed all the same
                logger.warning("%s could not take leave: %s", task, error)

    def tasks(self) -> Mapping[str, TaskSpec]:
        """Return the tasks by name."""
        return self._spec.tasks

    def task(self, name: str) -> TaskSpec:
        """Return one task; RequestError 404 if there is none of that name."""
        if name not in self._spec.tasks:
            raise RequestError(
                f"there is no task {name[:80]!r}; the tasks are: {', '.join(sorted(self._spec.tasks))}",
                404,
                "unknown_task",
            )
        return self._spec.tasks[name]

    def champion(self, task: str) -> str | None:
        """Return the version that a task serves now."""
        return self._releases.champion(task)

    def unready(self) -> dict[str, str]:
        """Return, per task that cannot answer, the reason. Reads the store."""
        champions = {task: self.champion(task) for task in self._ways}
        missing = {
            task: f"this router does not hold {champion}"
            for task, champion in champions.items()
            if champion is not None and not self._ways[task].holds(champion)
        }
        return {**missing, **self._releases.unready()}

    async def answer(
        self,
        task: str,
        body: TaskRequest,
        caller: KeyInfo,
        *,
        named: str | None = None,
        asked: str | None = None,
    ) -> TaskAnswer:
        """Answer one request with the version that the task's release gives the user: the champion, or the canary.

        Who has `named` the champion gets it; an operator gets the version `asked` for, if replicas hold it, and nobody
        stands in for that.
        """
        with self._keys.admitted(caller, task) as tokens:
            if asked is not None:
                answer = await self._answer_by(task, body, caller, asked=asked)
            else:
                answer = await self._answer(task, body, caller, named)
            tokens.spend(_tokens_of(answer))
        return answer

    async def answer_each(
        self, task: str, bodies: Sequence[TaskRequest], caller: KeyInfo
    ) -> list[TaskAnswer | Exception]:
        """Answer several requests side by side; for the key they are one. What fails is in the place of its answer."""
        with self._keys.admitted(caller, task, num_inputs=len(bodies)) as tokens:
            found = await asyncio.gather(*(self._answer(task, body, caller) for body in bodies), return_exceptions=True)
            results: list[TaskAnswer | Exception] = []
            for one in found:
                if isinstance(one, TaskAnswer):
                    tokens.spend(_tokens_of(one))
                elif not isinstance(one, Exception):
                    raise one
                results.append(one)
        return results

    async def answer_all(
        self, task: str, bodies: Sequence[TaskRequest], caller: KeyInfo, *, named: str | None = None
    ) -> list[TaskAnswer]:
        """Answer several requests side by side; the first error cancels the rest, and says which one it met."""

        async def answer_one(body: TaskRequest, place: str) -> TaskAnswer:
            try:
                return await self._answer(task, body, caller, named)
            except RequestError as error:
                raise error.at(place) from None

        with self._keys.admitted(caller, task, num_inputs=len(bodies)) as tokens:
            try:
                async with asyncio.TaskGroup() as group:
                    asked = [
                        group.create_task(answer_one(body, f"input {number}: " * (len(bodies) > 1)))
                        for number, body in enumerate(bodies, start=1)
                    ]
            except ExceptionGroup as failures:
                raise failures.exceptions[0] from None
            answers = [one.result() for one in asked]
            tokens.spend(sum(map(_tokens_of, answers)))
        return answers

    async def stream(
        self, task: str, body: TaskRequest, caller: KeyInfo, *, asked: str | None = None
    ) -> AsyncGenerator[Piece | TaskAnswer]:
        """Give the output in pieces as a replica writes it, then the whole answer, which alone is logged.

        Where guardrails look at outputs it comes in one piece: what was sent could not be taken back.
        """
        with self._keys.admitted(caller, task) as tokens:
            streamed = self._stream(task, body, caller) if asked is None else self._stream_by(task, body, caller, asked)
            async with aclosing(streamed) as parts:
                async for part in parts:
                    if isinstance(part, TaskAnswer):
                        tokens.spend(_tokens_of(part))
                    yield part

    async def _answer(self, task: str, body: TaskRequest, caller: KeyInfo, named: str | None = None) -> TaskAnswer:
        try:
            return await self._answer_by(task, body, caller, named=named)
        except Exception as error:  # handed on, unless another task stands in
            other = self._spec.tasks[task].serving.fallback_task
            if other is None or not another_task_may_help(error):
                raise
            self._fell_back(task, "", error)
            return await self._answer_by(other, body, caller)

    async def _answer_by(
        self, task: str, body: TaskRequest, caller: KeyInfo, *, named: str | None = None, asked: str | None = None
    ) -> TaskAnswer:
        with ObservedInference(self._recorder, task) as seen, self._paces.admitted(task) as work:
            choice = self._choose(task, body, named, asked)
            seen.chosen(choice)
            call, fired = await self._screens.call(task, body, choice.version, seen.span)
            seen.called(call)
            try:
                reply = await self._replied(task, call, work, seen.span)
            except Exception as error:  # handed on, unless another version stands in
                instead = stand_in(self._releases.release(task), choice)
                if asked is not None or instead is None or not another_version_may_help(error):
                    raise
                self._fell_back(task, choice.version, error)
                choice, call = instead, call.by(instead.version)
                seen.chosen(choice)
                seen.called(call)
                reply = await self._replied(task, call, work, seen.span)
            reply, more = await self._screens.reply(task, reply, call.target_locale, seen.span)
            claimed = self._ledger.claim(task, call, choice.propensity)
            answer = self._ledger.answer(
                claimed,
                call,
                reply,
                caller,
                user=body.user,
                started_s=seen.started_s,
                fired=(*fired, *more),
            )
            seen.answered(claimed[0], answer)
        return answer

    async def _replied(self, task: str, call: Call, work: Work, span: Span) -> Reply:
        """Return the reply that an equal call got lately, or that of a replica."""
        kept = self._kept(task, call)
        if kept is not None:
            return kept
        timeout_s = self._spec.serving.request_timeout_s
        reply = await dispatch(self._ways[task], call, task=task, timeout_s=timeout_s, span=span)
        self._has_replied(task, call, reply, work)
        return reply

    async def _written(self, task: str, call: Call, work: Work, span: Span) -> AsyncGenerator[str | Reply]:
        """Give the pieces of an output, and then the reply; a kept one comes in one piece."""
        kept = self._kept(task, call)
        if kept is not None:
            if kept.output:
                yield kept.output
            yield kept
            return
        timeout_s = self._spec.serving.request_timeout_s
        written = dispatch_stream(self._ways[task], call, task=task, timeout_s=timeout_s, span=span)
        async with aclosing(written) as parts:
            async for part in parts:
                if isinstance(part, Reply):
                    self._has_replied(task, call, part, work)
                yield part

    def _kept(self, task: str, call: Call) -> Reply | None:
        if task not in self._caches:
            return None
        kept = self._caches[task].get(call)
        self._recorder.add(CACHE, 1, task=task, outcome="miss" if kept is None else "hit")
        return kept

    def _has_replied(self, task: str, call: Call, reply: Reply, work: Work) -> None:
        work.worked_s = reply.worked_s
        if task in self._caches:
            self._caches[task].put(call, reply)

    async def _stream(self, task: str, body: TaskRequest, caller: KeyInfo) -> AsyncGenerator[Piece | TaskAnswer]:
        has_begun = False
        try:
            async with aclosing(self._stream_by(task, body, caller)) as parts:
                async for part in parts:
                    has_begun = True
                    yield part
            return
        except Exception as error:  # handed on, unless another task stands in
            other = self._spec.tasks[task].serving.fallback_task
            if has_begun or other is None or not another_task_may_help(error):
                raise
            self._fell_back(task, "", error)
        async with aclosing(self._stream_by(other, body, caller)) as parts:
            async for part in parts:
                yield part

    async def _stream_by(
        self, task: str, body: TaskRequest, caller: KeyInfo, asked: str | None = None
    ) -> AsyncGenerator[Piece | TaskAnswer]:
        with ObservedInference(self._recorder, task) as seen, self._paces.admitted(task) as work:
            choice = self._choose(task, body, asked=asked)
            seen.chosen(choice)
            call, fired = await self._screens.call(task, body, choice.version, seen.span)
            seen.called(call)
            is_screened = self._screens.look_at_outputs(task)
            claimed = self._ledger.claim(task, call, choice.propensity)
            async with aclosing(self._written(task, call, work, seen.span)) as parts:
                async for part in parts:
                    if isinstance(part, str):
                        if not is_screened:
                            seen.piece()
                            yield Piece(id=claimed[1], version=call.version, text=part)
                        continue
                    reply, more = await self._screens.reply(task, part, call.target_locale, seen.span)
                    if is_screened:
                        seen.piece()
                        yield Piece(id=claimed[1], version=call.version, text=reply.output)
                    answer = self._ledger.answer(
                        claimed,
                        call,
                        reply,
                        caller,
                        user=body.user,
                        started_s=seen.started_s,
                        fired=(*fired, *more),
                    )
                    seen.answered(claimed[0], answer)
                    yield answer

    def _fell_back(self, task: str, version: str, error: Exception) -> None:
        logger.warning("%s falls back: %s", " ".join((task, version)).rstrip(), code_of(error))
        self._recorder.add(FALLBACKS, 1, task=task, version=version, reason=code_of(error))

    def _choose(self, task: str, body: TaskRequest, named: str | None = None, asked: str | None = None) -> Choice:
        """Pick the version for a request's user or session, or the one that an operator has asked for."""
        release = self._releases.release(task)
        choice = choose(release, sticky_key(body.user, body.session), named=named)
        if choice is None:
            raise no_model(task)
        if asked is None:
            return choice
        choice = choose_asked(release, asked)
        if choice is None:
            held = ", ".join(held_versions(release))
            raise RequestError(
                f"version: the replicas of {task!r} do not all hold {asked[:80]!r}; ask for one of {held}",
                404,
                "version_not_served",
            )
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
        reply = await dispatch(self._ways[task], call, task=task, timeout_s=timeout_s, span=current_span())
        return reply.scores


def no_model(task: str) -> RequestError:
    """Return the error for a task that has no champion yet."""
    return RequestError(f"the task {task!r} serves no model yet; train one with `polyloop loop run`", 503, "no_model")


def _tokens_of(answer: TaskAnswer) -> int:
    return answer.usage.input_tokens + answer.usage.output_tokens
