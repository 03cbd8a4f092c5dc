"""What a build did, step by step, put together from what its passes report; pure.

Input: shards, and what later passes dropped. Output: the steps of the manifest, in the order in which rows meet them.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from polyloop.data.manifest import StepRecord
from polyloop.data.near.clusters import REASONS as NEAR_REASONS
from polyloop.data.passes.clean import Shard
from polyloop.data.passes.paragraphs import REPEATED_PARAGRAPHS
from polyloop.data.passes.select import CONTAMINATED
from polyloop.data.rows import Tally
from polyloop.data.steps.chain import merge_accounts
from polyloop.spec.models import TaskSpec

CHECKED_AFTER = frozenset({"empty_input", "empty_target", "unknown_label"})
"""Reasons that are asked for once a row has been through its cleaning steps."""

OTHER_LOCALE = "other_locale"
"""A reason that is asked for before the steps, but after them in a corpus whose rows may be relabelled."""


def steps_of_shards(shards: Sequence[Shard]) -> list[StepRecord]:
    """Return what reading and each cleaning step did; a step that not every corpus asks for saw fewer rows."""
    rows_in = sum(shard.rows_in for shard in shards)
    accounts = merge_accounts(shard.accounts for shard in shards)
    in_steps: Counter[str] = Counter()
    for account in accounts.values():
        in_steps.update(account.dropped)
    around = _reasons(shard.tally for shard in shards)
    around.subtract(in_steps)
    after = Counter({reason: rows for reason, rows in around.items() if reason in CHECKED_AFTER and rows})
    before = Counter({reason: rows for reason, rows in around.items() if reason not in CHECKED_AFTER and rows})
    relabelled = before.total() - (rows_in - _rows_cleaned(shards))
    if relabelled:
        after[OTHER_LOCALE] = relabelled
        before = before - Counter({OTHER_LOCALE: relabelled})
    steps = [step("read", rows_in, before)]
    for name, account in accounts.items():
        steps.append(step(name, account.rows_in, account.dropped, rows_changed=account.rows_changed))
    steps.append(step("check", rows_in - before.total() - in_steps.total(), after))
    return steps


def steps_of_selection(task: TaskSpec, rows_in: int, dropped: Counter[str], rows_cut: int) -> list[StepRecord]:
    """Return what was done to the rows that were left of exact duplicates; `rows_cut` lost paragraphs and stay."""
    steps: list[StepRecord] = []
    for name, asked_for, reasons, rows_changed in (
        ("near duplicates", task.dedup.near, NEAR_REASONS, 0),
        ("repeated paragraphs", task.dedup.paragraphs, (REPEATED_PARAGRAPHS,), rows_cut),
        ("decontaminate", task.decontamination.ngram > 0, (CONTAMINATED,), 0),
    ):
        if asked_for:
            counts = {reason: dropped[reason] for reason in reasons if dropped[reason]}
            steps.append(step(name, rows_in, counts, rows_changed=rows_changed))
            rows_in = steps[-1].rows_out
    return steps


def step(name: str, rows_in: int, dropped: Counter[str] | dict[str, int], *, rows_changed: int = 0) -> StepRecord:
    """Return the record of a step that drops rows for these reasons."""
    counts = dict(sorted(dropped.items(), key=lambda item: (-item[1], item[0])))
    return StepRecord(
        name=name,
        rows_in=rows_in,
        rows_out=rows_in - sum(counts.values()),
        rows_changed=rows_changed,
        dropped=counts,
    )


def found_by_corpus(shards: Iterable[Shard]) -> dict[str, dict[str, int]]:
    """Return corpus -> what steps saw -> how often, most frequent first."""
    totals: dict[str, Counter[str]] = {}
    for shard in shards:
        totals.setdefault(shard.corpus, Counter()).update(shard.found)
    return {corpus: dict(sorted(c.items(), key=lambda item: (-item[1], item[0]))) for corpus, c in totals.items()}


def _rows_cleaned(shards: Iterable[Shard]) -> int:
    """Return how many rows came to the first of their cleaning steps."""
    return sum(account.rows_in for shard in shards for account in list(shard.accounts.values())[:1])


def _reasons(tallies: Iterable[Tally]) -> Counter[str]:
    total: Counter[str] = Counter()
    for tally in tallies:
        total.update(tally.by_reason())
    return total
