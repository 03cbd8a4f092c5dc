"""A stream is read as the standard says, wherever the network cuts it."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyloop.client import calls
from polyloop.client.events import EventReader
from polyloop.errors import ClientError
from polyloop.serving.events import event
from polyloop.serving.schemas import StreamedPiece

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


LINES = st.sampled_from(
    [
        *("event: piece", "event: answer", "event: problem", "event", "data", "data: {", ": x", "", "id: 1", "\ufeff"),
        *('data: {"text": "a"}', 'data: {"status": 503, "code": "c", "detail": "d"}', 'data: {"status": 99999999999}'),
    ]
)
STREAMS = st.lists(LINES | st.text(max_size=9), max_size=12).flatmap(
    lambda lines: st.sampled_from(["\n", "\r\n", "\r"]).map(lambda end: end.join([*lines, ""]))
)


def outcome(parts: Sequence[str]) -> tuple[list[str], str]:
    """Return the texts of a stream that comes in parts, and how it ended."""
    reader, texts = EventReader(calls.answer("tale", "a", {}, as_events=True)), list[str]()
    try:
        for part in parts:
            texts += reader.feed(part)
        reader.end()
    except ClientError as error:
        return texts, type(error).__name__
    return texts, "whole"


@given(stream=STREAMS, cuts=st.lists(st.integers(0, 120), max_size=4))
def test_every_stream_is_read_or_refused_wherever_it_is_cut(stream: str, cuts: list[int]) -> None:
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    parts = [stream[start:end] for start, end in pairwise(places)]
    assert outcome(parts) == outcome([stream])


@given(texts=st.lists(st.text(), max_size=5))
def test_pieces_come_back_as_the_service_wrote_them(texts: list[str]) -> None:
    pieces = [StreamedPiece(id="inf_x", version="v1", text=text).model_dump_json() for text in texts]
    assert outcome(["".join(event(piece, "piece") for piece in pieces)]) == (texts, "NoAnswerError")
