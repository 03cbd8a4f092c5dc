"""A run's lease is renewed while its owner works, and no longer."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from polyloop.registry.runs import abandoned_run, alive_run, get_run, hand_over, start_run
from polyloop.registry.store import Store
from polyloop.retraining import lease
from polyloop.retraining.lease import kept_lease


@pytest.fixture
def run_id(store: Store, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run of the owner `me`, whose lease is over in a second if nothing renews it."""
    monkeypatch.setattr(lease, "RENEW_EVERY_S", 0.05)
    monkeypatch.setattr(lease, "LEASE_S", 1.0)
    now = datetime.now(UTC)
    return start_run(store, "mood", trigger="manual", reason="", owner="me", lease_s=1.0, now=now).run.run_id


def test_the_lease_outlives_its_first_term_inside_the_block_and_ends_after_it(store: Store, run_id: str) -> None:
    with kept_lease(store, run_id, "me"):
        time.sleep(1.3)
        assert alive_run(store, "mood", datetime.now(UTC)) is not None
    time.sleep(1.1)
    assert abandoned_run(store, "mood", datetime.now(UTC)) is not None


def test_a_lost_lease_is_not_taken_back(store: Store, run_id: str) -> None:
    with kept_lease(store, run_id, "me"):
        hand_over(store, run_id, "me", new_owner="other", lease_s=60, now=datetime.now(UTC))
        time.sleep(0.2)
    run = get_run(store, run_id)
    assert run.owner == "other"
    assert run.lease_until > datetime.now(UTC) + timedelta(seconds=50)
