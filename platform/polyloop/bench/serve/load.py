"""The load generator, the same for every server: `python -m polyloop.bench.serve.load PLAN`.

Input: a `LoadPlan` as a JSON file. Output: as JSON on stdout what `tally.summary` tells, and the part of one processor
that this process took. Either each of some connections sends its next request when it has an answer (closed loop), or
requests are due at a rate whatever becomes of the others (paced), and latency then counts from when they were due.
Every answer's status and content are looked at; what failed is counted by its reason, also while warming up. Limits:
one process on one core, about 10,000 requests a second.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter, deque
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from polyloop.bench.serve.exchange import Answer, Connection, ExchangeError, request_of
from polyloop.bench.serve.tally import Sample, summary

FAILURE_PAUSE_S = 0.05
"""How long a connection waits after a failure, so that a server that refuses all is not asked in a tight loop."""


class LoadPlan(BaseModel):
    """What is sent, how, and what has to come back."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    url: str
    headers: dict[str, str] = {}
    bodies: tuple[dict[str, Any], ...] = ()
    """Sent by turns, the same turn on every run; without any, the load is of GETs."""
    expected: Literal["echo", "output", "any"] = "output"
    """What a right answer holds beside status 200: its `output` is the input, or is some text, or nothing is asked."""
    connections: int = 1
    """Connections of the closed loop."""
    rate: float | None = None
    """Requests a second that are due, instead of the closed loop."""
    warm_s: float = 1.0
    """First seconds, whose answers are not counted."""
    counted_s: float = 5.0
    """The seconds after them, whose answers are."""
    least_rounds: int = 0
    """Answers a connection that are counted, on the mean: a closed loop of a slow server goes on until then, for
    `timeout_s` at most."""
    ends_with: Path | None = None
    """A file whose appearance ends a paced load before its time."""
    timeout_s: float = 30.0
    keeps_samples: bool = False
    """Whether the report holds every answer: seconds on the clock, milliseconds, version."""


class Load:
    """One run of a plan."""

    def __init__(self, plan: LoadPlan) -> None:
        self._plan = plan
        bodies = plan.bodies or (None,)
        pairs = [(request_of(plan.url, plan.headers, body), (body or {}).get("input")) for body in bodies]
        self._requests = cycle(pairs)
        self._samples: list[Sample] = []
        self._failures: Counter[str] = Counter()

    async def run(self) -> dict[str, Any]:
        """Carry the plan out and return the report."""
        plan, cpu_s = self._plan, time.process_time()
        began_s = time.monotonic()
        started_s = began_s + plan.warm_s
        end_s = started_s + plan.counted_s
        if plan.rate is None:
            await asyncio.gather(*(self._loop(started_s, end_s) for _ in range(plan.connections)))
            ended_s = self._counted_until_s(started_s, end_s)
        else:
            await self._paced(plan.rate, began_s, end_s)
            ended_s = min(end_s, time.monotonic())
        cpu_share = (time.process_time() - cpu_s) / (time.monotonic() - began_s)
        report = summary(self._samples, self._failures, started_s=started_s, ended_s=ended_s)
        report["client_cpu"] = round(cpu_share, 3)
        if plan.keeps_samples:
            report["samples"] = [[one.at_s, one.latency_ms, one.version] for one in self._samples]
        return report

    async def _loop(self, started_s: float, end_s: float) -> None:
        connection = Connection(self._plan.url, timeout_s=self._plan.timeout_s)
        while self._goes_on(now_s := time.monotonic(), started_s, end_s):
            if not await self._ask(connection, now_s):
                await asyncio.sleep(FAILURE_PAUSE_S)
        connection.close()

    def _goes_on(self, now_s: float, started_s: float, end_s: float) -> bool:
        """Return whether to ask again: until the end, and beyond it while too few answers count."""
        if now_s < end_s:
            return True
        return now_s < end_s + self._plan.timeout_s and len(self._ends(started_s)) < self._least

    def _counted_until_s(self, started_s: float, end_s: float) -> float:
        """Return when the counting ends: with the last answer that was waited for, where that came later."""
        ends = self._ends(started_s)
        if len(ends) < self._least:
            return max(end_s, time.monotonic())
        return max([end_s, *ends[self._least - 1 : self._least]])

    def _ends(self, started_s: float) -> list[float]:
        """Return when the answers that are counted were there, in order."""
        return sorted(one.ended_s for one in self._samples if one.ended_s >= started_s)

    @property
    def _least(self) -> int:
        return self._plan.least_rounds * self._plan.connections

    async def _paced(self, rate: float, began_s: float, end_s: float) -> None:
        free: deque[Connection] = deque()

        async def ask(due_s: float) -> None:
            connection = free.pop() if free else Connection(self._plan.url, timeout_s=self._plan.timeout_s)
            await self._ask(connection, due_s)
            free.append(connection)

        async with asyncio.TaskGroup() as under_way:
            for number in range(round(rate * (end_s - began_s))):
                due_s = began_s + number / rate
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
                if self._plan.ends_with is not None and self._plan.ends_with.exists():
                    break
                under_way.create_task(ask(due_s))
        for connection in free:
            connection.close()

    async def _ask(self, connection: Connection, at_s: float) -> bool:
        """Send the next request; `at_s` is when its latency begins to count. Return whether it was answered."""
        request, text = next(self._requests)
        try:
            answer = await connection.exchange(request)
            latency_ms = (time.monotonic() - at_s) * 1000
            version = version_of(answer, self._plan.expected, text)
        except ExchangeError as error:
            self._failures[str(error)] += 1
            return False
        self._samples.append(Sample(at_s, latency_ms, version))
        return True


def version_of(answer: Answer, expected: Literal["echo", "output", "any"], text: str | None) -> str:
    """Return the version that an answer names, or nothing; ExchangeError where the answer is not a right one."""
    if answer.status != 200:
        raise ExchangeError(f"status {answer.status}")
    try:
        content = json.loads(answer.body)
    except ValueError:
        raise ExchangeError("the answer is not JSON") from None
    if expected == "any":
        return ""
    output = content.get("output") if isinstance(content, dict) else None
    if not isinstance(output, str) or not output:
        raise ExchangeError("the answer has no output")
    if expected == "echo" and output != text:
        raise ExchangeError("the output is not the input")
    return str(content.get("version", ""))


def main(arguments: Sequence[str] | None = None) -> None:
    """Carry out a plan and print the report."""
    parser = argparse.ArgumentParser(description="load generator")
    parser.add_argument("plan", type=Path)
    plan = LoadPlan.model_validate_json(parser.parse_args(arguments).plan.read_bytes())
    json.dump(asyncio.run(Load(plan).run()), sys.stdout)


if __name__ == "__main__":
    main()
