"""What a release costs the users of a task: a canary and a shadow at work, and promotions under load.

Input: a running project whose first task has versions v1 (the champion), v2 (to be canary), v3 (to be shadow) and more
to promote. Output: figures. Loads are paced, so that a slow answer delays no request. Errors: ClusterError where canary
or shadow did not work, since nothing was measured then.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from polyloop.bench.figures import Figure
from polyloop.bench.processes import Printed
from polyloop.bench.serve.figures import canary_figure, promotion_figures
from polyloop.bench.serve.loads import Loads
from polyloop.bench.serve.projects import ACTOR, Project
from polyloop.bench.serve.servers import Served
from polyloop.bench.serve.tally import Sample
from polyloop.errors import ClusterError
from polyloop.feedback.ids import time_of
from polyloop.registry.releases import clear_canary, clear_shadow
from polyloop.registry.shadow_answers import newest_answered
from polyloop.registry.store import Store, open_store
from polyloop.retraining.promotion import canary_live, promote_live, shadow_live

CHAMPION, CANARY, SHADOW = "v1", "v2", "v3"
FIRST_PROMOTED = 4
"""Number of the first version that is promoted; those after it follow."""
WEIGHT = 0.1
"""Part of the users that the canary answers."""
RATE = 100.0
"""Requests a second."""
SETTLE_S = 1.5
"""How long routers and replicas may take to see a change; it belongs to a promotion."""
PAUSE_S = 2.0
"""Between one promotion and the next."""
PATIENCE_S = 600.0
"""How long a load goes on if nothing ends it before."""


def num_versions(num_promotions: int) -> int:
    """Return how many versions the task needs."""
    return FIRST_PROMOTED - 1 + num_promotions


@dataclass(frozen=True, kw_only=True)
class Released:
    """The task whose releases change while it is asked."""

    project: Project
    task: str
    served: Served
    bodies: Sequence[dict[str, Any]]
    loads: Loads

    def figures(self, *, turns: int, num_promotions: int) -> tuple[list[Figure], list[Printed]]:
        """Return the figures, and the loads that they came from."""
        store = open_store(self.project.loaded.store_url)
        try:
            plain, beside, waiting = self._canary_and_shadow(store, turns)
            promoted, changes = self._promotions(store, num_promotions)
        finally:
            store.close()
        samples = [Sample(*one) for one in promoted.pop("samples")]
        counted_from_s = samples[0].at_s + self.loads.warm_s
        figures = [
            canary_figure(plain, beside, champion=CHAMPION, rate=RATE),
            *promotion_figures(samples, promoted["failures"], changes, counted_from_s=counted_from_s, rate=RATE),
        ]
        return figures, [*plain, *beside, *waiting, promoted]

    def _canary_and_shadow(self, store: Store, turns: int) -> tuple[list[Printed], list[Printed], list[Printed]]:
        """Ask by turns without and with both; return these loads, and those while the shadow was starting."""
        plain, beside, waiting = list[Printed](), list[Printed](), list[Printed]()
        for _ in range(turns):
            plain.append(self._ask())
            self._change(canary_live, store, self.task, CANARY, WEIGHT)
            self._change(shadow_live, store, self.project.loaded, self.task, SHADOW)
            waiting += self._until_shadow_answers(store, datetime.now(UTC))
            beside.append(self._ask())
            clear_canary(store, self.task, CANARY, actor=ACTOR, reason="the turn is over")
            clear_shadow(store, self.task, SHADOW, actor=ACTOR, reason="the turn is over")
            time.sleep(SETTLE_S)
        if not all(CANARY in turn["versions"] for turn in beside):
            raise ClusterError(f"the canary {CANARY} of {self.task} answered nobody, so nothing was measured")
        return plain, beside, waiting

    def _until_shadow_answers(self, store: Store, since: datetime) -> list[Printed]:
        """Ask until the shadow has answered something that was asked after `since`: its process takes a while to start.

        Return the loads, of which no more is of interest than whether requests failed.
        """
        deadline, asked = time.monotonic() + PATIENCE_S, list[Printed]()
        while True:
            asked.append(self._ask(warm_s=0.0, counted_s=SETTLE_S))
            newest = newest_answered(store, self.task, SHADOW)
            if newest is not None and time_of(newest) > since:
                return asked
            if time.monotonic() > deadline:
                raise ClusterError(f"the shadow {SHADOW} of {self.task} answered nothing within {PATIENCE_S:g} s")

    def _promotions(self, store: Store, count: int) -> tuple[Printed, list[tuple[float, float]]]:
        """Promote one version after the other under load; return the load and when each change began and was over."""
        changes: list[tuple[float, float]] = []
        end = self.loads.work / f"{self.task}-promoted"
        with ThreadPoolExecutor(1) as thread:
            load = thread.submit(self._ask, counted_s=PATIENCE_S, ends_with=end, keeps_samples=True)
            try:
                time.sleep(self.loads.warm_s + self.loads.counted_s)
                for number in range(FIRST_PROMOTED, FIRST_PROMOTED + count):
                    began_s = time.monotonic()
                    self._change(promote_live, store, self.task, f"v{number}")
                    time.sleep(SETTLE_S)
                    changes.append((began_s, time.monotonic()))
                    time.sleep(PAUSE_S)
            finally:
                end.touch()
            promoted = load.result()
        last = f"v{FIRST_PROMOTED + count - 1}"
        if last not in promoted["versions"]:
            raise ClusterError(f"{last} of {self.task} was promoted and answered nobody, so nothing was measured")
        return promoted, changes

    def _ask(self, **changes: Any) -> Printed:
        return self.loads.ask(self.served, self.bodies, rate=RATE, **changes)

    def _change(self, change: Any, *arguments: Any) -> None:
        change(*arguments, actor=ACTOR, reason="to be measured", progress=lambda _: None)
