"""A change of a release is refused where it was decided on another one, and its wait can be ended."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from tests.support.projects import publish
from tests.support.wire_site import LONG_ALIVE

from polyloop.errors import NotLoadedError, ReleaseChangedError
from polyloop.registry.presence import beat
from polyloop.registry.releases import Release, get_release, promote
from polyloop.registry.store import Store
from polyloop.retraining.promotion import canary_live, promote_live, shadow_live
from polyloop.spec.loader import LoadedSpec

BY_ANA: dict[str, Any] = {"actor": "ana", "reason": "a try", "progress": print}

Start = Callable[..., Release]


@pytest.fixture(params=["promote", "canary", "shadow"])
def start(request: pytest.FixtureRequest, store: Store, loaded: LoadedSpec) -> Start:
    """What makes v2 of mood live in one of the roles, beside the champion v1, which a replica holds alone."""
    for digest in "ab":
        publish(store, "mood", digest=digest)
    promote(store, "mood", "v1", actor="test", reason="first")
    beat(store, "mood-1", "mood", ["v1"], datetime.now(UTC) + LONG_ALIVE)
    return {
        "promote": partial(promote_live, store, "mood", "v2", **BY_ANA),
        "canary": partial(canary_live, store, "mood", "v2", 0.1, **BY_ANA),
        "shadow": partial(shadow_live, store, loaded, "mood", "v2", **BY_ANA),
    }[str(request.param)]


def test_what_was_decided_on_an_older_release_is_refused_before_anything_is_loaded(store: Store, start: Start) -> None:
    before = get_release(store, "mood")
    with pytest.raises(ReleaseChangedError, match=r"has changed meanwhile \(generation 1, not 0\)"):
        start(expected_generation=0)
    assert get_release(store, "mood") == before


def test_a_wait_that_is_stopped_leaves_the_release_as_it_was(store: Store, start: Start) -> None:
    stop = threading.Event()
    threading.Timer(0.05, stop.set).start()
    started = time.monotonic()
    with pytest.raises(NotLoadedError, match="mood-1 to load v2 of mood stops"):
        start(stop=stop, load_timeout_s=600)
    assert time.monotonic() - started < 300
    release = get_release(store, "mood")
    assert (release.champion, release.canary, release.shadow, release.preload) == ("v1", None, None, None)
    assert release.generation == 1
