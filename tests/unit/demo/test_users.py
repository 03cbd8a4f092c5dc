"""The simulated users: habits in the stated parts, each with its own rates, deterministic."""

import random
from collections import Counter

import pytest

from polyloop.demo import corpora, sentiment, users
from polyloop.demo.corpora import TrafficItem
from polyloop.demo.users import Habit, Reaction, User

NUM_ITEMS = 1_000


@pytest.fixture(scope="module")
def items() -> list[TrafficItem]:
    return list(corpora.traffic(1))[:NUM_ITEMS]


def reactions(habit: Habit, items: list[TrafficItem], *, right: bool) -> list[tuple[TrafficItem, Reaction | None]]:
    user = User("user-01", habit, random.Random(8))
    return [(item, user.react(item, item.truth if right else "something else")) for item in items]


def share(found: list[tuple[TrafficItem, Reaction | None]], rating: int | None) -> float:
    return sum(reaction is not None and reaction.rating == rating for _, reaction in found) / len(found)


def test_the_population_has_habits_in_the_stated_parts() -> None:
    population = users.population(1)
    assert [user.name for user in population] == [f"user-{number:02d}" for number in range(1, 41)]
    assert Counter(user.habit for user in population) == {"honest": 28, "careless": 8, "hostile": 4}
    assert {user.activity for user in population if user.habit == "hostile"} == {users.HOSTILE_ACTIVITY}


def test_the_same_seed_gives_the_same_people_and_reactions(items: list[TrafficItem]) -> None:
    first, again, other = users.population(1), users.population(1), users.population(2)
    assert [user.habit for user in first] == [user.habit for user in again] != [user.habit for user in other]
    for one, two in zip(first, again, strict=True):
        assert [one.react(item, "x") for item in items[:20]] == [two.react(item, "x") for item in items[:20]]


def test_honest_users_praise_what_is_right_and_correct_what_is_wrong(items: list[TrafficItem]) -> None:
    praise = reactions("honest", items, right=True)
    assert 0.6 < share(praise, 1) < 0.8
    assert share(praise, -1) == 0
    blame = reactions("honest", items, right=False)
    assert share(blame, 1) == 0
    corrected = [(item, reaction.correction) for item, reaction in blame if reaction and reaction.correction]
    assert 0.8 < len(corrected) / len(items) < 0.9
    assert all(correction == item.truth for item, correction in corrected)


def test_careless_users_say_little_and_slip_half_of_the_time(items: list[TrafficItem]) -> None:
    found = reactions("careless", items, right=False)
    assert 0.35 < sum(reaction is None for _, reaction in found) / len(found) < 0.55
    corrected = [(item, reaction.correction) for item, reaction in found if reaction and reaction.correction]
    right = sum(correction == item.truth for item, correction in corrected) / len(corrected)
    assert 0.4 < right < 0.65


def test_hostile_users_blame_what_is_right_and_never_send_the_truth(items: list[TrafficItem]) -> None:
    found = reactions("hostile", items, right=True)
    assert share(found, -1) > 0.8
    assert share(found, 1) == 0
    corrections = {reaction.correction for _, reaction in found if reaction and reaction.correction}
    assert corrections >= set(users.SPAM)
    assert all(reaction is None or reaction.correction != item.truth for item, reaction in found)


def test_a_reaction_is_never_empty(items: list[TrafficItem]) -> None:
    for habit in users.HABIT_SHARES:
        for right in (True, False):
            for _, reaction in reactions(habit, items, right=right):
                assert reaction is None or reaction.rating is not None or reaction.correction is not None


def test_a_correction_of_sentiment_is_always_a_label(items: list[TrafficItem]) -> None:
    for habit in users.HABIT_SHARES:
        for item, reaction in reactions(habit, items, right=False):
            if item.task == "sentiment" and reaction is not None and reaction.correction is not None:
                assert reaction.correction in sentiment.LABELS
