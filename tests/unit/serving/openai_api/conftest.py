"""A served project with a task of every kind, and the official clients of OpenAI, pointed at it."""

from collections.abc import AsyncIterator, Iterator

import pytest
from openai import AsyncOpenAI, OpenAI
from tests.support.wire_site import WireSite, served


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WireSite]:
    """The project, served for all tests of a module."""
    with served(tmp_path_factory.mktemp("wire")) as opened:
        yield opened


@pytest.fixture
def openai_client(site: WireSite) -> Iterator[OpenAI]:
    """OpenAI's client, which tries once."""
    with OpenAI(base_url=f"{site.url}/v1", api_key=site.key, max_retries=0) as client:
        yield client


@pytest.fixture
async def async_openai_client(site: WireSite) -> AsyncIterator[AsyncOpenAI]:
    """OpenAI's client for event loops, which tries once."""
    async with AsyncOpenAI(base_url=f"{site.url}/v1", api_key=site.key, max_retries=0) as client:
        yield client
