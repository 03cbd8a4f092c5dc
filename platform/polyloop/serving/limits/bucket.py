"""A token bucket that may be overdrawn. Pure: the caller says what time it is.

Input: a rate, and amounts with their times in seconds. Output: how long to wait. It holds a minute's worth at most, is
full at first, and whoever finds anything in it may take any amount: so a batch larger than the bucket is served once
and paid for afterwards, and amounts that are known only afterwards can be charged.
"""

PERIOD_S = 60.0


class Bucket:
    """An allowance of `per_minute` units a minute."""

    def __init__(self, per_minute: float) -> None:
        self._capacity, self._rate = float(per_minute), per_minute / PERIOD_S
        self._level, self._at_s = self._capacity, 0.0

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until something may be taken, 0 if it may be now."""
        self._fill(now_s)
        # Less than one unit is nothing: else a key could go on at the rate at which fractions arrive.
        return max(0.0, (min(1.0, self._capacity) - self._level) / self._rate)

    def take(self, amount: float, now_s: float) -> None:
        """Take an amount, also one that is not there."""
        self._fill(now_s)
        self._level -= amount

    def _fill(self, now_s: float) -> None:
        passed_s = max(0.0, now_s - self._at_s)  # the first time it is full already
        self._level = min(self._capacity, self._level + passed_s * self._rate)
        self._at_s = max(self._at_s, now_s)
