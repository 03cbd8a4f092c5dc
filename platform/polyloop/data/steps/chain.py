"""The steps that a corpus asks for, in their order, and an account of what each did.

Input: the corpus's cleaning settings and drafts. Output: why a draft is dropped, if it is. A step that raises on a row
drops that row alone (`step_failed`, with the traceback), so that one strange row never costs a build.
"""

import traceback
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from polyloop.data.steps.base import Draft, Step
from polyloop.data.steps.c4 import C4Step
from polyloop.data.steps.entities import UnescapeEntities
from polyloop.data.steps.fineweb import FineWebStep
from polyloop.data.steps.gopher import GopherQualityStep
from polyloop.data.steps.gopher_repetition import GopherRepetitionStep
from polyloop.data.steps.han import HanVariant
from polyloop.data.steps.language import CheckLanguage
from polyloop.data.steps.length import LengthStep
from polyloop.data.steps.normalise import NormaliseText
from polyloop.data.steps.parallel import ParallelStep
from polyloop.data.steps.pii import MaskPii
from polyloop.data.steps.repair import RepairText
from polyloop.data.steps.width import NormaliseWidth
from polyloop.errors import PolyloopError
from polyloop.spec.cleaning import CleaningSpec, QualityRule

STEP_FAILED = "step_failed"

QUALITY_STEPS: dict[QualityRule, type[Step]] = {
    "c4": C4Step,
    "gopher": GopherQualityStep,
    "gopher_repetition": GopherRepetitionStep,
    "fineweb": FineWebStep,
}
"""In the order in which they are asked."""

STEPS: tuple[type[Step], ...] = (
    RepairText,
    UnescapeEntities,
    NormaliseWidth,
    HanVariant,
    *QUALITY_STEPS.values(),
    NormaliseText,
    LengthStep,
    CheckLanguage,
    ParallelStep,
    MaskPii,
)
"""All steps, in the order in which rows meet them."""

_PLACES = {step.name: place for place, step in enumerate(STEPS)}


class Refusal(NamedTuple):
    """Why a draft is dropped."""

    reason: str
    detail: str = ""


@dataclass(kw_only=True)
class StepAccount:
    """What one step did."""

    rows_in: int = 0
    rows_changed: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    def merge(self, other: Self) -> None:
        """Add what the step did elsewhere."""
        self.rows_in += other.rows_in
        self.rows_changed += other.rows_changed
        self.dropped.update(other.dropped)


Accounts = dict[str, StepAccount]
"""By the name of the step."""


def merge_accounts(parts: Iterable[Accounts]) -> Accounts:
    """Return the sum of accounts, in the order in which rows meet the steps."""
    total: Accounts = {}
    for part in parts:
        for name, account in part.items():
            total.setdefault(name, StepAccount()).merge(account)
    return dict(sorted(total.items(), key=lambda item: _PLACES[item[0]]))


def accounts_to_data(accounts: Accounts) -> dict[str, list[Any]]:
    """Return accounts as JSON data, for `accounts_from_data`."""
    return {name: [one.rows_in, one.rows_changed, dict(one.dropped)] for name, one in accounts.items()}


def accounts_from_data(data: dict[str, list[Any]]) -> Accounts:
    """Return the accounts that `accounts_to_data` wrote."""
    return {
        name: StepAccount(rows_in=rows_in, rows_changed=rows_changed, dropped=Counter(dropped))
        for name, (rows_in, rows_changed, dropped) in data.items()
    }


def cleaning_steps(
    cleaning: CleaningSpec, *, locales: Sequence[str], has_labels: bool, keeps_lines: bool = False
) -> tuple[Step, ...]:
    """Return the steps of a corpus; `locales` are those that a row may be relabelled to.

    Rules that look at lines come before white space is collapsed; what judges words and people's data comes after.
    `keeps_lines` says whether drafts keep the lines of their inputs.
    """
    steps: list[Step] = []
    if cleaning.repair:
        steps.append(RepairText())
    if cleaning.entities:
        steps.append(UnescapeEntities())
    if cleaning.width:
        steps.append(NormaliseWidth())
    if cleaning.han == "locale":
        steps.append(HanVariant())
    steps += [step() for rule, step in QUALITY_STEPS.items() if rule in cleaning.quality.rules]
    steps.append(NormaliseText(keeps_lines=keeps_lines))
    quality, parallel, pii = cleaning.quality, cleaning.parallel, cleaning.pii
    if (quality.min_characters, quality.max_characters) != (1, 1_000_000):
        steps.append(LengthStep(min_characters=quality.min_characters, max_characters=quality.max_characters))
    if cleaning.language.action != "off":
        steps.append(
            CheckLanguage(
                action=cleaning.language.action,
                min_characters=cleaning.language.min_characters,
                locales=tuple(locales),
            )
        )
    if not has_labels and (parallel.max_length_ratio is not None or parallel.drop_copies):
        steps.append(ParallelStep(max_length_ratio=parallel.max_length_ratio, drop_copies=parallel.drop_copies))
    if pii.action != "off":
        steps.append(MaskPii(action=pii.action, kinds=pii.kinds, entities=pii.entities))
    return tuple(steps)


@dataclass(kw_only=True)
class Chain:
    """Steps in their order, and what they have done so far."""

    steps: tuple[Step, ...]
    accounts: Accounts = field(init=False)

    def __post_init__(self) -> None:
        """Open an account for each step, so that one that saw no row is listed too."""
        self.accounts = {step.name: StepAccount() for step in self.steps}

    def run(self, draft: Draft) -> Refusal | None:
        """Take a draft through the steps, up to the first that drops it."""
        for step in self.steps:
            account = self.accounts[step.name]
            account.rows_in += 1
            before = (draft.input, draft.target, draft.locale, draft.target_locale) if step.writes else None
            refusal = _apply(step, draft)
            if refusal is not None:
                account.dropped[refusal.reason] += 1
                return refusal
            if before is not None and before != (draft.input, draft.target, draft.locale, draft.target_locale):
                account.rows_changed += 1
        return None


def _apply(step: Step, draft: Draft) -> Refusal | None:
    try:
        reason = step.apply(draft)
    except PolyloopError:
        raise  # the settings are wrong, not the row
    except Exception:
        return Refusal(STEP_FAILED, f"step {step.name}\n{traceback.format_exc(limit=-4)}")
    return None if reason is None else Refusal(reason)
