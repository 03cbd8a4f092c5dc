"""A release flips when every live replica holds the version, or not at all: for champion, canary and shadow."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.projects import publish

from polyloop.errors import ClusterError, PolyloopError, RegistryError, SpecError
from polyloop.registry.presence import Replica, beat, live_replicas
from polyloop.registry.release_events import release_history
from polyloop.registry.releases import Release, get_release, promote, rollback, set_canary, set_preload
from polyloop.registry.store import Store
from polyloop.retraining import promotion
from polyloop.retraining.promotion import canary_live, promote_live, shadow_live
from polyloop.spec.loader import LoadedSpec, load_spec


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


def test_a_version_that_was_judged_beside_another_champion_is_not_promoted(store: Store) -> None:
    def promote_judged(version: str, instead_of: str | None) -> Release:
        given: dict[str, Any] = {"actor": "loop", "reason": "the gate passed", "progress": print}
        return promote_live(store, "mood", version, instead_of=instead_of, **given)

    assert promote_judged("v2", "v1").champion == "v2"
    rollback(store, "mood", actor="ana", reason="complaints")
    for beside, words in (("v2", "judged beside v2"), (None, "judged beside no champion")):
        with pytest.raises(RegistryError, match=f"v3 of mood was {words}, and the champion is v1 now"):
            promote_judged("v3", beside)
    release = get_release(store, "mood")
    assert (release.champion, release.preload) == ("v1", None)
    assert promote_judged("v1", "v2").champion == "v1"


def test_a_first_champion_may_be_judged_beside_none(store: Store) -> None:
    publish(store, "to-german")
    given: dict[str, Any] = {"actor": "loop", "reason": "the gate passed", "progress": print}
    assert promote_live(store, "to-german", "v1", instead_of=None, **given).champion == "v1"


class AnotherComesBetween:
    """Stands in for a look at the replicas: at the second look, another change of the release is made."""

    def __init__(self, change: Callable[[], Any]) -> None:
        self.num_looks = 0
        self._change = change

    def __call__(self, *arguments: Any, **options: Any) -> tuple[Replica, ...]:
        """Make the change when its time has come, and return the replicas."""
        self.num_looks += 1
        if self.num_looks == 2:
            self._change()
        return live_replicas(*arguments, **options)


def test_a_change_that_comes_between_ends_the_wait(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    seen(store, "mood-1", "v1")
    looks = AnotherComesBetween(lambda: promote(store, "mood", "v3", actor="ana", reason="hers"))
    monkeypatch.setattr(promotion, "live_replicas", looks)
    with pytest.raises(RegistryError, match="has changed meanwhile"):
        promote_v2(store, load_timeout_s=60)
    assert looks.num_looks == 2
    assert get_release(store, "mood").champion == "v3"


def test_a_preload_that_another_change_takes_over_ends_the_wait(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    seen(store, "mood-1", "v1")
    looks = AnotherComesBetween(lambda: set_preload(store, "mood", "v3"))
    monkeypatch.setattr(promotion, "live_replicas", looks)
    with pytest.raises(RegistryError, match="asks for v3 now, so that nobody loads v2 any more"):
        promote_v2(store, load_timeout_s=60)
    assert looks.num_looks == 2
    assert get_release(store, "mood").preload == "v3"


def test_two_that_promote_the_same_version_at_once_are_both_content(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen(store, "mood-1", "v1")
    looks = AnotherComesBetween(lambda: promote(store, "mood", "v2", actor="ana", reason="hers"))
    monkeypatch.setattr(promotion, "live_replicas", looks)
    assert promote_v2(store, load_timeout_s=60) == "v2"


def test_promoting_the_champion_again_changes_nothing(store: Store) -> None:
    promote_v2(store)
    generation = get_release(store, "mood").generation
    assert promote_v2(store) == "v2"
    assert get_release(store, "mood").generation == generation


def test_an_unpublished_version_is_refused_before_anything_is_preloaded(store: Store) -> None:
    with pytest.raises(RegistryError):
        promote_live(store, "mood", "v9", actor="test", reason="none", progress=print)
    assert get_release(store, "mood").preload is None


Start = Callable[..., Release]


@pytest.fixture(params=["canary", "shadow"])
def start(request: pytest.FixtureRequest, store: Store, loaded: LoadedSpec) -> tuple[str, Start]:
    """The name of a role, and what gives it to a version."""

    def start_canary(version: str, **options: Any) -> Release:
        given = {"actor": "test", "reason": "a try", "progress": print, "load_timeout_s": 5, **options}
        return canary_live(store, "mood", version, 0.1, **given)

    def start_shadow(version: str, **options: Any) -> Release:
        given = {"actor": "test", "reason": "a look", "progress": print, "load_timeout_s": 5, **options}
        return shadow_live(store, loaded, "mood", version, **given)

    return request.param, start_canary if request.param == "canary" else start_shadow


def test_a_canary_and_a_shadow_go_live_when_every_replica_holds_them(store: Store, start: tuple[str, Start]) -> None:
    role, begin = start
    seen(store, "mood-1", "v1")
    at_load: list[Release] = []

    def load() -> None:
        deadline = time.monotonic() + 5
        while get_release(store, "mood").preload != "v2":
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(0.1)
        at_load.append(get_release(store, "mood"))
        seen(store, "mood-1", "v1", "v2")

    thread = threading.Thread(target=load)
    thread.start()
    after = begin("v2")
    thread.join()
    assert getattr(after, role) == "v2"
    assert after.preload is None
    assert (at_load[0].canary, at_load[0].shadow) == (None, None)


def test_a_canary_and_a_shadow_that_a_replica_does_not_load_stay_out(store: Store, start: tuple[str, Start]) -> None:
    _, begin = start
    seen(store, "mood-1", "v1")
    with pytest.raises(ClusterError, match="v2 of mood was not loaded by mood-1"):
        begin("v2", load_timeout_s=0.1)
    release = get_release(store, "mood")
    assert (release.canary, release.shadow, release.preload, release.generation) == (None, None, None, 1)


def test_a_role_that_a_version_has_already_is_given_again_without_a_load(
    store: Store, start: tuple[str, Start]
) -> None:
    _, begin = start
    first = begin("v2")
    seen(store, "mood-1", "v1")
    assert begin("v2", load_timeout_s=0) == first
    assert get_release(store, "mood") == first


def test_a_version_that_cannot_have_the_role_is_refused_before_anything_is_loaded(
    store: Store, start: tuple[str, Start]
) -> None:
    role, begin = start
    before = get_release(store, "mood")
    with pytest.raises(PolyloopError, match=f"v1 is the champion of mood and cannot be its {role} too"):
        begin("v1")
    assert get_release(store, "mood") == before


def test_a_weight_that_is_none_is_refused_before_anything_is_loaded(store: Store) -> None:
    before = get_release(store, "mood")
    with pytest.raises(RegistryError, match=r"the weight 1\.5"):
        canary_live(store, "mood", "v2", 1.5, actor="test", reason="", progress=print)
    assert get_release(store, "mood") == before


def test_a_weight_may_be_raised_while_the_canary_runs(store: Store) -> None:
    for weight in (0.1, 0.5):
        canary_live(store, "mood", "v2", weight, actor="test", reason="a try", progress=print)
    assert get_release(store, "mood").canary_weight == 0.5


def test_two_that_start_a_canary_at_once_do_not_overwrite_each_other(store: Store) -> None:
    def ana_is_faster(_text: str) -> None:
        set_canary(store, "mood", "v3", 0.3, actor="ana", reason="hers")

    with pytest.raises(RegistryError, match="has changed meanwhile"):
        canary_live(store, "mood", "v2", 0.1, actor="bob", reason="his", progress=ana_is_faster)
    release = get_release(store, "mood")
    assert (release.canary, release.canary_weight, release.preload) == ("v3", 0.3, None)


def test_a_log_without_inputs_gives_a_shadow_nothing_to_answer(
    store: Store, spec_data: dict[str, Any], write_spec: Callable[[dict[str, Any]], Path]
) -> None:
    silent = load_spec(write_spec({**spec_data, "serving": {"log_inputs": False}}))
    with pytest.raises(SpecError, match=r"polyloop\.yaml: serving\.log_inputs is false.*set it to true"):
        shadow_live(store, silent, "mood", "v2", actor="test", reason="", progress=print)
    assert get_release(store, "mood").shadow is None
