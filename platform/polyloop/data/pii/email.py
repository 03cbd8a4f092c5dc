"""Finds e-mail addresses.

Input: a folded text. Output: their places. The search begins at each @ and looks at no more than the 64 characters
before it (RFC 5321, section 4.5.3.1) and a few labels after it, so its cost grows with the text's length alone. Latin
and Cyrillic letters count, also in domains; letters of other scripts end an address, as in Chinese no space does.
Addresses written as `name (at) example.org` are found too. Limits: no quoted local parts, no addresses at numbers.
"""

import re
from collections.abc import Iterator

from polyloop.data.pii.base import Finder, has_spelled_at

MAX_LOCAL_CHARACTERS = 64
_LETTERS = "A-Za-z\u00c0-\u024f\u0400-\u04ff"
_IS_LOCAL = re.compile(rf"[{_LETTERS}0-9.!#$%&'*+/=?^_`{{|}}~\-]").match
_DOMAIN = re.compile(
    rf"(?:[{_LETTERS}0-9][{_LETTERS}0-9\-]{{0,62}}\.){{1,8}}(?:xn--[a-z0-9]{{2,59}}|[{_LETTERS}]{{2,24}})"
)
_SPELLED = re.compile(
    r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63} ?[\[(] ?at ?[\])] ?"
    r"[A-Za-z0-9\-]{1,63}(?:(?:\.| ?[\[(] ?(?:dot|punkt|point|punto) ?[\])] ?)[A-Za-z0-9\-]{1,63}){1,5}",
    re.IGNORECASE,
)
_LEADING = ".-'`*/=?&{|}#!"
"""What stands before an address more often than it begins one: quotes, Markdown, `?to=`."""

_FILE_ENDINGS = frozenset({"png", "jpg", "jpeg", "gif", "svg", "webp", "pdf", "css", "js"})
"""`icon@2x.png` is a picture for sharp screens."""


def _places(text: str, locale: str) -> Iterator[tuple[int, int]]:
    at = text.find("@")
    while at >= 0:
        start = _local_start(text, at)
        domain = _DOMAIN.match(text, at + 1) if start < at and text[at - 1] != "." else None
        if domain and domain[0].rpartition(".")[2].lower() not in _FILE_ENDINGS:
            yield start, domain.end()
        at = text.find("@", domain.end() if domain else at + 1)
    for spelled in _SPELLED.finditer(text) if has_spelled_at(text) else ():
        yield spelled.span()


def _local_start(text: str, at: int) -> int:
    """Return where the local part before an @ begins; `at` itself if there is none."""
    start = at
    while start > 0 and at - start < MAX_LOCAL_CHARACTERS and _IS_LOCAL(text, start - 1):
        start -= 1
    key = text.rfind("=", start, at)
    start = key + 1 if key >= 0 else start
    while start < at and text[start] in _LEADING:
        start += 1
    return start


def _guard(text: str) -> bool:
    return "@" in text or has_spelled_at(text)


EMAIL = Finder(kind="email", guard=_guard, places=_places)
