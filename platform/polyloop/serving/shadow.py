"""The shadow worker: lets shadows answer what users asked, behind their answers and behind everything else.

Input: the inference log, which it reads after the answers were sent (docs/decisions/0020). Output: rows of
`shadow_answers`. It is no part of a request's path, so it cannot slow one. Limits: it stays at most `max_behind`
inferences behind; older ones are skipped and counted. What a router writes more than `SETTLE_S` seconds late is
not seen.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Protocol

from polyloop.errors import ClusterError, PolyloopError, RegistryError, RequestError
from polyloop.feedback.ids import least_id, time_of
from polyloop.models.contract import PredictInput, Prediction
from polyloop.registry.release_events import shadow_start
from polyloop.registry.releases import get_release
from polyloop.registry.shadow_answers import (
    AnsweredInput,
    ShadowAnswer,
    count_pending,
    load_inputs,
    newest_answered,
    pending_ids,
    write_answers,
)
from polyloop.registry.store import Store
from polyloop.registry.versions import get_version
from polyloop.serving.low_priority import PlainPredictor
from polyloop.serving.unforeseen import outline
from polyloop.serving.warm import load_warm
from polyloop.tasks.text import normalise_text

logger = logging.getLogger("polyloop.serving")

POLL_S = 1.0
MAX_BEHIND = 1_000
STEP_SIZE = 8
"""Inferences that one step answers for a task, and one transaction writes."""
SETTLE_S = 30.0
"""How late a router may write an inference, and how far the clocks of the nodes may differ."""
RETRY_FAILED_S = 30.0
READ_AGAIN_S = 1.0
"""What is pending is read at most so often while some of it is left: up to `max_behind` ids for a few answers."""


class ShadowPredictor(PlainPredictor, Protocol):
    """A predictor that can be let go."""

    def close(self) -> None:
        """Give back what it holds."""
        ...


@dataclass(kw_only=True)
class _Followed:
    """A shadow at work; inferences up to `floor` are done with, answered or not.

    `pending` is what was to be answered at `read_at`, newest first, without what has been answered since.
    """

    version: str
    predictor: ShadowPredictor
    floor: uuid.UUID
    pending: list[uuid.UUID] = field(default_factory=list)
    read_at: float = 0.0


class ShadowWorker:
    """Answers for the shadows of some tasks; one thread at a time may call it."""

    def __init__(
        self,
        store: Store,
        load_predictor: Callable[[str, Path], ShadowPredictor],
        artefacts_dir: Path,
        tasks: Sequence[str],
        *,
        max_behind: int = MAX_BEHIND,
        step_size: int = STEP_SIZE,
    ) -> None:
        self._store = store
        self._load_predictor = load_predictor
        self._artefacts_dir = artefacts_dir
        self._tasks = tuple(tasks)
        self._max_behind = max_behind
        self._step_size = step_size
        self._followed: dict[str, _Followed] = {}
        self._failed_at: dict[tuple[str, str], float] = {}
        self._num_dropped = 0

    @property
    def num_dropped(self) -> int:
        """Inferences skipped since the start because the shadow was too far behind."""
        return self._num_dropped

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set; without work, look again every `POLL_S` seconds."""
        try:
            while not stop.is_set():
                if not self.step():
                    stop.wait(POLL_S)
        finally:
            for task in list(self._followed):
                self._let_go(task)

    def step(self) -> int:
        """Answer the oldest few pending inferences of each task, and return how many were answered; never sleeps."""
        num_answered = 0
        for task in self._tasks:
            try:
                num_answered += self._step_task(task)
            except PolyloopError as error:
                logger.warning("the shadow of %s did not answer: %s", task, error)
        return num_answered

    def _step_task(self, task: str) -> int:
        followed = self._follow(task)
        if followed is None:
            return 0
        if not followed.pending or time.monotonic() - followed.read_at >= READ_AGAIN_S:
            self._read_pending(task, followed)
        if not followed.pending:
            return 0
        answers = self._answers(task, followed, load_inputs(self._store, followed.pending[-self._step_size :]))
        write_answers(self._store, answers)
        del followed.pending[-self._step_size :]
        return len(answers)

    def _follow(self, task: str) -> _Followed | None:
        """Return the shadow of a task, loaded; None if there is none, or it could not be loaded a moment ago."""
        version = get_release(self._store, task).shadow
        followed = self._followed.get(task)
        if followed is not None and followed.version == version:
            return followed
        self._let_go(task)
        if version is None:
            return None
        failed_at = self._failed_at.get((task, version))
        if failed_at is not None and time.monotonic() - failed_at < RETRY_FAILED_S:
            return None
        try:
            predictor = self._load(task, version)
        except PolyloopError:
            self._failed_at[task, version] = time.monotonic()
            raise
        floor = first_floor(self._store, task, version, datetime.now(UTC))
        self._followed[task] = _Followed(version=version, predictor=predictor, floor=floor)
        logger.info("%s %s answers as a shadow from %s on", task, version, time_of(floor))
        return self._followed[task]

    def _load(self, task: str, version: str) -> ShadowPredictor:
        path = get_version(self._store, task, version).path
        if path is None:
            raise RegistryError(f"version {version} of {task} has no artefact, so it cannot answer as a shadow")
        load = partial(self._load_predictor, task)
        return load_warm(load, self._artefacts_dir / path, f"the shadow {version} of {task}")

    def _let_go(self, task: str) -> None:
        followed = self._followed.pop(task, None)
        if followed is not None:
            followed.predictor.close()

    def _read_pending(self, task: str, followed: _Followed) -> None:
        """Look what is to be answered; what is too old is skipped and counted."""
        now, followed.read_at = datetime.now(UTC), time.monotonic()
        floor, version = followed.floor, followed.version
        since = time_of(floor)
        ids = pending_ids(self._store, task, version, after=floor, since=since, limit=self._max_behind + 1)
        if len(ids) > self._max_behind:
            newest_old = ids[self._max_behind]
            dropped = count_pending(self._store, task, version, after=floor, since=since, until=newest_old)
            self._num_dropped += dropped
            followed.floor = newest_old
            logger.warning("the shadow %s of %s is behind: %d inferences skipped", version, task, dropped)
        followed.pending = ids[: self._max_behind]
        oldest = followed.pending[-1] if followed.pending else None
        followed.floor = raised_floor(followed.floor, oldest, now)

    def _answers(self, task: str, followed: _Followed, batch: Sequence[AnsweredInput]) -> list[ShadowAnswer]:
        answers = []
        for one in batch:
            try:
                answers.append(_answer(task, followed, one))
            except ClusterError as error:  # its process is gone; the input that ended it is not tried again
                logger.warning("the shadow %s of %s ended on an input: %s", followed.version, task, error)
                answers.append(_result(task, followed.version, one, None, 0.0))
                self._failed_at[task, followed.version] = time.monotonic()
                self._let_go(task)
                break
        return answers


