"""Finds IP addresses, version 4 and 6.

Input: a folded text. Output: the places of addresses that may be somebody's: those of private networks count, loopback,
multicast, reserved and link-local ones (127.0.0.1, 255.255.255.0, ::1) do not. Four numbers after a word such as
`version` or `section` are not an address; four single digits (1.2.3.4) are one only beside a word such as `IP`.
Limits: a version number of four parts with nothing that says so is taken for an address.
"""

import ipaddress
import re
from collections.abc import Iterator

from polyloop.data.pii.base import Finder
from polyloop.data.pii.context import is_near, words

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_VERSION_4 = re.compile(rf"(?<![0-9A-Za-z_.\-])(?<![0-9],){_OCTET}(?:\.{_OCTET}){{3}}(?![0-9A-Za-z_]|[.\-,][0-9])")
_VERSION_6 = re.compile(
    r"(?<![0-9A-Za-z_:.])(?:[23][0-9A-Fa-f]{3}|[fF][cCdD][0-9A-Fa-f]{2}):[0-9A-Fa-f:]{2,34}(?![0-9A-Za-z_])"
)
"""Addresses in use begin with 2000::/3 (RFC 4291) or, in private networks, fc00::/7 (RFC 4193)."""

_FOUR_NUMBERS = re.compile(r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]")
_NOT_AN_ADDRESS = re.compile(
    r"(?<![A-Za-z])(?:version|ver|vers|v|release|rel|build|firmware|driver|revision|rev|update|patch|kernel|java|chrome|firefox|"
    r"windows|android|ios|macos|office|section|sections|chapter|clause|article|abschnitt|kapitel|fassung|sección|"
    r"capítulo|versión|versione|versão|wersja|versie|sezione|chapitre|версия|раздел|版本|版本号|固件|更新到|升级到|第|バージョン|버전|§)"
    r"[ .:#\-]{0,3}\Z",
    re.IGNORECASE,
)
_ADDRESS_WORDS = words(
    *("ip", "ips", "ipv4", "address", "server", "host", "ping", "dns", "gateway", "router", "adresse", "rechner"),
    *(
        "dirección",
        "servidor",
        "adresse",
        "serveur",
        "indirizzo",
        "endereço",
        "адрес",
        "сервер",
        "地址",
        "服务器",
        "主机",
    ),
)
_WINDOW = 20


def _places(text: str, locale: str) -> Iterator[tuple[int, int]]:
    if _FOUR_NUMBERS.search(text):
        for found in _VERSION_4.finditer(text):
            if _is_personal(found[0]) and not _is_version(text, *found.span()):
                yield found.span()
    if text.count(":") >= 2:
        for found in _VERSION_6.finditer(text):
            number = found[0].rstrip(":") if not found[0].endswith("::") else found[0]
            if _is_personal(number):
                yield found.start(), found.start() + len(number)


def _is_version(text: str, start: int, end: int) -> bool:
    """Return whether four numbers are those of a version or a section."""
    if _NOT_AN_ADDRESS.search(text, max(0, start - _WINDOW), start) or text.startswith("版", end):
        return True
    return end - start == len("1.2.3.4") and not is_near(text, start, end, _ADDRESS_WORDS)


def _is_personal(number: str) -> bool:
    try:
        address = ipaddress.ip_address(number)
    except ValueError:
        return False
    return not (
        address.is_loopback or address.is_unspecified or address.is_multicast or address.is_link_local
    ) and not (address.version == 4 and (address.is_reserved or number.startswith("0.")))


def _guard(text: str) -> bool:
    return text.count(":") >= 2 or _FOUR_NUMBERS.search(text) is not None


IP = Finder(kind="ip", guard=_guard, places=_places)
