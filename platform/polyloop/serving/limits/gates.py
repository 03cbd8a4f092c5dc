"""Lets requests in, or refuses them with 429 and when to come again: by key, and by the pace of a task.

Input: the key that asks, or the task that is asked. Output: a context around the request, to be told what it used;
`OverloadError` where it may not begin. State is this router's own, for one event loop. Keys come from the store, so
that nobody can fill the memory with names.
"""

import math
import time
from dataclasses import dataclass

from polyloop.errors import OverloadError
from polyloop.registry.keys import KeyInfo
from polyloop.serving.limits.bucket import Bucket
from polyloop.serving.limits.pace import Pace
from polyloop.serving.metrics.recorder import Recorder
from polyloop.serving.metrics.table import KEY_REFUSALS
from polyloop.spec.limits import KeyLimits
from polyloop.spec.models import Spec, TaskSpec

CONCURRENT_RETRY_S = 1.0
"""Nobody knows when a key's own requests will be done."""
LONGEST_RETRY_S = 60.0


@dataclass
class _KeyUse:
    """What a key has used."""

    requests: Bucket | None
    tokens: Bucket | None
    num_in_flight: int = 0


class KeyGate:
    """Holds each key to its own limits, or to the spec's where it has none of its own."""

    def __init__(self, usual: KeyLimits, recorder: Recorder) -> None:
        self._usual, self._recorder = usual, recorder
        self._uses: dict[tuple[str, KeyLimits], _KeyUse] = {}

    def admitted(self, key: KeyInfo, task: str, *, num_inputs: int = 1) -> "KeyAdmission":
        """Let one request of so many inputs in; OverloadError where the key has used up what it may."""
        limits = key.limits or self._usual
        use = self._uses.get((key.key_id, limits))
        if use is None:
            use = self._uses[key.key_id, limits] = _new_use(limits)
        try:
            _check(key, limits, use)
        except OverloadError as refusal:
            self._recorder.add(KEY_REFUSALS, 1, task=task, reason=refusal.code)
            raise
        if use.requests is not None:
            use.requests.take(num_inputs, time.monotonic())
        return KeyAdmission(use)


class KeyAdmission:
    """A request that a key may make, in flight inside the block; its tokens are charged here."""

    def __init__(self, use: _KeyUse) -> None:
        self._use = use

    def __enter__(self) -> "KeyAdmission":
        self._use.num_in_flight += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._use.num_in_flight -= 1

    def spend(self, count: int) -> None:
        """Charge tokens that were read or written."""
        if self._use.tokens is not None:
            self._use.tokens.take(count, time.monotonic())


def _new_use(limits: KeyLimits) -> _KeyUse:
    return _KeyUse(
        requests=None if limits.requests_per_minute is None else Bucket(limits.requests_per_minute),
        tokens=None if limits.tokens_per_minute is None else Bucket(limits.tokens_per_minute),
    )


def _check(key: KeyInfo, limits: KeyLimits, use: _KeyUse) -> None:
    if limits.max_concurrent is not None and use.num_in_flight >= limits.max_concurrent:
        raise OverloadError(
            f"the API key {key.name!r} has {use.num_in_flight} requests in flight, as many as it may; wait for one",
            "key_concurrency",
            CONCURRENT_RETRY_S,
        )
    now_s = time.monotonic()
    for bucket, limit, unit in (
        (use.requests, limits.requests_per_minute, "inputs"),
        (use.tokens, limits.tokens_per_minute, "tokens"),
    ):
        wait_s = 0.0 if bucket is None else bucket.wait_s(now_s)
        if wait_s > 0:
            raise OverloadError(
                f"the API key {key.name!r} has used its {limit:,} {unit} a minute; come again in {wait_s:.1f} s",
                "key_rate",
                wait_s,
            )


class TaskGate:
    """Refuses what a task could not answer in time, before it waits in a queue."""

    def __init__(self, spec: Spec) -> None:
        self._max_wait_s = spec.serving.max_wait_s
        self._paces = {name: Pace() for name in spec.tasks}
        self._room = {name: room_of(task) for name, task in spec.tasks.items()}

    def admitted(self, task: str) -> "Work":
        """Let a request in; OverloadError where it would wait for longer than the spec allows."""
        pace = self._paces[task]
        # What the replicas that are always there work on at once is no queue, however slow it is.
        wait_s = pace.wait_s(time.monotonic()) if pace.num_in_flight >= self._room[task] else 0.0
        if wait_s > self._max_wait_s:
            retry_s = min(wait_s - self._max_wait_s, LONGEST_RETRY_S)
            raise OverloadError(
                f"the task {task!r} has more requests than it can answer within {self._max_wait_s:g} s; come again in "
                f"{math.ceil(retry_s)} s",
                "overloaded",
                retry_s,
            )
        return Work(pace)


class Work:
    """A request to a task, in flight inside the block, and what is known of it when it is answered."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self.worked_s: float | None = None
        """Seconds that a model worked on it; None until it is answered."""

    def __enter__(self) -> "Work":
        self._pace.come(time.monotonic())
        return self

    def __exit__(self, *_: object) -> None:
        if self.worked_s is None:
            self._pace.leave(time.monotonic())
        else:
            self._pace.done(time.monotonic(), self.worked_s)


def room_of(task: TaskSpec) -> int:
    """Return how many requests to a task are always let in: what its least number of replicas takes at once."""
    return max(1, task.serving.min_replicas) * task.serving.max_ongoing_requests
