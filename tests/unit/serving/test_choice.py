"""Who is answered by the canary: as many as its weight says, always the same ones, and more when the weight grows."""

import random
from statistics import NormalDist

import pytest

from polyloop.registry.releases import Release
from polyloop.serving.choice import Choice, choose, drawn_number, sticky_key

USERS = [f"user:{number}" for number in range(20_000)]


def release(weight: float = 0.1, canary: str | None = "v2", task: str = "mood") -> Release:
    return Release(task=task, champion="v1", canary=canary, canary_weight=weight)


def drawn(one: Release, keys: list[str] = USERS) -> set[str]:
    """Return the keys that the canary answers."""
    choices = {key: choose(one, key) for key in keys}
    return {key for key, choice in choices.items() if choice is not None and choice.is_canary}


def bounds(probability: float, num_draws: int) -> tuple[float, float]:
    """Return between what a part lies but for one case in ten millions, by the normal limit of the binomial."""
    reach = NormalDist().inv_cdf(1 - 5e-8) * (probability * (1 - probability) / num_draws) ** 0.5
    return probability - reach, probability + reach


def test_before_the_first_promotion_there_is_nothing_to_choose() -> None:
    assert choose(Release(task="mood"), "user:ana") is None


@pytest.mark.parametrize("key", ["user:ana", None])
def test_without_a_canary_the_champion_answers_for_certain(key: str | None) -> None:
    champion = Choice(version="v1", propensity=1.0, is_canary=False)
    assert choose(release(0.0, canary=None), key) == champion


def test_who_names_the_champion_gets_it_for_certain_and_no_other_name_has_an_effect() -> None:
    champion = Choice(version="v1", propensity=1.0, is_canary=False)
    assert {choose(release(0.9), key, named="v1") for key in USERS[:50]} == {champion}
    for other in ("v2", "v7", None):
        assert [choose(release(0.9), key, named=other) for key in USERS[:50]] == [
            choose(release(0.9), key) for key in USERS[:50]
        ]


@pytest.mark.parametrize("weight", [0.01, 0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize(("task", "canary"), [("mood", "v2"), ("mood", "v10"), ("to-german", "v2")])
def test_the_part_of_users_is_the_weight(weight: float, task: str, canary: str) -> None:
    low, high = bounds(weight, len(USERS))
    assert low < len(drawn(release(weight, canary, task))) / len(USERS) < high


@pytest.mark.parametrize("weight", [0.1, 0.5])
def test_without_a_key_the_part_of_requests_is_the_weight(weight: float) -> None:
    draw = random.Random(5).random
    choices = [choose(release(weight), None, draw=draw) for _ in range(20_000)]
    low, high = bounds(weight, len(choices))
    assert low < sum(choice is not None and choice.is_canary for choice in choices) / len(choices) < high


def test_raising_the_weight_keeps_everyone_and_adds_some() -> None:
    before: set[str] = set()
    for weight in (0.001, 0.01, 0.1, 0.2, 0.5, 0.99):
        now = drawn(release(weight))
        assert before < now
        before = now


def test_a_user_is_answered_by_the_same_version_each_time_whatever_else_has_changed_in_the_release() -> None:
    later = Release(task="mood", champion="v3", previous="v1", canary="v2", canary_weight=0.1, generation=9)
    assert drawn(release()) == drawn(release()) == drawn(later)


def test_another_canary_and_another_task_draw_other_users() -> None:
    ours = drawn(release())
    low, high = bounds(0.1, len(ours))
    for other in (release(canary="v3"), release(task="to-german")):
        assert low < len(ours & drawn(other)) / len(ours) < high


def test_the_propensity_is_the_probability_of_the_version_that_was_picked() -> None:
    picked = {(choice.version, choice.propensity) for key in USERS[:200] if (choice := choose(release(0.25), key))}
    assert picked == {("v2", 0.25), ("v1", 0.75)}


def test_a_draw_stays_what_it_is_in_other_processes_and_versions_of_python() -> None:
    assert drawn_number("mood", "v2", "user:ana") == 0.7058053501060628


@pytest.mark.parametrize("key", ["user:", "user:" + "x" * 10_000, "user:\x00", "user:李", "user:\ud800"])
def test_any_key_gives_a_number_below_one(key: str) -> None:
    assert 0.0 <= drawn_number("mood", "v2", key) < 1.0


def test_a_user_counts_before_a_session_and_the_same_text_is_not_the_same_key() -> None:
    assert sticky_key("ana", "tab-1") == sticky_key("ana", None) == "user:ana"
    assert sticky_key(None, "ana") == "session:ana"
    assert sticky_key(None, None) is None
