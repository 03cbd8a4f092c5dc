"""What passes between a router and a replica comes out as it went in, in whatever pieces a socket gives it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgpack.exceptions import FormatError

from polyloop.errors import OverloadError, ParameterError, RequestError
from polyloop.serving.calls import Call, Reply
from polyloop.serving.nearby.wire import (
    Kind,
    Reader,
    call_of,
    call_parts,
    error_of,
    error_parts,
    packed,
    reply_of,
    reply_parts,
)

TEXTS = st.text(st.characters(), max_size=40)  # with surrogates, which no encoding has
CALLS = st.builds(
    Call,
    version=TEXTS,
    text=TEXTS,
    locale=TEXTS,
    target_locale=TEXTS,
    within_s=st.none() | st.floats(0, 1e6),
    request_id=st.none() | TEXTS,
    trace=st.none() | st.dictionaries(TEXTS, TEXTS, max_size=3),
)
REPLIES = st.builds(
    Reply,
    output=TEXTS,
    scores=st.none() | st.dictionaries(TEXTS, st.floats(0, 1), max_size=3),
    num_input_tokens=st.integers(0, 2**40),
    num_output_tokens=st.integers(0, 2**40),
    citations=st.lists(st.fixed_dictionaries({"document": TEXTS, "score": st.floats(0, 1)}), max_size=2).map(tuple),
    confidence=st.none() | st.floats(0, 1),
    worked_s=st.floats(0, 100),
)


def read(data: bytes, size: int) -> list[list[Any]]:
    reader = Reader()
    return [
        message for start in range(0, len(data), size) for message in list(reader.messages(data[start : start + size]))
    ]


@given(CALLS, REPLIES, st.integers(1, 50))
def test_calls_and_replies_come_out_as_they_went_in(call: Call, reply: Reply, size: int):
    sent = packed(Kind.CALL, 7, call_parts(call)) + packed(Kind.REPLY, 8, reply_parts(reply))

    (asked, answered) = read(sent, size)

    assert asked[:2] == [Kind.CALL, 7]
    found = call_of(asked[2])
    assert (found, found.within_s, found.request_id, found.trace) == (call, call.within_s, call.request_id, call.trace)
    assert answered[:2] == [Kind.REPLY, 8]
    assert (reply_of(answered[2]), reply_of(answered[2]).worked_s) == (reply, reply.worked_s)


@pytest.mark.parametrize(
    "error",
    [
        RequestError("too long", 422, "input_too_long"),
        ParameterError("n is wrong", "n"),
        OverloadError("too much", "overloaded", 2.5),
    ],
)
def test_an_error_is_made_anew_with_all_that_it_told(error: RequestError):
    (message,) = read(packed(Kind.FAILED, 1, *error_parts(error)), 1_000)

    found = error_of(message[2], message[3])

    assert type(found) is type(error)
    assert vars(found) == vars(error)


@pytest.mark.parametrize("sent", [b"\x01", b"\x90", b"\x91\x63", b"\x91\xa3abc", b"GET / HTTP/1.1\r\n\r\n"])
def test_what_is_no_message_is_refused(sent: bytes):
    with pytest.raises(ValueError, match="no message"):
        read(sent, 1_000)


def test_bytes_that_no_message_has_are_refused():
    with pytest.raises(FormatError):
        read(b"\xc1", 1)


def test_a_reply_of_another_form_is_refused():
    parts = reply_parts(Reply(output="x", scores=None, num_input_tokens=1, num_output_tokens=1))

    with pytest.raises(ValueError, match="zip"):
        reply_of(list(parts[1:]))


def test_a_call_that_is_changed_is_another_one():
    call = Call(version="v1", text="x", locale="en", target_locale="de")

    assert call_of(list(call_parts(replace(call, text="y")))) != call
