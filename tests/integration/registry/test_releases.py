"""Promotion, rollback, preload and their history, on both databases."""

import threading

import pytest

from polyloop.errors import RegistryError
from polyloop.registry.release_events import release_history
from polyloop.registry.releases import (
    Release,
    all_releases,
    clear_preload,
    get_release,
    promote,
    rollback,
    set_preload,
)
from polyloop.registry.store import Store
from polyloop.registry.versions import set_version_state


def test_a_task_without_a_release_has_an_empty_one(store: Store) -> None:
    assert get_release(store, "mood") == Release(task="mood")
    assert get_release(store, "mood").live_versions == ()
    assert all_releases(store) == ()
    assert release_history(store, "mood") == ()


def test_promotion_moves_the_champion_to_previous(published: Store) -> None:
    promote(published, "mood", "v1", actor="ann", reason="first")
    set_preload(published, "mood", "v2")
    after = promote(published, "mood", "v2", actor="loop", reason="better")
    assert (after.champion, after.previous, after.preload, after.generation) == ("v2", "v1", None, 2)
    assert get_release(published, "mood") == after
    assert all_releases(published) == (after,)


def test_promoting_the_champion_again_changes_nothing(published: Store) -> None:
    first = promote(published, "mood", "v1", actor="ann", reason="first")
    assert promote(published, "mood", "v1", actor="ann", reason="again", expected_generation=0) == first
    assert len(release_history(published, "mood")) == 1


def test_rollback_swaps_champion_and_previous(published: Store) -> None:
    promote(published, "mood", "v1", actor="ann", reason="first")
    with pytest.raises(RegistryError, match="no previous version"):
        rollback(published, "mood", actor="ann", reason="oops")
    promote(published, "mood", "v2", actor="ann", reason="second")
    after = rollback(published, "mood", actor="bob", reason="worse")
    assert (after.champion, after.previous, after.generation) == ("v1", "v2", 3)
    again = rollback(published, "mood", actor="bob", reason="better after all")
    assert (again.champion, again.previous, again.generation) == ("v2", "v1", 4)


def test_every_change_is_in_the_history(published: Store) -> None:
    promote(published, "mood", "v1", actor="ann", reason="first")
    promote(published, "mood", "v2", actor="loop", reason="better")
    rollback(published, "mood", actor="bob", reason="worse")
    events = [
        (event.action, event.from_version, event.to_version, event.generation, event.actor, event.reason)
        for event in release_history(published, "mood")
    ]
    assert events == [
        ("promote", None, "v1", 1, "ann", "first"),
        ("promote", "v1", "v2", 2, "loop", "better"),
        ("rollback", "v2", "v1", 3, "bob", "worse"),
    ]


def test_only_published_versions_are_released(published: Store) -> None:
    set_version_state(published, "mood", "v4", "rejected")
    for version, message in [("v5", "v5 of mood is training"), ("v4", "v4 of mood is rejected"), ("v9", "no version")]:
        with pytest.raises(RegistryError, match=message):
            promote(published, "mood", version, actor="ann", reason="")
        with pytest.raises(RegistryError, match=message):
            set_preload(published, "mood", version)
    assert get_release(published, "mood").generation == 0


def test_a_previous_champion_that_a_gate_has_rejected_since_does_not_come_back(published: Store) -> None:
    """As when the loop judges again what was rolled back."""
    for version in ("v1", "v2"):
        promote(published, "mood", version, actor="ann", reason="better")
    rollback(published, "mood", actor="bob", reason="worse")
    set_version_state(published, "mood", "v2", "rejected")
    with pytest.raises(RegistryError, match="v2 of mood is rejected; only a published version can be released"):
        rollback(published, "mood", actor="bob", reason="once more")
    assert get_release(published, "mood").champion == "v1"


def test_preload_joins_the_live_versions_and_can_be_cleared(published: Store) -> None:
    promote(published, "mood", "v1", actor="ann", reason="first")
    assert set_preload(published, "mood", "v2").live_versions == ("v1", "v2")
    assert clear_preload(published, "mood", "v3").live_versions == ("v1", "v2")
    cleared = clear_preload(published, "mood", "v2")
    assert cleared.live_versions == ("v1",)
    assert cleared.generation == 1


def test_a_change_that_was_decided_on_an_old_release_is_refused(published: Store) -> None:
    promote(published, "mood", "v1", actor="ann", reason="first")
    with pytest.raises(RegistryError, match=r"changed meanwhile \(generation 1, not 0\)"):
        promote(published, "mood", "v2", actor="loop", reason="", expected_generation=0)
    promote(published, "mood", "v2", actor="loop", reason="", expected_generation=1)
    with pytest.raises(RegistryError, match="changed meanwhile"):
        rollback(published, "mood", actor="loop", reason="", expected_generation=1)


def test_of_many_promotions_decided_at_once_one_wins(published: Store) -> None:
    promote(published, "mood", "v1", actor="ann", reason="first")
    refused: list[RegistryError] = []

    def try_it(version: str) -> None:
        try:
            promote(published, "mood", version, actor=version, reason="race", expected_generation=1)
        except RegistryError as error:
            refused.append(error)

    threads = [threading.Thread(target=try_it, args=(version,)) for version in ("v2", "v3", "v4")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    release = get_release(published, "mood")
    assert len(refused) == 2
    assert release.generation == 2
    assert release.previous == "v1"
    assert release_history(published, "mood")[-1].to_version == release.champion
