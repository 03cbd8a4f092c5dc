"""What tests of retraining share: a project and its store."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from polyloop.registry.store import Store, open_store
from polyloop.spec.loader import LoadedSpec, load_spec


@pytest.fixture
def loaded(write_spec: Callable[[dict[str, Any]], Path], spec_data: dict[str, Any]) -> LoadedSpec:
    """The small spec; two corrections start a run, and the scheduler looks when the test asks it to."""
    spec_data["retraining"] = {"min_corrections": 2, "min_interval_s": 0, "poll_s": 3_600}
    return load_spec(write_spec(spec_data))


@pytest.fixture
def store(loaded: LoadedSpec) -> Iterator[Store]:
    """The store of that project."""
    opened = open_store(loaded.store_url)
    yield opened
    opened.close()
