"""How long a new request would wait for its turn, told from how fast the others get through. Pure.

Inputs: times at which requests come and are done, and how long a model worked on each. Output: the expected wait in
seconds. By Little's law (Little 1961, https://doi.org/10.1287/opre.9.3.383) a request that joins n others, of which r a
second get done, is done after n / r seconds; what the model itself takes of that is no waiting. Rates and times are
means over the last seconds in which there was something to do, so that an idle night is not taken for slowness.
"""

import math

MEMORY_S = 10.0
"""Time constant of the means: what is three times as old counts for a twentieth."""


class Pace:
    """Follows the requests to one task."""

    def __init__(self) -> None:
        self.num_in_flight = 0
        """Requests that have come and are not done."""
        self._busy_s = self._done = self._worked_s = 0.0
        self._at_s = 0.0

    def come(self, now_s: float) -> None:
        """Note that a request comes."""
        self._pass_to(now_s)
        self.num_in_flight += 1

    def leave(self, now_s: float) -> None:
        """Note that a request ends without an answer, which tells nothing of the pace."""
        self._pass_to(now_s)
        self.num_in_flight -= 1

    def done(self, now_s: float, worked_s: float) -> None:
        """Note that a request is answered, after `worked_s` seconds of work on it."""
        self.leave(now_s)
        self._done += 1.0
        self._worked_s += worked_s

    def wait_s(self, now_s: float) -> float:
        """Return how long a request that comes now would wait; infinite where none has been answered yet."""
        self._pass_to(now_s)
        if not self._done:
            return math.inf
        through_s = self.num_in_flight * self._busy_s / self._done
        return max(0.0, through_s - self._worked_s / self._done)

    def _pass_to(self, now_s: float) -> None:
        """Let time pass; it counts, and old facts fade, only while something is in flight."""
        if self.num_in_flight:
            passed_s = max(0.0, now_s - self._at_s)
            faded = math.exp(-passed_s / MEMORY_S)
            # The integral of the fading over the time that passed: busy seconds fade like what was done in them.
            self._busy_s = self._busy_s * faded + MEMORY_S * (1.0 - faded)
            self._done, self._worked_s = self._done * faded, self._worked_s * faded
        self._at_s = now_s
