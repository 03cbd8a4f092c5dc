"""Signed inference ids."""

import base64
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polyloop.errors import FeedbackError
from polyloop.feedback.ids import (
    MAX_LENGTH,
    PREFIX,
    InferenceClaim,
    digest_input,
    least_id,
    new_uuid7,
    sign,
    time_of,
    verify,
)

KEY = bytes(range(32))
CLAIM = InferenceClaim(
    inference_id=new_uuid7(),
    task="localise",
    version="v12",
    locale="en",
    target_locale="zh-Hans",
    propensity=0.05,
    input_digest=digest_input("3 May 2026", KEY),
)


def test_a_signed_claim_comes_back_whole() -> None:
    assert verify(sign(CLAIM, KEY), KEY) == CLAIM


def test_an_id_is_url_safe_and_short() -> None:
    text = sign(CLAIM, KEY)
    assert text.startswith("inf_")
    assert all(character.isascii() and (character.isalnum() or character in "_-") for character in text)
    assert len(text) < 140


def test_every_changed_character_is_noticed() -> None:
    text = sign(CLAIM, KEY)
    for place in range(len(text)):
        for character in "AQgw_-z9":
            if text[place] != character:
                with pytest.raises(FeedbackError):
                    verify(text[:place] + character + text[place + 1 :], KEY)


def test_every_flipped_bit_is_noticed() -> None:
    text = sign(CLAIM, KEY)
    body = text.removeprefix(PREFIX)
    signed = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
    for place in range(len(signed) * 8):
        changed = bytearray(signed)
        changed[place // 8] ^= 1 << (place % 8)
        forged = PREFIX + base64.urlsafe_b64encode(bytes(changed)).rstrip(b"=").decode()
        with pytest.raises(FeedbackError, match="not made by this platform"):
            verify(forged, KEY)


def test_another_key_is_refused() -> None:
    with pytest.raises(FeedbackError, match="not made by this platform"):
        verify(sign(CLAIM, KEY), bytes(32))


@pytest.mark.parametrize(
    "text",
    ["", "inf_", "inf_AAAA", "inf_!!!!", "inf_é", "inf_A", "x" * 100, "inf_" + "A" * 600, "inf_AAAA\n", "INF_AAAA"],
)
def test_other_texts_are_malformed(text: str) -> None:
    with pytest.raises(FeedbackError, match="is not an inference id"):
        verify(text, KEY)


def test_trailing_texts_are_refused() -> None:
    text = sign(CLAIM, KEY)
    for tail in ("=", "==", "A", "\n", " "):
        with pytest.raises(FeedbackError):
            verify(text + tail, KEY)


def test_a_claim_too_long_for_an_id_is_not_signed() -> None:
    for length in (250, 256):
        with pytest.raises(FeedbackError, match="long"):
            sign(replace(CLAIM, task="t" * length, version="v" * length), KEY)
    longest = replace(CLAIM, task="t" * 63, version="v" * 20, locale="zh-Hans-CN", target_locale="zh-Hant-TW")
    assert len(sign(longest, KEY)) < MAX_LENGTH
    assert verify(sign(longest, KEY), KEY) == longest


def test_ids_are_uuid_version_7_in_order_of_time() -> None:
    first = new_uuid7()
    time.sleep(0.002)
    second = new_uuid7()
    assert (first.version, first.variant) == (7, uuid.RFC_4122)
    assert first < second
    assert len({new_uuid7() for _ in range(1_000)}) == 1_000


def test_the_time_is_read_from_the_id() -> None:
    before = datetime.now(UTC)
    claim = replace(CLAIM, inference_id=new_uuid7())
    assert abs((claim.created_at - before).total_seconds()) < 1
    assert claim.created_at.tzinfo is UTC


def test_input_digests_see_through_white_space_and_need_the_key() -> None:
    assert digest_input(" 3  May\u200b 2026 ", KEY) == CLAIM.input_digest
    assert digest_input("3 May 2027", KEY) != CLAIM.input_digest
    assert digest_input("3 May 2026", bytes(32)) != CLAIM.input_digest
    assert len(CLAIM.input_digest) == 16


@pytest.mark.parametrize("microsecond", [0, 1, 999, 1_000, 123_456, 999_000, 999_999])
def test_the_least_id_of_a_moment_parts_ids_by_time(microsecond: int) -> None:
    moment = datetime(2026, 11, 27, 12, 0, 0, microsecond, tzinfo=UTC)
    least = least_id(moment)
    milliseconds = least.int >> 80
    assert time_of(least) <= moment < time_of(least) + timedelta(milliseconds=1)
    assert uuid.UUID(int=(milliseconds << 80) | 1) > least
    assert uuid.UUID(int=((milliseconds - 1) << 80) | (1 << 80) - 1) < least


def test_an_id_made_now_tells_the_time() -> None:
    assert abs(time_of(new_uuid7()) - datetime.now(UTC)) < timedelta(seconds=5)


@given(
    text=st.text()
    | st.binary(max_size=200).map(lambda raw: PREFIX + base64.urlsafe_b64encode(raw).decode().rstrip("="))
)
def test_whatever_comes_as_an_id_is_refused_by_name(text: str) -> None:
    with pytest.raises(FeedbackError) as caught:
        verify(text, KEY)
    assert str(caught.value).isprintable()


@given(
    texts=st.tuples(*[st.text(max_size=40)] * 4),
    propensity=st.floats(0, 1, exclude_min=True),
    number=st.integers(0, 2**128 - 1),
    digest=st.binary(min_size=16, max_size=16),
)
def test_every_claim_comes_back_whole_or_is_too_long(
    texts: tuple[str, ...], propensity: float, number: int, digest: bytes
) -> None:
    task, version, locale, target_locale = texts
    claim = InferenceClaim(
        inference_id=uuid.UUID(int=number),
        task=task,
        version=version,
        locale=locale,
        target_locale=target_locale,
        propensity=propensity,
        input_digest=digest,
    )
    try:
        signed = sign(claim, KEY)
    except FeedbackError:
        assert sum(len(text.encode()) for text in texts) > 200
    else:
        assert verify(signed, KEY) == claim
