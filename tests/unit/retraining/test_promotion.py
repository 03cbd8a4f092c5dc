"""A release flips when every live replica holds the version, or not at all."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from tests.support.projects import publish

from polyloop.errors import ClusterError, RegistryError
from polyloop.registry.presence import beat
from polyloop.registry.release_events import release_history
from polyloop.registry.releases import get_release, promote, set_preload
from polyloop.registry.store import Store
from polyloop.retraining import promotion
from polyloop.retraining.promotion import promote_live


@pytest.fixture(autouse=True)
def serving(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """v1 is the champion, v2 and v3 are published."""
    monkeypatch.setattr(promotion, "POLL_S", 0.01)
    for digest in "abc":
        publish(store, "mood", digest=digest)
    promote(store, "mood", "v1", actor="test", reason="first")


def seen(store: Store, replica_id: str, *versions: str, ago_s: float = 0) -> None:
    beat(store, replica_id, "mood", versions, datetime.now(UTC) - timedelta(seconds=ago_s))


def promote_v2(store: Store, *, load_timeout_s: float = 5, progress: Callable[[str], None] = print) -> str | None:
    release = promote_live(
        store, "mood", "v2", actor="test", reason="better", progress=progress, load_timeout_s=load_timeout_s
    )
    return release.champion


def test_where_nothing_serves_the_flip_is_immediate(store: Store) -> None:
    assert promote_v2(store, load_timeout_s=0) == "v2"
    release = get_release(store, "mood")
    assert (release.champion, release.previous, release.preload) == ("v2", "v1", None)


def test_the_flip_waits_for_every_live_replica(store: Store) -> None:
    seen(store, "mood-1", "v1")
    seen(store, "mood-2", "v1")
    preloads: list[str | None] = []
    champions: list[str | None] = []

    def load_one_after_the_other() -> None:
        deadline = time.monotonic() + 5
        while get_release(store, "mood").preload != "v2":
            assert time.monotonic() < deadline
            time.sleep(0.01)
        preloads.append(get_release(store, "mood").preload)
        seen(store, "mood-1", "v1", "v2")
        time.sleep(0.15)
        champions.append(get_release(store, "mood").champion)
        seen(store, "mood-2", "v1", "v2")

    thread = threading.Thread(target=load_one_after_the_other)
    thread.start()
    assert promote_v2(store) == "v2"
    thread.join()
    assert (preloads, champions) == (["v2"], ["v1"])


def test_a_dead_replica_is_not_waited_for(store: Store) -> None:
    seen(store, "mood-1", "v1", "v2")
    seen(store, "mood-dead", "v1", ago_s=60)
    assert promote_v2(store, load_timeout_s=0) == "v2"


def test_when_a_replica_does_not_load_it_the_release_stays_and_nothing_is_preloaded(store: Store) -> None:
    seen(store, "mood-1", "v1", "v2")
    seen(store, "mood-2", "v1")
    with pytest.raises(ClusterError, match=r"was not loaded by mood-2 within 0\.1 s"):
        promote_v2(store, load_timeout_s=0.1)
    release = get_release(store, "mood")
    assert (release.champion, release.preload, release.generation) == ("v1", None, 1)
    assert len(release_history(store, "mood")) == 1


def test_an_interrupted_promotion_takes_its_preload_back(store: Store) -> None:
    def interrupt(_text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        promote_v2(store, progress=interrupt)
    assert get_release(store, "mood").preload is None


def test_a_promotion_that_fails_leaves_the_preload_of_another_one_alone(store: Store) -> None:
    def another_promotion_begins(_text: str) -> None:
        set_preload(store, "mood", "v3")
        raise ClusterError("the first one ends")

    with pytest.raises(ClusterError):
        promote_v2(store, progress=another_promotion_begins)
    assert get_release(store, "mood").preload == "v3"


def test_a_release_that_changed_meanwhile_is_not_overwritten(store: Store) -> None:
    def ana_is_faster(_text: str) -> None:
        promote(store, "mood", "v3", actor="ana", reason="hers")

    with pytest.raises(RegistryError, match="has changed meanwhile"):
        promote_v2(store, progress=ana_is_faster)
    assert get_release(store, "mood").champion == "v3"


def test_promoting_the_champion_again_changes_nothing(store: Store) -> None:
    promote_v2(store)
    generation = get_release(store, "mood").generation
    assert promote_v2(store) == "v2"
    assert get_release(store, "mood").generation == generation


def test_an_unpublished_version_is_refused_before_anything_is_preloaded(store: Store) -> None:
    with pytest.raises(RegistryError):
        promote_live(store, "mood", "v9", actor="test", reason="none", progress=print)
    assert get_release(store, "mood").preload is None
