"""A served project with a task of every kind."""

from collections.abc import Iterator

import pytest
from tests.support.wire_site import WireSite, served


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WireSite]:
    """The project, served for all tests of a module."""
    with served(tmp_path_factory.mktemp("wire")) as opened:
        yield opened
