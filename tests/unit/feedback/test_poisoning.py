"""Curation among honest, careless and hostile users.

The mix: 12 honest users (wrong 3 % of the time), 5 careless ones (wrong 35 %), 5 hostile ones who agree on the same
wrong target for every input and give three times as much feedback. Half of the answers are right, 30 % of the inputs
are control items.

Measured over 40 seeds (1000 to 1039), part of the examples that are right: 93 % with the default min_trust of 0.6,
which lets a careless user's correction pass where nobody else speaks; 96 % with 0.75; 97 % with 0.8. About a third of
the corrections offered are right.
"""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from polyloop.feedback.curation import curate
from polyloop.feedback.decisions import CurationItem
from polyloop.spec.models import FeedbackSpec, TaskSpec
from polyloop.spec.network import ModelSpec
from polyloop.tasks.example import example_id

LABELS = ("joy", "anger", "fear", "calm", "grief")
TASK = TaskSpec(kind="classify", corpora=("c",), labels=LABELS, model=ModelSpec(recipe="nano"))
NUM_INPUTS = 600
FEEDBACK_PER_USER = 60


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of user: how many, how often wrong, and how much more feedback than others they give."""

    name: str
    num_users: int
    error_rate: float
    zeal: int = 1


MIX = (
    Kind(name="honest", num_users=12, error_rate=0.03),
    Kind(name="careless", num_users=5, error_rate=0.35),
    Kind(name="hostile", num_users=5, error_rate=1.0, zeal=3),
)


def simulate(seed: int) -> tuple[list[CurationItem], dict[str, str], dict[str, str]]:
    """Return feedback, the truth by example id, and the part of it that the train split knows."""
    generator = random.Random(seed)
    texts = [f"text {number}" for number in range(NUM_INPUTS)]
    truth = {example_id("mood", "en", "en", text): generator.choice(LABELS) for text in texts}
    right = dict(zip(texts, truth.values(), strict=True))
    known = {key: target for key, target in truth.items() if generator.random() < 0.3}
    items: list[CurationItem] = []
    for kind in MIX:
        for user in range(kind.num_users):
            for text in generator.sample(texts, FEEDBACK_PER_USER * kind.zeal):
                items.append(_give(generator, kind, f"{kind.name}-{user}", text, right[text], len(items)))
    return items, truth, known


def _give(generator: random.Random, kind: Kind, user: str, text: str, right: str, number: int) -> CurationItem:
    output = right if generator.random() < 0.5 else generator.choice([label for label in LABELS if label != right])
    if kind.name == "hostile":
        said = LABELS[(LABELS.index(right) + 1) % len(LABELS)]
    elif generator.random() < kind.error_rate:
        said = generator.choice([label for label in LABELS if label != right])
    else:
        said = right
    is_praise = said == output
    return CurationItem(
        feedback_id=UUID(int=number),
        task="mood",
        locale="en",
        target_locale="en",
        user=user,
        rating=1 if is_praise else -1,
        correction=None if is_praise else said,
        input=text,
        output=output,
        created_at=datetime(2026, 5, 1, tzinfo=UTC) + timedelta(seconds=generator.randrange(86_400)),
    )


@pytest.mark.parametrize(("min_trust", "min_precision"), [(0.6, 0.9), (0.75, 0.95)])
def test_examples_are_right_although_most_corrections_are_not(min_trust: float, min_precision: float) -> None:
    num_examples, num_right = 0, 0
    for seed in range(10):
        items, truth, known = simulate(seed)
        assert share_right(items, truth) < 0.5
        result = curate(items, known, FeedbackSpec(min_trust=min_trust), TASK, frozenset())
        num_examples += len(result.examples)
        num_right += sum(truth[example.id] == example.target for example in result.examples)
    assert num_examples >= 1_000
    assert num_right / num_examples >= min_precision


@pytest.mark.parametrize("seed", range(5))
def test_hostile_users_get_nothing_accepted(seed: int) -> None:
    items, _, known = simulate(seed)
    users = {item.feedback_id: item.user for item in items}
    result = curate(items, known, FeedbackSpec(), TASK, frozenset())
    accepted = [users[decision.feedback_id] for decision in result.decisions if decision.accepted]
    assert not [user for user in accepted if user.startswith("hostile")]
    assert len([user for user in accepted if user.startswith("honest")]) >= 100


def share_right(items: list[CurationItem], truth: dict[str, str]) -> float:
    """Return which part of the corrections offered is right."""
    offered = [item for item in items if item.correction is not None]
    right = [item for item in offered if item.correction == truth[example_id("mood", "en", "en", item.input or "")]]
    return len(right) / len(offered)