def first_floor(store: Store, task: str, version: str, now: datetime) -> uuid.UUID:
    """Return the id above which a shadow's work begins: when it became the shadow, or where it was before a restart."""
    since = shadow_start(store, task, version) or now
    newest = newest_answered(store, task, version)
    if newest is not None:
        since = max(since, time_of(newest) - timedelta(seconds=SETTLE_S))
    return least_id(since)


def agree(output: str | None, other: str | None) -> bool:
    """Return whether two answers say the same, letter by letter but for white space and invisible characters (pure)."""
    return output is not None and other is not None and normalise_text(output) == normalise_text(other)


def raised_floor(floor: uuid.UUID, oldest_pending: uuid.UUID | None, now: datetime) -> uuid.UUID:
    """Return the id up to which all is done: below what is pending, and too old to be written late (pure)."""
    settled = least_id(now - timedelta(seconds=SETTLE_S))
    if oldest_pending is not None:
        settled = min(settled, uuid.UUID(int=oldest_pending.int - 1))
    return max(floor, settled)


def _answer(task: str, followed: _Followed, one: AnsweredInput) -> ShadowAnswer:
    """Let the shadow answer one input, alone, so that its latency is its own; ClusterError if its process has ended."""
    item = PredictInput(text=one.input, locale=one.locale, target_locale=one.target_locale)
    started = time.perf_counter()
    prediction: Prediction | None
    try:
        (prediction,) = followed.predictor.predict([item])
    except ClusterError:
        raise
    except Exception as error:  # the boundary to the model: a refusal or a failure is an answer worth knowing too
        why = error.code if isinstance(error, RequestError) else outline(error)
        logger.info("the shadow %s of %s refused an input: %s", followed.version, task, why)
        prediction = None
    latency_ms = (time.perf_counter() - started) * 1000
    return _result(task, followed.version, one, prediction, latency_ms)


def _result(
    task: str, version: str, one: AnsweredInput, prediction: Prediction | None, latency_ms: float
) -> ShadowAnswer:
    output = None if prediction is None else prediction.output
    return ShadowAnswer(
        inference_id=one.inference_id,
        version=version,
        task=task,
        output=output,
        scores=None if prediction is None else prediction.scores,
        latency_ms=round(latency_ms, 3),
        agrees=agree(output, one.output),
        created_at=datetime.now(UTC),
    )
