"""Both clients can ask for a version, with a key that may."""

import pytest
from tests.support.wire_site import WireSite

from polyloop.client import AsyncClient, Client
from polyloop.errors import RefusedKeyError, UnknownNameError
from polyloop.registry.keys import create_key


@pytest.fixture
def admin_key(site: WireSite) -> str:
    return create_key(site.store, "ana", ["admin"])[1]


def test_a_version_is_asked_for_whole_and_streamed(site: WireSite, admin_key: str) -> None:
    with Client(site.url, admin_key) as client:
        assert client.answer("mood", "a good day", version="v1").version == "v1"
        with client.stream("tale", "a good day", version="v1") as stream:
            assert "".join(stream) == "a tale of a good day"
        assert stream.answer.version == "v1"
        with pytest.raises(UnknownNameError, match="ask for one of v1"):
            client.answer("mood", "a good day", version="v9&x=/..")


async def test_the_client_for_event_loops_asks_for_it_too(site: WireSite, admin_key: str) -> None:
    async with AsyncClient(site.url, admin_key) as client:
        assert (await client.answer("mood", "a good day", version="v1")).version == "v1"
        async with await client.stream("tale", "a good day", version="v1") as stream:
            assert "".join([text async for text in stream]) == "a tale of a good day"


def test_another_key_is_refused(client: Client) -> None:
    with pytest.raises(RefusedKeyError, match="admin"):
        client.answer("mood", "a good day", version="v1")
