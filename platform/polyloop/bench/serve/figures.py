"""Figures of the serving benchmark out of what its processes printed. Pure.

Input: what each load and each engine gave, several times where parts took turns. Output: figures with the bars of the
project's goals. Ratios are those of medians over the turns.
"""

from collections.abc import Mapping, Sequence
from statistics import median

from polyloop.bench.figures import Figure
from polyloop.bench.processes import Printed
from polyloop.bench.serve.tally import Sample, latencies

ECHO_BAR = 1.0
"""Least ratio of requests a second to a peer's with the same echo."""
ADDED_P50_BAR_MS = 2.5
"""Most that the platform may add to a bare engine's median at one connection."""
P99_BAR_MS = 15.0
LITSERVE_BAR, FASTAPI_BAR = 2.0, 4.0
"""Least ratios of requests a second with the same model."""
RAW_BAR = 0.85
"""Least part of what the engine does without a server."""
RELEASE_BAR = 1.1
"""Largest ratio of the primary's p99 with canary and shadow to that without."""
PROMOTION_BAR = 1.5
"""Largest ratio of p99 while a promotion goes on to that before."""
TWO_REPLICAS_BAR = 1.7
"""Least ratio of two replicas to one: on two cores, router, proxy and client need a part of the second."""
SLEEPING_BAR = 0.9
"""Least part of four times one replica that four of them give, where the engine sleeps."""
INGRESS_BAR = 1.3
"""Least ratio of two routers to one on two cores, of which proxy and client need a part."""


def median_of(turns: Sequence[Printed], key: str) -> float:
    """Return the median over the turns of a value that each of them gave."""
    return float(median(turn[key] for turn in turns))


def rate_figure(
    name: str,
    ours: Sequence[Printed],
    peer: str,
    theirs: Sequence[Printed],
    *,
    bar: float | None,
    absent: str | None = None,
    key: str = "requests_per_s",
) -> Figure:
    """Compare requests a second; `absent` says why there are none of theirs, `key` what theirs are called."""
    return Figure(
        name=name,
        value=median_of(ours, "requests_per_s"),
        unit="requests/s",
        peer=peer,
        peer_value=None if absent is not None else median_of(theirs, key),
        bar=bar,
        absent=absent,
        details={"ours": list(ours), "peer": list(theirs)},
    )


def scaling_figure(name: str, two: Sequence[Printed], one: Sequence[Printed]) -> Figure:
    """Tell what two engines without a server do beside one: as much as replicas can gain on this machine."""
    return Figure(
        name=f"2 engines without a server, {name}",
        value=median_of(two, "rows_per_s"),
        unit="rows/s",
        peer="1 engine",
        peer_value=median_of(one, "rows_per_s"),
        bar=None,
        details={"two": list(two), "one": list(one)},
    )


def latency_figures(name: str, ours: Sequence[Printed], bare: Printed) -> list[Figure]:
    """Tell what the platform adds to a bare engine for one client that asks one thing after the other."""
    added_ms = median_of(ours, "p50_ms") - bare["p50_ms"]
    details = {"ours": list(ours), "bare": bare}
    return [
        Figure(
            name=f"{name}: p50 added to the bare engine",
            value=added_ms,
            unit="ms",
            bar=ADDED_P50_BAR_MS,
            at_most=True,
            details=details,
        ),
        Figure(
            name=f"{name}: p99",
            value=median_of(ours, "p99_ms"),
            unit="ms",
            bar=P99_BAR_MS,
            at_most=True,
        ),
    ]


def canary_figure(plain: Sequence[Printed], beside: Sequence[Printed], *, champion: str, rate: float) -> Figure:
    """Compare the champion's p99 with a canary and a shadow at work with that without."""
    with_ms = median(float(turn["versions"][champion]["p99_ms"]) for turn in beside)
    return Figure(
        name=f"champion's p99 with canary and shadow, {rate:g} requests/s",
        value=with_ms,
        unit="ms",
        peer="without",
        peer_value=median(float(turn["versions"][champion]["p99_ms"]) for turn in plain),
        bar=RELEASE_BAR,
        at_most=True,
        details={"with": list(beside), "without": list(plain)},
    )


def promotion_figures(
    samples: Sequence[Sample],
    failures: dict[str, int],
    changes: Sequence[tuple[float, float]],
    *,
    counted_from_s: float,
    rate: float,
) -> list[Figure]:
    """Tell what became of requests while versions took over; `changes` are their spans on the samples' clock.

    Before is what was due from `counted_from_s` until the first change.
    """
    before = latencies([one for one in samples if counted_from_s <= one.at_s < changes[0][0]])
    during = latencies([one for one in samples if any(start <= one.at_s <= end for start, end in changes)])
    title = f"{len(changes)} promotions under {rate:g} requests/s"
    return [
        Figure(
            name=f"{title}: failed requests",
            value=sum(failures.values()),
            unit="requests",
            bar=0.0,
            at_most=True,
            details={"failures": failures, "num_requests": len(samples)},
        ),
        Figure(
            name=f"{title}: p99 during the change",
            value=float(during["p99_ms"]),
            unit="ms",
            peer="before",
            peer_value=float(before["p99_ms"]),
            bar=PROMOTION_BAR,
            at_most=True,
            details={"before": before, "during": during, "seconds": [end - start for start, end in changes]},
        ),
    ]


def failed_figure(parts: Mapping[str, Sequence[Printed]]) -> Figure:
    """Tell how many requests to the platform failed, under all loads together; `parts` are its loads by name."""
    failed = {name: sum(turn["num_failed"] for turn in turns) for name, turns in parts.items()}
    reasons = {name: [turn["failures"] for turn in turns] for name, turns in parts.items() if failed[name]}
    return Figure(
        name="failed requests, all loads of ours",
        value=sum(failed.values()),
        unit="requests",
        bar=0.0,
        at_most=True,
        details={"reasons": reasons},
    )
