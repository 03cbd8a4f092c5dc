"""Axes of plots: round ticks, short labels, and where a value stands. Pure.

Inputs: the values of one axis. Output: an `Axis`, which maps values to positions from 0 to 1, linear or logarithmic.
Values that are not finite, or not above 0 on a logarithmic axis, have no place.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

WANTED_TICKS = 4
ROUND_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_LOG_TICKS = (1.0, 2.0, 5.0)


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One axis of a plot."""

    low: float
    high: float
    is_log: bool
    ticks: tuple[float, ...]
    """Round values within low and high, ascending."""

    def place(self, value: float) -> float | None:
        """Return where a value stands, 0 at `low` and 1 at `high`; None for one that has no place."""
        if not math.isfinite(value) or (self.is_log and value <= 0):
            return None
        low, high, at = (math.log(x) if self.is_log else x for x in (self.low, self.high, value))
        return (at - low) / (high - low)


def make_axis(values: Iterable[float], *, is_log: bool = False) -> Axis:
    """Return the axis that holds all values that have a place; from 0 to 1 (1 to 10) where there is none."""
    known = [value for value in values if math.isfinite(value) and (value > 0 or not is_log)]
    if not known:
        known = [1.0, 10.0] if is_log else [0.0, 1.0]
    low, high = min(known), max(known)
    if low == high:
        low, high = (low / 2, high * 2) if is_log else (low - (abs(low) / 2 or 0.5), high + (abs(high) / 2 or 0.5))
    ticks = (log_ticks if is_log else round_ticks)(low, high)
    return Axis(low=low, high=high, is_log=is_log, ticks=ticks)


def round_ticks(low: float, high: float) -> tuple[float, ...]:
    """Return a few values between low and high that are multiples of 1, 2, 2.5 or 5 times a power of ten."""
    rough = (high - low) / WANTED_TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in ROUND_STEPS if factor * power >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return tuple(number * step for number in range(first, last + 1))


def log_ticks(low: float, high: float) -> tuple[float, ...]:
    """Return powers of ten between low and high, with 2 and 5 times them where there are few."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for factors in ((1.0,), _LOG_TICKS):
        found = [factor * 10.0**exponent for exponent in exponents for factor in factors]
        ticks = tuple(tick for tick in found if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9))
        if len(ticks) >= 2:
            return ticks[:: max(1, len(ticks) // (WANTED_TICKS + 2))]
    return (low, high)


def short_number(value: float) -> str:
    """Return a number in few characters: 12k, 3.4M, 0.25, 1e-04."""
    size = abs(value)
    for limit, divisor, unit in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if size >= limit:
            return f"{value / divisor:.3g}{unit}"
    if size and size < 1e-3:
        return f"{value:.2g}"
    return f"{value:.4g}"
