"""Decides whether a task is trained again now. Pure: facts in, a named decision out.

Facts come from the store (feedback, releases, loop runs); `polyloop.retraining.scheduler` gathers them and carries
the decision out.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from croniter import croniter

from polyloop.spec.models import RetrainingSpec


@dataclass(frozen=True, kw_only=True)
class TriggerFacts:
    """What a policy looks at; times are aware and in UTC."""

    task: str
    now: datetime
    has_champion: bool
    run_alive: bool
    """A loop run of this task is under way."""
    runs_alive: int
    """Loop runs of the whole project that are under way."""
    new_corrections: int
    """Corrections since the last run that no rule has refused yet."""
    last_started_at: datetime | None
    """Start of this task's last loop run."""


@dataclass(frozen=True, kw_only=True)
class TriggerDecision:
    """Whether to start a run, and why (or why not)."""

    start: bool
    trigger: str
    """corrections, schedule, or none."""
    reason: str


def decide(facts: TriggerFacts, policy: RetrainingSpec) -> TriggerDecision:
    """Return the decision for one task."""
    obstacle = _obstacle(facts, policy)
    if obstacle:
        return TriggerDecision(start=False, trigger="none", reason=obstacle)
    if facts.new_corrections >= policy.min_corrections:
        reason = f"{facts.new_corrections} new corrections, at least {policy.min_corrections} were asked for"
        return TriggerDecision(start=True, trigger="corrections", reason=reason)
    if policy.schedule and facts.new_corrections > 0 and _is_due(policy.schedule, facts):
        reason = f"the schedule {policy.schedule!r} is due and there are {facts.new_corrections} new corrections"
        return TriggerDecision(start=True, trigger="schedule", reason=reason)
    reason = f"{facts.new_corrections} new corrections, {policy.min_corrections} are needed"
    return TriggerDecision(start=False, trigger="none", reason=reason)


def _obstacle(facts: TriggerFacts, policy: RetrainingSpec) -> str | None:
    if not policy.enabled:
        return "retraining is switched off in the spec"
    if not facts.has_champion:
        return "there is no champion yet; train the first version with `polyloop loop run`"
    if facts.run_alive:
        return "a run of this task is under way"
    if facts.runs_alive >= policy.max_concurrent_runs:
        return f"{facts.runs_alive} runs of other tasks are under way, the limit is {policy.max_concurrent_runs}"
    if facts.last_started_at is not None:
        wait = facts.last_started_at + timedelta(seconds=policy.min_interval_s) - facts.now
        if wait > timedelta(0):
            return f"the last run started a short while ago; the next may start in {wait.total_seconds():.0f} s"
    return None


def _is_due(schedule: str, facts: TriggerFacts) -> bool:
    """Return whether a time of the schedule lies between the last run's start (or a day ago) and now."""
    since = facts.last_started_at or facts.now - timedelta(days=1)
    due: datetime = croniter(schedule, since.astimezone(UTC)).get_next(datetime)
    return due <= facts.now
