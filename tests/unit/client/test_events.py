"""A stream is read as the standard says, wherever the network cuts it."""

import pytest

from polyloop.client import calls
from polyloop.client.events import EventReader

TEXT = "one\u2028two\u2029three\x85four"
"""Characters that end a line in Python, but neither in JSON nor in an event stream."""


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 2, 7, 1_000])
def test_a_line_ends_only_where_the_standard_says(end: str, size: int) -> None:
    lines = [
        "event: piece",
        f'data: {{"text": "{TEXT}"}}',
        "",
        ": a comment",
        "event: piece",
        'data: {"text": "!"}',
        "",
    ]
    stream = end.join([*lines, ": the end", ""])
    reader = EventReader(calls.answer("tale", "a", {}, as_events=True))
    parts = [stream[start : start + size] for start in range(0, len(stream), size)]
    assert [text for part in parts for text in reader.feed(part)] == [TEXT, "!"]
