"""What tests of releases share: a task with versions to release."""

import pytest

from polyloop.registry.store import Store
from polyloop.registry.versions import publish_version, reserve_version


@pytest.fixture
def published(store: Store) -> Store:
    """A store whose task mood has the published versions v1 to v4, and v5 in training."""
    for number in range(1, 6):
        reserve_version(store, "mood", f"t{number}", dataset_digest="d", holdout_digest="h", spec_digest="s")
    for number in range(1, 5):
        publish_version(store, "mood", f"v{number}", path=f"/m/v{number}", size_bytes=1, metrics={})
    return store
