"""Figures of the serving benchmark compare medians of turns, and an absent peer is no bar reached."""

from typing import Any

from polyloop.bench.serve import figures
from polyloop.bench.serve.tally import Sample


def turns(*rates: float, **more: Any) -> list[dict[str, Any]]:
    return [{"requests_per_s": rate, "num_failed": 0, "failures": {}, **more} for rate in rates]


def test_rates_are_medians_over_the_turns():
    figure = figures.rate_figure("echo", turns(100, 400, 110), "LitServe", turns(90, 100, 20), bar=1.0)

    assert (figure.value, figure.peer_value) == (110, 90)
    assert figure.ok
    assert not figures.rate_figure("echo", turns(89), "LitServe", turns(90), bar=1.0).ok


def test_a_peer_that_is_absent_is_told_and_its_bar_is_not_reached():
    figure = figures.rate_figure("echo", turns(100), "LitServe", [], bar=1.0, absent="it is not installed")

    assert figure.peer_value is None
    assert not figure.ok
    assert figure.to_dict()["ok"] is False
    assert figure.to_row()["peer"] == "LitServe: not measured, it is not installed"


def test_an_engine_is_compared_by_its_rows():
    figure = figures.rate_figure("x", turns(80), "raw", [{"rows_per_s": 100}], bar=0.85, key="rows_per_s")

    assert figure.ratio == 0.8
    assert not figure.ok


def test_two_engines_at_once_are_told_beside_one_and_have_no_bar():
    figure = figures.scaling_figure("x", [{"rows_per_s": rate} for rate in (150, 130, 140)], [{"rows_per_s": 100}])

    assert (figure.ratio, figure.bar, figure.ok) == (1.4, None, True)


def test_what_the_bare_engine_takes_is_not_what_the_platform_adds():
    added, p99 = figures.latency_figures("echo", [{"p50_ms": 3.0, "p99_ms": 14.0}], {"p50_ms": 1.0})

    assert (added.value, added.ok) == (2.0, True)
    assert (p99.value, p99.ok) == (14.0, True)
    added, p99 = figures.latency_figures("echo", [{"p50_ms": 3.6, "p99_ms": 15.1}], {"p50_ms": 1.0})
    assert (added.ok, p99.ok) == (False, False)


def test_beside_a_canary_only_what_the_champion_answered_counts():
    def turn(champion_ms: float) -> dict[str, Any]:
        return {"versions": {"v1": {"p99_ms": champion_ms}, "v2": {"p99_ms": 900.0}}}

    figure = figures.canary_figure([turn(10.0)], [turn(11.0)], champion="v1", rate=100)

    assert figure.ratio == 1.1
    assert figure.ok
    assert not figures.canary_figure([turn(10.0)], [turn(11.2)], champion="v1", rate=100).ok


def test_a_promotion_is_judged_by_what_was_due_while_it_went_on():
    calm = [Sample(number / 10, 10.0, "v1") for number in range(50)]
    warm = [Sample(0.0, 500.0, "v1")]
    change = [Sample(5.0 + number / 10, 14.0, "v4") for number in range(10)]
    after = [Sample(7.0, 900.0, "v4")]

    failed, p99 = figures.promotion_figures(
        [*warm, *calm, *change, *after], {}, [(5.0, 6.0)], counted_from_s=0.05, rate=10
    )

    assert (failed.value, failed.ok) == (0, True)
    assert (p99.value, p99.peer_value, p99.ok) == (14.0, 10.0, True)
    assert p99.details["during"]["num_requests"] == 10


def test_one_failed_request_is_one_too_many():
    calm = [Sample(0.0, 1.0, "v1"), Sample(1.0, 1.0, "v1")]

    failed, _ = figures.promotion_figures(calm, {"status 503": 1}, [(0.5, 1.5)], counted_from_s=0.0, rate=10)
    everywhere = figures.failed_figure({"echo": turns(1), "mood": [{"num_failed": 2, "failures": {"status 429": 2}}]})

    assert not failed.ok
    assert (everywhere.value, everywhere.ok) == (2, False)
    assert everywhere.details["reasons"] == {"mood": [{"status 429": 2}]}
    assert figures.failed_figure({"echo": turns(1)}).ok
