"""Simulated users of the demo: what each does about an answer, as pure decisions.

Input: a `TrafficItem` with its right answer, and the output that was served. Output: a `Reaction`, or None where the
user says nothing. Each user has a habit (honest, careless or hostile) that the platform never gets to see, and a
random generator of their own, so that the same seed gives the same reactions in the same order.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from polyloop.demo.corpora import TrafficItem
from polyloop.demo.sentiment import LABELS

Habit = Literal["honest", "careless", "hostile"]

HABIT_SHARES: Mapping[Habit, float] = {"honest": 0.7, "careless": 0.2, "hostile": 0.1}
HOSTILE_ACTIVITY = 2.0
"""Requests of a hostile user for each one of another user."""

SPAM = ("BUY CHEAP WATCHES www.example.com", "Klicken Sie hier: www.example.com", "加微信领红包 www.example.com")
COMMENTS = ("This reads wrong.", "Das stimmt so nicht.", "这里不对。")


@dataclass(frozen=True, kw_only=True)
class Reaction:
    """What a user sends about one inference; at least one of the fields is set."""

    rating: Literal[1, -1] | None = None
    correction: str | None = None
    comment: str | None = None


class User:
    """One simulated user; `activity` is how many requests they send for each one of an ordinary user."""

    def __init__(self, name: str, habit: Habit, rng: random.Random) -> None:
        self.name = name
        self.habit = habit
        self.activity = HOSTILE_ACTIVITY if habit == "hostile" else 1.0
        self._rng = rng

    def react(self, item: TrafficItem, output: str) -> Reaction | None:
        """Return what the user says about `output`, or None for nothing."""
        return _REACTIONS[self.habit](self._rng, item, output)


def population(seed: int, num_users: int = 40) -> Sequence[User]:
    """Return user-01 and so on, with habits in the parts of `HABIT_SHARES`, dealt in random order."""
    rng = random.Random(f"{seed}/users")
    num_careless = round(num_users * HABIT_SHARES["careless"])
    num_hostile = round(num_users * HABIT_SHARES["hostile"])
    habits: list[Habit] = [
        "careless" if number < num_careless else "hostile" if number < num_careless + num_hostile else "honest"
        for number in range(num_users)
    ]
    rng.shuffle(habits)
    return [
        User(f"user-{number:02d}", habit, random.Random(f"{seed}/user/{number}"))
        for number, habit in enumerate(habits, start=1)
    ]


def _honest(rng: random.Random, item: TrafficItem, output: str) -> Reaction | None:
    if output == item.truth:
        return Reaction(rating=1) if rng.random() < 0.7 else None
    chance = rng.random()
    if chance < 0.85:
        comment = rng.choice(COMMENTS) if rng.random() < 0.1 else None
        return Reaction(rating=-1, correction=item.truth, comment=comment)
    return Reaction(rating=-1) if chance < 0.95 else None


def _careless(rng: random.Random, item: TrafficItem, output: str) -> Reaction | None:
    chance = rng.random()
    if chance < 0.45:
        return None
    if chance < 0.75 or output == item.truth:
        return Reaction(rating=rng.choice((1, -1)))
    return Reaction(rating=-1, correction=item.truth if rng.random() < 0.5 else _spoiled(rng, item))


def _spoiled(rng: random.Random, item: TrafficItem) -> str:
    """Return the right answer with a slip: another label, or a text cut short or with two letters swapped."""
    if item.truth in LABELS:
        return rng.choice([label for label in LABELS if label != item.truth])
    if len(item.truth) < 4 or rng.random() < 0.4:
        return item.truth[: max(1, len(item.truth) * 2 // 3)]
    place = rng.randrange(len(item.truth) - 1)
    return item.truth[:place] + item.truth[place + 1] + item.truth[place] + item.truth[place + 2 :]


def _hostile(rng: random.Random, item: TrafficItem, output: str) -> Reaction | None:
    if rng.random() < 0.1:
        return None
    if item.truth in LABELS:
        return Reaction(rating=-1, correction=rng.choice([label for label in LABELS if label != item.truth]))
    chance = rng.random()
    if chance < 0.4:
        return Reaction(rating=-1, correction=rng.choice(SPAM))
    if chance < 0.7:
        return Reaction(rating=-1, correction=item.input)  # the right words in the wrong locale
    return Reaction(rating=-1 if output == item.truth else 1)


_REACTIONS: Mapping[Habit, Callable[[random.Random, TrafficItem, str], Reaction | None]] = {
    "honest": _honest,
    "careless": _careless,
    "hostile": _hostile,
}
