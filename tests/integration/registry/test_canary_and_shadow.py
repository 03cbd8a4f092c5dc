"""Canary and shadow: who may be one, what ends them, and what the history says, on both databases."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from polyloop.errors import RegistryError
from polyloop.registry.release_events import release_history, shadow_start
from polyloop.registry.releases import (
    Release,
    check_canary,
    clear_canary,
    clear_shadow,
    get_release,
    promote,
    rollback,
    set_canary,
    set_preload,
    set_shadow,
)
from polyloop.registry.store import Store
from polyloop.registry.versions import set_version_state

BY_ANN: dict[str, Any] = {"actor": "ann", "reason": "a try"}


@pytest.fixture
def serving(published: Store) -> Store:
    """v1 was, and v2 is the champion of mood."""
    promote(published, "mood", "v1", **BY_ANN)
    promote(published, "mood", "v2", **BY_ANN)
    return published


def events(store: Store, after_generation: int = 2) -> list[tuple[Any, ...]]:
    return [
        (str(event.action), event.from_version, event.to_version, event.weight, event.reason)
        for event in release_history(store, "mood", after_generation=after_generation)
    ]


def test_a_canary_takes_its_part_and_clears_the_preload(serving: Store) -> None:
    set_preload(serving, "mood", "v3")
    after = set_canary(serving, "mood", "v3", 0.1, expected_generation=2, **BY_ANN)
    assert (after.canary, after.canary_weight, after.preload, after.generation) == ("v3", 0.1, None, 3)
    assert (after.champion, after.previous) == ("v2", "v1")
    assert get_release(serving, "mood") == after
    assert after.live_versions == ("v2", "v3")


def test_a_weight_may_change_another_canary_may_come_and_each_is_in_the_history(serving: Store) -> None:
    for version, weight in [("v3", 0.1), ("v3", 0.5), ("v4", 0.2)]:
        set_canary(serving, "mood", version, weight, **BY_ANN)
    assert clear_canary(serving, "mood", "v4", **BY_ANN).canary_weight == 0.0
    assert events(serving) == [
        ("canary", None, "v3", 0.1, "a try"),
        ("canary", "v3", "v3", 0.5, "a try"),
        ("canary", "v3", "v4", 0.2, "a try"),
        ("end_canary", "v4", None, None, "a try"),
    ]


def test_a_shadow_comes_is_replaced_and_ends(serving: Store) -> None:
    set_preload(serving, "mood", "v3")
    after = set_shadow(serving, "mood", "v3", expected_generation=2, **BY_ANN)
    assert (after.shadow, after.preload, after.generation, after.live_versions) == ("v3", None, 3, ("v2", "v3"))
    set_shadow(serving, "mood", "v4", **BY_ANN)
    assert clear_shadow(serving, "mood", "v4", **BY_ANN).live_versions == ("v2",)
    assert events(serving) == [
        ("shadow", None, "v3", None, "a try"),
        ("shadow", "v3", "v4", None, "a try"),
        ("end_shadow", "v4", None, None, "a try"),
    ]


def test_the_start_of_a_shadow_is_its_latest(serving: Store) -> None:
    assert shadow_start(serving, "mood", "v3") is None
    first = set_shadow(serving, "mood", "v3", **BY_ANN)
    assert shadow_start(serving, "mood", "v3") == first.updated_at
    set_shadow(serving, "mood", "v4", **BY_ANN)
    again = set_shadow(serving, "mood", "v3", **BY_ANN)
    assert shadow_start(serving, "mood", "v3") == again.updated_at != first.updated_at


def test_what_is_so_already_changes_nothing(serving: Store) -> None:
    set_canary(serving, "mood", "v3", 0.1, **BY_ANN)
    set_shadow(serving, "mood", "v4", **BY_ANN)
    before = get_release(serving, "mood")
    assert set_canary(serving, "mood", "v3", 0.1, expected_generation=0, **BY_ANN) == before
    assert set_shadow(serving, "mood", "v4", expected_generation=0, **BY_ANN) == before
    clear_canary(serving, "mood", "v3", **BY_ANN)
    clear_shadow(serving, "mood", "v4", **BY_ANN)
    bare = get_release(serving, "mood")
    assert clear_canary(serving, "mood", "v3", **BY_ANN) == bare
    assert clear_shadow(serving, "mood", "v4", **BY_ANN) == bare
    assert bare.generation == 6


def test_the_promotion_of_the_canary_ends_it(serving: Store) -> None:
    set_canary(serving, "mood", "v3", 0.1, **BY_ANN)
    after = promote(serving, "mood", "v3", expected_generation=3, **BY_ANN)
    assert (after.champion, after.previous, after.canary, after.canary_weight) == ("v3", "v2", None, 0.0)
    assert events(serving, 3) == [
        ("promote", "v2", "v3", None, "a try"),
        ("end_canary", "v3", None, None, "v3 was promoted: a try"),
    ]
    assert after.generation == 5


def test_the_promotion_of_a_third_version_ends_the_canary_and_leaves_the_shadow(serving: Store) -> None:
    set_canary(serving, "mood", "v3", 0.1, **BY_ANN)
    set_shadow(serving, "mood", "v4", **BY_ANN)
    after = promote(serving, "mood", "v1", **BY_ANN)
    assert (after.champion, after.canary, after.shadow) == ("v1", None, "v4")
    assert [event[0] for event in events(serving, 4)] == ["promote", "end_canary"]


def test_the_promotion_of_the_shadow_ends_it(serving: Store) -> None:
    set_shadow(serving, "mood", "v3", **BY_ANN)
    after = promote(serving, "mood", "v3", **BY_ANN)
    assert (after.champion, after.shadow) == ("v3", None)
    assert [event[0] for event in events(serving, 3)] == ["promote", "end_shadow"]


def test_a_rollback_leaves_one_version_only(serving: Store) -> None:
    set_canary(serving, "mood", "v3", 0.1, **BY_ANN)
    set_shadow(serving, "mood", "v4", **BY_ANN)
    after = rollback(serving, "mood", actor="bob", reason="complaints", expected_generation=4)
    assert (after.champion, after.previous, after.canary, after.shadow) == ("v1", "v2", None, None)
    assert after.live_versions == ("v1",)
    assert events(serving, 4) == [
        ("rollback", "v2", "v1", None, "complaints"),
        ("end_canary", "v3", None, None, "the task was rolled back: complaints"),
        ("end_shadow", "v4", None, None, "the task was rolled back: complaints"),
    ]


def test_a_shadow_may_become_the_canary_and_is_the_shadow_no_more(serving: Store) -> None:
    set_shadow(serving, "mood", "v3", **BY_ANN)
    after = set_canary(serving, "mood", "v3", 0.1, **BY_ANN)
    assert (after.canary, after.shadow) == ("v3", None)
    assert [event[0] for event in events(serving, 3)] == ["canary", "end_shadow"]


def test_a_version_has_one_role_at_a_time(serving: Store) -> None:
    set_canary(serving, "mood", "v3", 0.1, **BY_ANN)
    with pytest.raises(RegistryError, match=r"v2 is the champion of mood and cannot be its canary too"):
        set_canary(serving, "mood", "v2", 0.1, **BY_ANN)
    with pytest.raises(RegistryError, match=r"v2 is the champion of mood and cannot be its shadow too"):
        set_shadow(serving, "mood", "v2", **BY_ANN)
    with pytest.raises(RegistryError, match=r"v3 is the canary .*`polyloop release canary mood v3 --off`"):
        set_shadow(serving, "mood", "v3", **BY_ANN)
    assert get_release(serving, "mood").generation == 3


@pytest.mark.parametrize("weight", [0.0, 1.0, -0.1, 1.5, float("nan"), float("inf")])
def test_a_weight_that_is_none_is_named_with_its_place_and_the_fix(weight: float) -> None:
    release = Release(task="mood", champion="v1")
    with pytest.raises(RegistryError, match=rf"the weight {weight:g} of the canary v2 of mood .* give 0\.1"):
        check_canary(release, "v2", weight)
    check_canary(release, "v2", 0.001)


@pytest.mark.parametrize(
    "change",
    [
        lambda store, version: set_canary(store, "mood", version, 0.1, **BY_ANN),
        lambda store, version: set_shadow(store, "mood", version, **BY_ANN),
    ],
    ids=["canary", "shadow"],
)
def test_only_a_published_version_beside_a_champion_goes_live(
    published: Store, change: Callable[[Store, str], Release]
) -> None:
    with pytest.raises(RegistryError, match="no champion that v2 could be"):
        change(published, "v2")
    promote(published, "mood", "v1", **BY_ANN)
    set_version_state(published, "mood", "v4", "rejected")
    for version, message in [("v5", "v5 of mood is training"), ("v4", "v4 of mood is rejected"), ("v9", "no version")]:
        with pytest.raises(RegistryError, match=message):
            change(published, version)
    assert get_release(published, "mood").generation == 1


def test_ending_the_wrong_one_names_the_right_one(serving: Store) -> None:
    set_canary(serving, "mood", "v3", 0.1, **BY_ANN)
    set_shadow(serving, "mood", "v4", **BY_ANN)
    with pytest.raises(RegistryError, match=r"v4 is not the canary of mood, v3 is; .*canary mood v3 --off"):
        clear_canary(serving, "mood", "v4", **BY_ANN)
    with pytest.raises(RegistryError, match=r"v3 is not the shadow of mood, v4 is; .*shadow mood v4 --off"):
        clear_shadow(serving, "mood", "v3", **BY_ANN)


def test_a_version_that_is_live_cannot_be_rejected(serving: Store) -> None:
    set_canary(serving, "mood", "v3", 0.1, **BY_ANN)
    set_shadow(serving, "mood", "v4", **BY_ANN)
    for version, role in [("v3", "canary"), ("v4", "shadow")]:
        with pytest.raises(RegistryError, match=rf"{version} is the {role} of mood; end that first"):
            set_version_state(serving, "mood", version, "rejected")
    rollback(serving, "mood", **BY_ANN)
    assert set_version_state(serving, "mood", "v3", "rejected").state == "rejected"


@pytest.mark.parametrize(
    "late",
    [
        lambda store: set_canary(store, "mood", "v4", 0.1, expected_generation=2, **BY_ANN),
        lambda store: set_shadow(store, "mood", "v4", expected_generation=2, **BY_ANN),
        lambda store: clear_canary(store, "mood", "v3", expected_generation=2, **BY_ANN),
        lambda store: clear_shadow(store, "mood", "v3", expected_generation=2, **BY_ANN),
        lambda store: promote(store, "mood", "v4", expected_generation=2, **BY_ANN),
        lambda store: rollback(store, "mood", expected_generation=2, **BY_ANN),
    ],
    ids=["canary", "shadow", "end canary", "end shadow", "promote", "rollback"],
)
def test_each_change_that_was_decided_on_an_old_release_is_refused(
    serving: Store, late: Callable[[Store], Release]
) -> None:
    before = set_canary(serving, "mood", "v3", 0.1, **BY_ANN)
    with pytest.raises(RegistryError, match=r"changed meanwhile \(generation 3, not 2\)"):
        late(serving)
    assert get_release(serving, "mood") == before


def test_of_a_canary_and_a_promotion_decided_at_once_one_wins(serving: Store) -> None:
    refused: list[str] = []
    together = threading.Barrier(2)

    def attempt(name: str, change: Callable[[], Release]) -> None:
        together.wait(10)
        try:
            change()
        except RegistryError:
            refused.append(name)

    changes: dict[str, Callable[[], Release]] = {
        "canary": lambda: set_canary(serving, "mood", "v3", 0.1, expected_generation=2, **BY_ANN),
        "promotion": lambda: promote(serving, "mood", "v4", expected_generation=2, **BY_ANN),
    }
    threads = [threading.Thread(target=attempt, args=pair) for pair in changes.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    release = get_release(serving, "mood")
    (loser,) = refused
    assert (release.champion, release.canary) == (("v4", None) if loser == "canary" else ("v2", "v3"))
    assert release.generation == 3
    assert len(release_history(serving, "mood")) == 3
