"""What a benchmark gives: figures with their peers, and the conditions they were taken under.

Input: measured values. Output: `Figure`s and a JSON-ready report; a figure with a bar says whether it was reached.
"""

import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

PACKAGES = ("polyloop", "ray", "torch", "transformers", "sqlalchemy")


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One comparison; `ratio` is value over peer_value, `bar` the least ratio that is good enough."""

    name: str
    value: float
    unit: str
    peer: str
    peer_value: float
    bar: float

    @property
    def ratio(self) -> float:
        """How many times the peer."""
        return self.value / self.peer_value

    @property
    def ok(self) -> bool:
        """True if the bar is reached."""
        return self.ratio >= self.bar

    def to_dict(self) -> dict[str, Any]:
        """Return the figure with its ratio and whether the bar was reached."""
        return {**asdict(self), "ratio": round(self.ratio, 3), "ok": self.ok}


def report(name: str, figures: list[Figure], *, quick: bool) -> dict[str, Any]:
    """Return the figures with machine, versions and date."""
    return {
        "benchmark": name,
        "quick": quick,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cpus": os.cpu_count(), "processor": platform.machine(), "python": platform.python_version()},
        "versions": {package: version(package) for package in PACKAGES},
        "figures": [figure.to_dict() for figure in figures],
    }
