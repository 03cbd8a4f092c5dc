"""Finds secrets in URLs: user names with passwords, tokens, keys, signatures, session numbers.

Input: a folded text. Output: the places of the secret parts alone, so that the rest of the URL, which may be what the
text is about, stays. Parameters whose name always means a secret (`access_token`) count with any value of six
characters; those that often do (`key`, `code`, `sid`) when the value looks random. Limits: secrets in paths are known
for a few services only; secrets outside URLs are not looked for.
"""

import re
from collections.abc import Iterator

from polyloop.data.pii.base import Finder

_CERTAIN = (
    r"(?:access|auth|id|refresh|bearer|api|session|csrf|xsrf|security|reset|login|user|sas|secret|invite|magic|device|"
    r"verification|verify|confirm|confirmation|unsubscribe|amz-security|x-amz-security)?[_\-]?token|"
    r"api[_\-]?key|access[_\-]?key(?:[_\-]?id)?|secret(?:[_\-]?(?:access[_\-]?)?key)?|client[_\-]?secret|app[_\-]?secret|"
    r"private[_\-]?key|subscription[_\-]?key|password|passwd|passphrase|pwd|sig|signature|jwt|"
    r"session[_\-]?id|phpsessid|jsessionid|asp\.net_sessionid|oauth_(?:signature|nonce|verifier)|awsaccesskeyid|"
    r"x-(?:amz|goog)-(?:signature|credential|security-token)|otp"
)
_POSSIBLE = r"key|code|sid|auth|sign|hash|hmac|ticket|pass|credential|state|nonce|session|uuid|t|k|s|sk"
_VALUE = r"[^\s&#;<>\"'`，。；、！？）)】》\]}|\\]"
_PARAMETER = re.compile(
    rf"(?<=[?&#;])(?:amp;)?(?:(?:{_CERTAIN})=(?P<certain>{_VALUE}{{6,4096}})|(?:{_POSSIBLE})=(?P<possible>{_VALUE}{{16,4096}}))",
    re.IGNORECASE,
)
_USER = re.compile(r"(?<=://)[^\s/?#@:<>\"']{0,256}:[^\s/?#@<>\"']{1,256}(?=@)")
_PATH = re.compile(
    r"(?:(?<=hooks\.slack\.com/services/)|(?<=api\.telegram\.org/bot)|(?<=discord\.com/api/webhooks/)|"
    r"(?<=discordapp\.com/api/webhooks/))[A-Za-z0-9_:/\-]{20,200}"
)
_JWT = re.compile(r"(?<=[/=])eyJ[A-Za-z0-9_\-]{10,4096}\.[A-Za-z0-9_\-]{10,4096}\.[A-Za-z0-9_\-]{10,4096}")
_JOINTS = re.compile(r"[-_.~%+]")
_MIXED = re.compile("[0-9][A-Za-z]|[A-Za-z][0-9]")
LONG_PART = 10
"""Characters between dashes; a UUID has 12, few words in a title have as many."""

_SENTENCE_END = ".,:!?"


def _places(text: str, locale: str) -> Iterator[tuple[int, int]]:
    for parameter in _PARAMETER.finditer(text) if "=" in text else ():
        group = "certain" if parameter["certain"] else "possible"
        start, end = parameter.span(group)
        end = start + len(text[start:end].rstrip(_SENTENCE_END))
        if group == "certain" or looks_random(text[start:end]):
            yield start, end
    if "://" in text:
        for pattern in (_USER, _PATH, _JWT):
            yield from (found.span() for found in pattern.finditer(text))


def looks_random(value: str) -> bool:
    """Return whether a value has a long part, and one that mixes letters and digits, as the words of a title do not."""
    parts = _JOINTS.split(value)
    return max(map(len, parts)) >= LONG_PART and any(_MIXED.search(part) is not None for part in parts)


def _guard(text: str) -> bool:
    return "=" in text or "://" in text


URL_TOKEN = Finder(kind="url_token", guard=_guard, places=_places)
