"""Puts loads on servers, and drives engines, each by a process of its own.

Input: who is asked, and what. Output: what the process printed. Errors: ClusterError if it fails.
"""

import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polyloop.bench.processes import Printed, run_module
from polyloop.bench.serve.load import LoadPlan
from polyloop.bench.serve.raw import THREADS, RawPlan
from polyloop.bench.serve.servers import Served
from polyloop.errors import ClusterError

LEAST_ROUNDS = 3
"""Answers a connection that a load waits for where a server is slow, so that none is judged by what it just began."""


@dataclass(frozen=True, kw_only=True)
class Loads:
    """Loads of one length; `work` is a folder for their plans."""

    work: Path
    warm_s: float
    counted_s: float

    def ask(self, served: Served, bodies: Sequence[dict[str, Any]], **changes: Any) -> Printed:
        """Put a load on a server; `changes` replace fields of the plan. ClusterError where nothing was answered."""
        fields: dict[str, Any] = {
            "url": served.url,
            "headers": served.headers,
            "bodies": tuple(bodies),
            "warm_s": self.warm_s,
            "counted_s": self.counted_s,
            "least_rounds": LEAST_ROUNDS,
        }
        plan = LoadPlan(**fields | changes)
        told = run_module("polyloop.bench.serve.load", self._written(plan))
        if not told["num_requests"]:
            raise ClusterError(
                f"nothing was answered at {plan.url} in {plan.counted_s + plan.timeout_s:g} s; failures: "
                f"{told['failures']}"
            )
        return told

    def drive(self, engine: str | Path, plan: RawPlan) -> Printed:
        """Drive an engine without a server: `echo`, or the version in a folder."""
        return run_module("polyloop.bench.serve.raw", engine, self._written(plan), threads=THREADS)

    def drive_together(self, engine: str | Path, plan: RawPlan, count: int) -> Printed:
        """Drive so many of the same engine at once, each in a process of its own; rows a second of all together."""
        with ThreadPoolExecutor(count) as threads:
            told = list(threads.map(lambda _: self.drive(engine, plan), range(count)))
        return {"rows_per_s": round(sum(one["rows_per_s"] for one in told), 2), "each": told}

    def _written(self, plan: LoadPlan | RawPlan) -> Path:
        self.work.mkdir(parents=True, exist_ok=True)
        path = self.work / f"{uuid.uuid4().hex}.json"
        path.write_text(plan.model_dump_json(), encoding="utf-8")
        return path
