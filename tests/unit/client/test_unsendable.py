"""What cannot be sent is told at once, with its place, and nothing goes out."""

import re
from typing import Any

import pytest
from tests.support.wire_site import WireSite

from polyloop.client import AsyncClient, Client
from polyloop.errors import ClientError


@pytest.mark.parametrize(
    ("task", "fields", "place"),
    [
        ("tale", {"input": "ab\ud83d"}, "input: character 2 is '\\ud83d', half of a character"),
        ("tale", {"input": "a", "user": "\udc80"}, "user: character 0 is "),
        ("talk", {"messages": [{"role": "user", "content": "\udfff"}]}, "messages[0].content: character 0 is "),
        ("talk", {"messages": [{"\ud800": "a"}]}, "messages[0]: character 0 is "),
        ("ta\ud800le", {"input": "a"}, "task: character 2 is "),
    ],
)
async def test_half_a_character_is_named_before_anything_is_sent(
    client: Client, async_client: AsyncClient, site: WireSite, task: str, fields: dict[str, Any], place: str
) -> None:
    with pytest.raises(ClientError, match=re.escape(place)):
        client.answer(task, **fields)
    with pytest.raises(ClientError, match=re.escape(place)):
        client.stream(task, **fields)
    with pytest.raises(ClientError, match=re.escape(place)):
        await async_client.answer(task, **fields)
    assert site.interference.requests == []


def test_feedback_that_cannot_be_sent_is_named_too(client: Client, site: WireSite) -> None:
    with pytest.raises(ClientError, match=r"comment: character 0 is .*half of a character"):
        client.feedback("inf_x", comment="\ud800")
    with pytest.raises(ClientError, match="inference_id: character 4 is "):
        client.feedback("inf_\ud800", rating=1)
    with pytest.raises(ClientError, match="Idempotency-Key: 'é' has characters that a header cannot carry"):
        client.feedback("inf_x", rating=1, idempotency_key="é")
    assert site.interference.requests == []


def test_whole_characters_of_every_kind_are_sent(client: Client) -> None:
    assert client.answer("tale", "🙂 e\u0301 \U0010ffff").output == "a tale of 🙂 \u00e9 \U0010ffff"
