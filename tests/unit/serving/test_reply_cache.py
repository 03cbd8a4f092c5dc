"""Replies are kept for equal calls, within their bounds of size and age."""

import time

import pytest

from polyloop.serving.calls import Call, Reply
from polyloop.serving.reply_cache import OVERHEAD_BYTES, ReplyCache


def call(text: str = "a", *, version: str = "v1", locale: str = "en", target: str = "de") -> Call:
    return Call(version=version, text=text, locale=locale, target_locale=target, within_s=1.0)


def reply(output: str = "b") -> Reply:
    return Reply(output=output, scores=None, num_input_tokens=1, num_output_tokens=1)


def test_an_equal_call_gets_the_reply_and_no_other_does() -> None:
    cache = ReplyCache(max_bytes=1e6, ttl_s=60)
    cache.put(call(), reply())
    assert cache.get(Call(version="v1", text="a", locale="en", target_locale="de", within_s=9.0)) == reply()
    others = [call("A"), call(version="v2"), call(locale="de"), call(target="fr"), call("a ")]
    assert [cache.get(other) for other in others] == [None] * 5


def test_what_was_asked_longest_ago_goes_first_and_the_size_stays_within_its_bound() -> None:
    cache = ReplyCache(max_bytes=3.5 * (OVERHEAD_BYTES + 110), ttl_s=60)
    for text in "abc":
        cache.put(call(text), reply())
    assert cache.get(call("a")) is not None
    cache.put(call("d"), reply())
    assert [text for text in "abcd" if cache.get(call(text))] == ["a", "c", "d"]
    for number in range(100):
        cache.put(call(str(number)), reply("x" * number))
        assert 0 < cache.size_bytes <= 3.5 * (OVERHEAD_BYTES + 110)


def test_a_reply_put_again_counts_once() -> None:
    cache = ReplyCache(max_bytes=1e6, ttl_s=60)
    cache.put(call(), reply())
    size = cache.size_bytes
    cache.put(call(), reply("c"))
    assert (cache.size_bytes, cache.get(call())) == (size, reply("c"))


def test_what_is_larger_than_the_memory_is_not_kept_and_drives_nothing_out() -> None:
    cache = ReplyCache(max_bytes=5_000, ttl_s=60)
    cache.put(call(), reply())
    cache.put(call("large"), reply("x" * 10_000))
    assert cache.get(call("large")) is None
    assert cache.get(call()) == reply()


def test_a_reply_grows_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = ReplyCache(max_bytes=1e6, ttl_s=60)
    cache.put(call(), reply())
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 61)
    assert cache.get(call()) is None
    assert cache.size_bytes == 0
