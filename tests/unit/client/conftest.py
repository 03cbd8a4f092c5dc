"""A served project with a task of every kind, and both clients of it, whose retries are quick."""

from collections.abc import AsyncIterator, Iterator

import pytest
from tests.support.wire_site import WireSite, served

from polyloop.client import AsyncClient, Client, Retries

QUICK = Retries(deadline_s=20, first_pause_s=0.01, longest_pause_s=0.05)


@pytest.fixture(scope="module")
def opened_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WireSite]:
    """The project, served for all tests of a module."""
    with served(tmp_path_factory.mktemp("wire")) as opened:
        yield opened


@pytest.fixture
def site(opened_site: WireSite) -> WireSite:
    """The project, with no interference and no request seen."""
    opened_site.interference.instead.clear()
    opened_site.interference.requests.clear()
    return opened_site


@pytest.fixture
def client(site: WireSite) -> Iterator[Client]:
    """The client for threads."""
    with Client(site.url, site.key, retries=QUICK) as opened:
        yield opened


@pytest.fixture
async def async_client(site: WireSite) -> AsyncIterator[AsyncClient]:
    """The client for event loops."""
    async with AsyncClient(site.url, site.key, retries=QUICK) as opened:
        yield opened
