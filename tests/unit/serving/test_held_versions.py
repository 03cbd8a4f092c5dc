"""A replica holds what its release asks for, says so, and survives versions that cannot be loaded."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.projects import SmallModel, publish

from polyloop.errors import ArtefactError, ModelError, RegistryError
from polyloop.registry.presence import live_replicas
from polyloop.registry.releases import (
    Release,
    clear_canary,
    clear_preload,
    promote,
    rollback,
    set_canary,
    set_preload,
    set_shadow,
)
from polyloop.registry.store import Store
from polyloop.serving import held_versions
from polyloop.serving.held_versions import HeldVersions, wanted_versions


class Loader:
    """Loads small models, noting each; versions in `errors` fail."""

    def __init__(self) -> None:
        self.loads: list[str] = []
        self.errors: dict[str, Exception] = {}
        self.may_go = threading.Event()
        self.may_go.set()

    def __call__(self, path: Path) -> Any:
        self.loads.append(path.name)
        assert self.may_go.wait(5)
        if path.name in self.errors:
            raise self.errors[path.name]
        return SmallModel(path.name)


@pytest.fixture
def loader() -> Loader:
    return Loader()


@pytest.fixture
def held(store: Store, loader: Loader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HeldVersions]:
    monkeypatch.setattr(held_versions, "POLL_S", 0.02)
    monkeypatch.setattr(held_versions, "BEAT_S", 0.05)
    monkeypatch.setattr(held_versions, "LINGER_S", 0.3)
    versions = HeldVersions(store, task="mood", replica_id="mood-1", load=loader, artefacts_dir=tmp_path)
    yield versions
    loader.may_go.set()
    versions.stop()


def shown(store: Store, ttl_s: float = 10.0) -> list[tuple[str, ...]]:
    return [replica.versions for replica in live_replicas(store, "mood", now=datetime.now(UTC), ttl_s=ttl_s)]


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass within 5 s"
        time.sleep(0.01)


def serve_first(store: Store) -> None:
    publish(store, "mood", digest="a")
    publish(store, "mood", digest="b")
    promote(store, "mood", "v1", actor="test", reason="first")


def test_a_replica_wants_each_live_version_and_the_previous_one_once_the_champion_first() -> None:
    release = Release(task="mood", champion="v3", previous="v2", preload="v4", canary="v4", shadow="v1")
    assert wanted_versions(release) == ("v3", "v4", "v1", "v2")
    assert wanted_versions(Release(task="mood")) == ()


def test_the_champion_is_loaded_warm_and_shown_at_the_start(store: Store, held: HeldVersions) -> None:
    serve_first(store)
    held.start()
    model: Any = held.get("v1")
    assert model.is_warm
    eventually(lambda: shown(store) == [("v1",)])
    assert held.alive


def test_a_preloaded_version_is_loaded_and_shown_and_the_old_one_stays(store: Store, held: HeldVersions) -> None:
    serve_first(store)
    held.start()
    set_preload(store, "mood", "v2")
    eventually(lambda: shown(store) == [("v1", "v2")])
    promote(store, "mood", "v2", actor="test", reason="better")
    time.sleep(0.1)
    assert shown(store) == [("v1", "v2")]


def test_a_rollback_needs_no_load(store: Store, held: HeldVersions, loader: Loader) -> None:
    serve_first(store)
    held.start()
    promote(store, "mood", "v2", actor="test", reason="better")
    eventually(lambda: shown(store) == [("v1", "v2")])
    rollback(store, "mood", actor="test", reason="worse")
    held.get("v1")
    assert loader.loads == ["v1", "v2"]


def test_a_version_that_nothing_asks_for_any_more_is_let_go(store: Store, held: HeldVersions) -> None:
    serve_first(store)
    held.start()
    set_preload(store, "mood", "v2")
    eventually(lambda: shown(store) == [("v1", "v2")])
    clear_preload(store, "mood", "v2")
    eventually(lambda: shown(store) == [("v1",)])


def test_a_canary_and_a_shadow_are_held_like_a_champion(store: Store, held: HeldVersions) -> None:
    serve_first(store)
    publish(store, "mood", digest="c")
    held.start()
    set_canary(store, "mood", "v2", 0.1, actor="test", reason="a try")
    set_shadow(store, "mood", "v3", actor="test", reason="a look")
    eventually(lambda: shown(store) == [("v1", "v2", "v3")])


def test_a_canary_that_ends_still_answers_calls_that_were_sent_before(
    store: Store, held: HeldVersions, loader: Loader
) -> None:
    serve_first(store)
    held.start()
    set_canary(store, "mood", "v2", 0.1, actor="test", reason="a try")
    eventually(lambda: shown(store) == [("v1", "v2")])
    clear_canary(store, "mood", "v2", actor="test", reason="enough")
    time.sleep(0.1)
    model: Any = held.get("v2")
    assert model.version == "v2"
    assert loader.loads == ["v1", "v2"]
    eventually(lambda: shown(store) == [("v1",)])


def test_a_version_that_is_wanted_again_in_time_stays(store: Store, held: HeldVersions, loader: Loader) -> None:
    serve_first(store)
    held.start()
    set_preload(store, "mood", "v2")
    eventually(lambda: shown(store) == [("v1", "v2")])
    clear_preload(store, "mood", "v2")
    time.sleep(0.1)
    set_preload(store, "mood", "v2")
    time.sleep(0.5)
    assert shown(store) == [("v1", "v2")]
    assert loader.loads == ["v1", "v2"]


@pytest.mark.parametrize("error", [ArtefactError("a file was changed"), RuntimeError("size mismatch")])
def test_a_version_that_cannot_be_loaded_is_tried_once_and_again_when_the_release_changes(
    store: Store, held: HeldVersions, loader: Loader, error: Exception
) -> None:
    serve_first(store)
    held.start()
    loader.errors["v2"] = error
    set_preload(store, "mood", "v2")
    eventually(lambda: "v2" in loader.loads)
    time.sleep(0.2)
    assert loader.loads == ["v1", "v2"]
    assert held.alive
    assert shown(store) == [("v1",)]
    del loader.errors["v2"]
    set_preload(store, "mood", "v2")
    eventually(lambda: shown(store) == [("v1", "v2")])


def test_a_version_that_cannot_be_loaded_is_tried_again_after_a_while(
    store: Store, held: HeldVersions, loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_versions, "RETRY_FAILED_S", 0.1)
    serve_first(store)
    loader.errors["v1"] = ArtefactError("the disk is away")
    held.start()
    del loader.errors["v1"]
    eventually(lambda: shown(store) == [("v1",)])


def test_calls_for_a_version_that_failed_are_refused_without_another_load(
    store: Store, held: HeldVersions, loader: Loader
) -> None:
    serve_first(store)
    loader.errors["v1"] = RuntimeError("size mismatch")
    held.start()
    for _ in range(3):
        with pytest.raises(ModelError, match="mood v1 cannot be loaded: size mismatch"):
            held.get("v1")
    assert loader.loads == ["v1"]


def test_a_call_may_name_a_version_before_the_replica_has_seen_the_release(store: Store, held: HeldVersions) -> None:
    serve_first(store)
    model: Any = held.get("v2")
    assert model.version == "v2"
    with pytest.raises(RegistryError, match="has no version"):
        held.get("v9")


def test_a_replica_shows_itself_alive_while_it_loads(store: Store, held: HeldVersions, loader: Loader) -> None:
    serve_first(store)
    held.start()
    loader.may_go.clear()
    set_preload(store, "mood", "v2")
    eventually(lambda: "v2" in loader.loads)
    time.sleep(1.2)
    assert shown(store, ttl_s=1.0) == [("v1",)]


def test_a_replica_that_stops_takes_leave(store: Store, held: HeldVersions) -> None:
    serve_first(store)
    held.start()
    eventually(lambda: shown(store) == [("v1",)])
    held.stop()
    assert shown(store) == []
    assert not held.alive
