"""The demo's traffic against a real service: what is asked, what is told, and what a bad moment does to the count."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from tests.support.wire_site import WireSite, served

from polyloop.demo import client as module
from polyloop.demo.client import Tally, Traffic
from polyloop.demo.corpora import TrafficItem
from polyloop.demo.users import Reaction, User
from polyloop.registry.tables import feedback

ITEM = TrafficItem(
    task="mood", input="a day", locale="en", target_locale="en", truth="good", pattern="", is_control=False
)


class Corrector(User):
    """A user who always says the same."""

    def __init__(self, correction: str) -> None:
        super().__init__("user-01", "honest", random.Random(1))
        self._correction = correction

    def react(self, item: TrafficItem, output: str) -> Reaction | None:
        """Return the correction."""
        return Reaction(rating=-1, correction=self._correction)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WireSite]:
    """A served project; pauses are short."""
    monkeypatch.setattr(module, "FEEDBACK_PAUSE_S", 0.01)
    with served(tmp_path) as opened:
        yield opened


def refuse_feedback(site: WireSite, status: int, times: int) -> None:
    """Answer the next statements with a status instead of storing them."""
    app, left = site.interference._app, [status] * times

    async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/v1/feedback" and left:
            await PlainTextResponse("no", status_code=left.pop())(scope, receive, send)
        else:
            await app(scope, receive, send)

    site.interference._app = refusing


def run(site: WireSite, *, correction: str = "good", task: str = "mood") -> Tally:
    item = TrafficItem(**{**vars(ITEM), "task": task})
    traffic = Traffic(url=site.url, api_key=site.key, users=[Corrector(correction)], pool=[item], seed=1)
    traffic.start()
    deadline = time.monotonic() + 20
    while sum(traffic.tally.sent.values()) < 30 and time.monotonic() < deadline:
        time.sleep(0.01)
    return traffic.stop()


def stored(site: WireSite) -> set[str]:
    with site.store.read() as connection:
        return {str(one) for one in connection.execute(select(feedback.c.feedback_id)).scalars()}


def test_users_ask_and_what_they_say_is_acknowledged(site: WireSite) -> None:
    tally = run(site)
    num_sent = tally.sent["mood"]
    assert num_sent >= 30
    assert (tally.failed, tally.feedback_lost, tally.versions) == ({}, 0, {"mood": {"v1": num_sent}})
    assert tally.feedback_given == tally.corrections_given == {"mood": num_sent}
    assert len(tally.acknowledged) == num_sent
    assert tally.acknowledged == stored(site)


@pytest.mark.parametrize("status", [500, 503])
def test_feedback_is_sent_again_until_it_is_acknowledged(site: WireSite, status: int) -> None:
    refuse_feedback(site, status, times=20)
    tally = run(site)
    assert tally.feedback_lost == 0
    assert len(tally.acknowledged) == tally.feedback_given["mood"]


def test_feedback_that_is_never_taken_is_lost(site: WireSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEEDBACK_ATTEMPTS", 2)
    refuse_feedback(site, 503, times=10_000)
    tally = run(site)
    assert tally.feedback_lost == tally.feedback_given["mood"]
    assert tally.acknowledged == set()


def test_feedback_that_is_refused_is_neither_lost_nor_sent_again(site: WireSite) -> None:
    tally = run(site, correction="no label")
    assert (tally.feedback_lost, tally.acknowledged) == (0, set())
    statements = [path for path, _ in site.interference.requests if path == "/v1/feedback"]
    assert len(statements) == tally.feedback_given["mood"]


def test_a_request_that_fails_is_counted_and_not_asked_again(site: WireSite) -> None:
    tally = run(site, task="nobody")
    assert tally.failed == tally.sent
    assert len(site.interference.requests) == tally.sent["nobody"]
    assert "there is no task 'nobody'" in tally.failures[0]
