"""What a benchmark gives: figures with their peers, and the conditions they were taken under.

Input: measured values. Output: `Figure`s and a JSON-ready report; a figure with a bar says whether it was reached.
"""

import os
import platform
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

PACKAGES = ("polyloop", "ray", "torch", "transformers", "sqlalchemy")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured value, compared with a peer's where there is one; `ratio` is what the bar is about."""

    name: str
    value: float
    unit: str
    peer: str | None = None
    peer_value: float | None = None
    bar: float | None = None
    """The least ratio that is good enough; the largest if `at_most`; None for what is only told."""
    at_most: bool = False
    """True where less is better."""
    absent: str | None = None
    """Why the peer has no value; a bar is not reached by that."""
    details: dict[str, Any] = field(default_factory=dict)
    """What else was measured on the way, JSON-ready."""

    @property
    def ratio(self) -> float:
        """How many times the peer; the value itself where there is none."""
        return self.value if self.peer_value is None else self.value / self.peer_value

    @property
    def ok(self) -> bool:
        """True if the bar is reached, or there is none; what was not measured has not reached one."""
        if self.bar is None:
            return True
        if self.absent is not None:
            return False
        return self.ratio <= self.bar if self.at_most else self.ratio >= self.bar

    def to_dict(self) -> dict[str, Any]:
        """Return the figure with its ratio and whether the bar was reached."""
        return {**asdict(self), "ratio": round(self.ratio, 3), "ok": self.ok}

    def to_row(self) -> dict[str, Any]:
        """Return the figure as people read it in a table: rounded, the bar with its direction, without details."""
        bar = None if self.bar is None else f"{'<=' if self.at_most else '>='} {self.bar:g}"
        return {
            "name": self.name,
            "value": _rounded(self.value),
            "unit": self.unit,
            "peer": self.peer if self.absent is None else f"{self.peer}: not measured, {self.absent}",
            "peer_value": None if self.peer_value is None else _rounded(self.peer_value),
            "ratio": None if self.peer_value is None else _rounded(self.ratio),
            "bar": bar,
            "ok": self.ok,
        }


def _rounded(value: float) -> str:
    """Return three significant digits, or all of those before the decimal point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def report(name: str, figures: list[Figure], *, quick: bool) -> dict[str, Any]:
    """Return the figures with machine, versions and date."""
    return {
        "benchmark": name,
        "quick": quick,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpus": os.cpu_count(),
            "processor": platform.machine(),
            "python": platform.python_version(),
            "load": round(os.getloadavg()[2], 2),
        },
        "versions": {package: version(package) for package in PACKAGES},
        "figures": [figure.to_dict() for figure in figures],
    }
