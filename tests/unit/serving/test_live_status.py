"""The live status: releases and replicas from the store, rates from pages over a window, and its table."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from tests.support.listening import listening
from tests.support.projects import publish

from polyloop.cli import status_watch
from polyloop.cli.status_watch import status_rows, watch
from polyloop.cluster.metrics_pages import read_pages
from polyloop.registry.presence import beat
from polyloop.registry.releases import set_canary, set_shadow
from polyloop.registry.store import Store
from polyloop.serving import live_status
from polyloop.serving.live_status import LiveStatus

Page = Callable[[], str]


def page_of(answered: int, failed: int = 0) -> str:
    name, tags = "ray_polyloop_requests_total", 'task="mood",version="v1",locale="en"'
    return (
        f"# TYPE {name} counter\n"
        f'{name}{{{tags},outcome="answered"}} {answered}\n{name}{{{tags},outcome="timeout"}} {failed}\n'
    )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that the test sets, in its only item."""
    now = [100.0]
    monkeypatch.setattr(live_status, "time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_what_is_served_comes_from_the_store(store: Store, champions: dict[str, str]) -> None:
    publish(store, "mood", digest="b")
    set_canary(store, "mood", "v2", 0.1, actor="test", reason="a try")
    publish(store, "mood", digest="c")
    set_shadow(store, "mood", "v3", actor="test", reason="a look")
    beat(store, "mood-1", "mood", ["v1", "v2"], datetime.now(UTC))
    beat(store, "mood-2", "mood", [], datetime.now(UTC))
    status = LiveStatus(store, ["mood", "to-german"], dict)
    mood, german = status_rows(status.look())
    assert (mood["champion"], mood["canary"], mood["shadow"]) == ("v1", "v2 10%", "v3")
    assert mood["replicas"] == "v1, v2 | loading"
    assert (german["champion"], german["canary"], german["replicas"]) == ("v1", None, "none")
    assert mood["requests/s"] is None
    beat(store, "mood-2", "mood", ["v1"], datetime.now(UTC))
    assert status_rows(status.look())[0]["canary"] == "v2 10% paused"


def test_rates_are_those_of_the_last_window(store: Store, champions: dict[str, str], clock: list[float]) -> None:
    counts = {100.0: 1_000, 102.0: 1_010, 130.0: 1_150, 132.0: 1_150, 140.0: 1_150, 162.0: 1_150}
    status = LiveStatus(store, ["mood"], lambda: {"a": page_of(counts[clock[0]])}, window_s=30.0)
    seen = []
    for clock[0] in counts:
        (row,) = status_rows(status.look())
        seen.append(row["requests/s"])
    # 10/2, 150/30, then from 102 on: 140/30, and from 102 still: 140/38; at last from 132 on.
    assert seen == [None, "5.0", "5.0", "4.7", "3.7", "0.0"]


def test_a_row_tells_failures_and_leaves_out_what_nothing_told(
    store: Store, champions: dict[str, str], clock: list[float]
) -> None:
    pages = {100.0: page_of(0), 110.0: page_of(10, 5)}
    status = LiveStatus(store, ["mood"], lambda: {"a": pages[clock[0]]})
    status.look()
    clock[0] = 110.0
    (row,) = status_rows(status.look())
    assert (row["requests/s"], row["failures/s"], row["p50 ms"], row["rows/call"]) == ("1.5", "0.50", None, None)


@contextmanager
def node(text: str, status: int = 200) -> Iterator[str]:
    async def metrics(_: Any) -> PlainTextResponse:
        return PlainTextResponse(text, status_code=status)

    with listening(Starlette(routes=[Route("/metrics", metrics)])) as url:
        yield url.removeprefix("http://")


def test_pages_are_read_from_all_nodes_that_answer() -> None:
    with node("one") as first, node("two") as second, node("oh", 500) as broken:
        assert read_pages([first, broken, "127.0.0.1:9", second]) == {first: "one", second: "two"}
    assert read_pages([]) == {}


def test_where_there_is_no_terminal_each_look_is_a_plain_table(
    store: Store, champions: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    watch(LiveStatus(store, ["mood"], lambda: {"a": page_of(1)}), "small", every_s=0.05, looks=2)
    out = capsys.readouterr().out
    assert out.count("champion") == 2
    assert "\x1b" not in out


def test_on_a_terminal_one_table_changes(
    store: Store, champions: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.console import Console

    screen = io.StringIO()
    monkeypatch.setattr(
        status_watch, "Console", lambda **_: Console(file=screen, force_terminal=True, width=160, highlight=False)
    )
    watch(LiveStatus(store, ["mood"], lambda: {"a": page_of(1)}), "small", every_s=0.05, looks=3)
    assert screen.getvalue().count("champion") >= 3
    assert "\x1b[" in screen.getvalue()


def test_an_interrupt_ends_it_quietly(store: Store, champions: dict[str, str]) -> None:
    def interrupted() -> dict[str, str]:
        raise KeyboardInterrupt

    watch(LiveStatus(store, ["mood"], interrupted), "small")
