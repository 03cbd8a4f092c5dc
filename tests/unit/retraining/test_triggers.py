"""The policy, as a table: facts and spec in, a named decision out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from polyloop.retraining.triggers import TriggerFacts, decide
from polyloop.spec.models import RetrainingSpec

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def facts(**changes: Any) -> TriggerFacts:
    base: dict[str, Any] = {
        "task": "mood",
        "now": NOW,
        "has_champion": True,
        "run_alive": False,
        "runs_alive": 0,
        "new_corrections": 0,
        "last_started_at": None,
    }
    return TriggerFacts(**base | changes)


@pytest.mark.parametrize(
    ("seen", "policy", "trigger"),
    [
        ({"new_corrections": 200}, {}, "corrections"),
        ({"new_corrections": 199}, {}, "none"),
        ({"new_corrections": 200}, {"enabled": False}, "none"),
        ({"new_corrections": 200, "has_champion": False}, {}, "none"),
        ({"new_corrections": 200, "run_alive": True, "runs_alive": 1}, {"max_concurrent_runs": 3}, "none"),
        ({"new_corrections": 200, "runs_alive": 1}, {}, "none"),
        ({"new_corrections": 200, "runs_alive": 1}, {"max_concurrent_runs": 2}, "corrections"),
        ({"new_corrections": 200, "last_started_at": NOW - timedelta(seconds=59)}, {"min_interval_s": 60}, "none"),
        (
            {"new_corrections": 200, "last_started_at": NOW - timedelta(seconds=60)},
            {"min_interval_s": 60},
            "corrections",
        ),
        ({"new_corrections": 200, "last_started_at": NOW + timedelta(seconds=9)}, {"min_interval_s": 0}, "none"),
        ({"new_corrections": 1}, {"schedule": "0 3 * * *"}, "schedule"),
        ({"new_corrections": 0}, {"schedule": "0 3 * * *"}, "none"),
        ({"new_corrections": 1, "last_started_at": NOW - timedelta(hours=10)}, {"schedule": "0 3 * * *"}, "schedule"),
        ({"new_corrections": 1, "last_started_at": NOW - timedelta(hours=8)}, {"schedule": "0 3 * * *"}, "none"),
        ({"new_corrections": 1, "last_started_at": NOW - timedelta(hours=9)}, {"schedule": "0 3 * * *"}, "none"),
        ({"new_corrections": 1, "last_started_at": NOW - timedelta(days=40)}, {"schedule": "0 12 * * *"}, "schedule"),
        ({"new_corrections": 200}, {"schedule": "0 3 * * *"}, "corrections"),
    ],
)
def test_the_decision(seen: dict[str, Any], policy: dict[str, Any], trigger: str) -> None:
    decision = decide(facts(**seen), RetrainingSpec.model_validate(policy))
    assert (decision.trigger, decision.start) == (trigger, trigger != "none")


@pytest.mark.parametrize(
    ("seen", "policy", "words"),
    [
        ({}, {"enabled": False}, "switched off"),
        ({"has_champion": False}, {}, "no champion yet"),
        ({"run_alive": True}, {}, "is under way"),
        ({"runs_alive": 1}, {}, "the limit is 1"),
        ({"last_started_at": NOW}, {"min_interval_s": 90}, "in 90 s"),
        ({"new_corrections": 7}, {}, "7 new corrections, 200 are needed"),
    ],
)
def test_the_reason_says_what_stands_in_the_way(seen: dict[str, Any], policy: dict[str, Any], words: str) -> None:
    assert words in decide(facts(**seen), RetrainingSpec.model_validate(policy)).reason
