"""When a call is tried again, and after what pause: a pure decision, so that both clients take the same.

Input: the number of tries so far, what the last one met, and the time that is left. Output: a pause, or None to give
up. Pauses are exponential with full jitter: uniform between 0 and min(longest, first * 2 ** tries), which clears
contention with the least work of the schemes compared in
https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ (Brooker, 2015). Where the service says when
to come back (Retry-After, RFC 9110 section 10.2.3), no try is made before that, up to a limit.
"""

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRIED_STATUSES = frozenset({429, 502, 503, 504})
"""Statuses that say "not now". All others, 500 among them, would come again; a wrong request does not get right."""

MAX_DOUBLINGS = 32
"""Keeps the power in bounds; any sensible longest pause is reached long before."""


@dataclass(frozen=True, kw_only=True)
class Retries:
    """How long a call goes on, over all its tries."""

    deadline_s: float = 60.0
    """A call ends after this time, tries and pauses together. For a stream: until it begins."""
    max_tries: int = 8
    """Most tries of one call; 1 never tries again."""
    first_pause_s: float = 0.25
    """Longest pause after the first try."""
    longest_pause_s: float = 8.0
    """Longest pause after any."""
    longest_retry_after_s: float = 30.0
    """The most that Retry-After is heeded for."""


def pause_s(
    retries: Retries, *, num_tries: int, retry_after_s: float, left_s: float, draw: Callable[[float, float], float]
) -> float | None:
    """Return how long to wait before the next try, in seconds, or None to give up.

    `retry_after_s` is what the service asked for (0 if nothing), `left_s` the time until the deadline, and `draw(a, b)`
    gives a uniform random number between a and b.
    """
    if num_tries >= retries.max_tries:
        return None
    ceiling = min(retries.longest_pause_s, retries.first_pause_s * 2 ** min(num_tries - 1, MAX_DOUBLINGS))
    pause = max(draw(0, ceiling), min(retry_after_s, retries.longest_retry_after_s))
    return pause if pause < left_s else None


class Tries:
    """The tries of one call, from its first on: counts them and keeps the deadline."""

    def __init__(self, retries: Retries) -> None:
        self._retries = retries
        self._deadline = time.monotonic() + retries.deadline_s
        self._num_tries = 0

    @property
    def left_s(self) -> float:
        """Seconds until the deadline; negative after it."""
        return self._deadline - time.monotonic()

    def pause_s(self, status: int | None, retry_after: str | None = None) -> float | None:
        """Return the pause after a try, or None where it was the last; `status` is None where nothing came back."""
        self._num_tries += 1
        if status is not None and status not in RETRIED_STATUSES:
            return None
        return pause_s(
            self._retries,
            num_tries=self._num_tries,
            retry_after_s=read_retry_after(retry_after),
            left_s=self.left_s,
            draw=random.uniform,
        )


def read_retry_after(value: str | None, now: datetime | None = None) -> float:
    """Return the seconds that a Retry-After header asks to wait, 0 where it is absent, past or malformed."""
    if not value:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        seconds = _until(value, now or datetime.now(UTC))
    return max(0.0, seconds) if math.isfinite(seconds) else 0.0


def _until(date: str, now: datetime) -> float:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now.timestamp()
