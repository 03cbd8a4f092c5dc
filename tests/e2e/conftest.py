"""What end-to-end tests share: two nodes."""

from collections.abc import Iterator

import pytest
from tests.e2e.two_nodes import TwoNodes, started_nodes


@pytest.fixture
def two_nodes() -> Iterator[TwoNodes]:
    """A cluster of two nodes, of one CPU each."""
    with started_nodes() as nodes:
        yield nodes
