"""Hypothesis strategies for what may come from outside: JSON around names that a reader knows, and damaged bytes."""

import json
from collections.abc import Sequence

from hypothesis import strategies as st

ODD_TEXTS = (
    "",
    "\x00",
    "a\x00b",
    "\u200b",
    "\u202e",
    "\ud800",
    "e\u0301" * 3,
    "🙂",
    "a\nb",
    "{}",
    "[",
    "'; --",
    "../../x",
)
"""Texts that break readers which take texts for letters: NUL, no visible character, half a character, several lines."""

TEXTS = st.text(max_size=8) | st.sampled_from(ODD_TEXTS)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=8
)

DEEP = b"[" * 100_000
LONG_NUMBER = b"9" * 5_000
HUGE_BODIES = (
    DEEP,
    b'{"input":' + DEEP,
    b'{"a":' * 50_000,
    b'{"input":' + LONG_NUMBER + b"}",
    b'{"input":[' + b"9" * 4_300 + b"]}",
    b'{"input":1e' + LONG_NUMBER + b"}",
    b'{"input":"' + b"\\u0301" * 40_000 + b'"}',
    b'{"input":"' + b"\xcc\x81" * 100_000 + b'"}',
    b"{" + b",".join(b'"k%d":1' % number for number in range(20_000)) + b"}",
    b'{"messages":[' + b",".join([b"{}"] * 50_000) + b"]}",
    b'{"inputs":[' + b",".join([b"{}"] * 50_000) + b"]}",
    b"\x00" * 200_000,
    b"\xff" * 200_000,
)
"""Bodies of up to 300 kB that cost a careless reader its stack, its memory or minutes."""


def json_texts(names: Sequence[str]) -> st.SearchStrategy[str]:
    """Return JSON texts, most of which are objects with some of these keys."""
    keys = st.sampled_from(sorted(names)) | TEXTS
    content = st.dictionaries(keys, VALUES, max_size=5) | VALUES
    return st.builds(lambda value, is_ascii: json.dumps(value, ensure_ascii=is_ascii), content, st.booleans())


def damaged(whole: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Return bytes with a stretch cut out and other bytes in its place."""

    def damage(content: bytes, place: float, length: int, other: bytes) -> bytes:
        start = int(place * len(content))
        return content[:start] + other + content[start + length :]

    odd = st.sampled_from((b"", b"\x00", b"\xff", b"\xef\xbb\xbf", b'"', b"{", b"\\", b"\r\n", b"\x80\x00\x00\x00"))
    return st.builds(damage, whole, st.floats(0, 1), st.integers(0, 12), odd | st.binary(max_size=8))


def bodies(names: Sequence[str]) -> st.SearchStrategy[bytes]:
    """Return JSON bodies with these keys, whole and damaged, and bytes of any kind."""
    whole = json_texts(names).map(lambda text: text.encode("utf-8", "surrogatepass"))
    return whole | damaged(whole) | st.binary(max_size=40)
