"""Which version answers a request. Pure, but for the draw where a request names nobody.

Input: a release, and the user's or session's key, or the version that an operator asks for. Output: a `Choice`. A key
always draws the same number for the same canary, so a user stays with one version; raising the weight keeps all whom
the canary answered already, and another canary draws other users.
"""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass

from polyloop.registry.releases import Release

DRAW_BITS = 53
"""As many as a float holds exactly, so that each draw is below 1."""
PURPOSE = b"polyloop-canary"
"""BLAKE2b personalisation (at most 16 bytes), so that a draw has nothing to do with other digests of a key."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The version that answers; `propensity` is the probability (0 to 1] with which that version was picked."""

    version: str
    propensity: float
    is_canary: bool


def sticky_key(user: str | None, session: str | None) -> str | None:
    """Return the key that a request is drawn by: its user's, else its session's, else None."""
    if user is not None:
        return f"user:{user}"
    return None if session is None else f"session:{session}"


def choose(
    release: Release, key: str | None, *, named: str | None = None, draw: Callable[[], float] = random.random
) -> Choice | None:
    """Return the version that answers a request with this key, None before the first promotion.

    A request that has `named` the champion gets it for certain; any other name has no effect. Without a key, `draw`
    gives a number in [0, 1) for this request alone.
    """
    if release.champion is None:
        return None
    if release.canary is None or named == release.champion:
        return Choice(version=release.champion, propensity=1.0, is_canary=False)
    number = draw() if key is None else drawn_number(release.task, release.canary, key)
    if number < release.canary_weight:
        return Choice(version=release.canary, propensity=release.canary_weight, is_canary=True)
    return Choice(version=release.champion, propensity=1.0 - release.canary_weight, is_canary=False)


def choose_asked(release: Release, version: str) -> Choice | None:
    """Return the version that an operator asks for, None where it is not one that replicas hold for users or operators.

    These are champion, canary, shadow and previous champion; a version that is being loaded is not held everywhere yet.
    It is picked for certain, so that beside a canary a propensity of 1 tells what was asked for from what was drawn.
    """
    if version not in held_versions(release):
        return None
    return Choice(version=version, propensity=1.0, is_canary=version == release.canary)


def held_versions(release: Release) -> tuple[str, ...]:
    """Return the versions that an operator may ask for, each once."""
    names = (release.champion, release.canary, release.shadow, release.previous)
    return tuple(dict.fromkeys(name for name in names if name is not None))


def drawn_number(task: str, canary: str, key: str) -> float:
    """Return the number in [0, 1) that a key draws for a canary: the same in every process and at all times."""
    # Task and version cannot hold the separator, so that no two triples give one text.
    text = "\x00".join((task, canary, key)).encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(text, digest_size=8, person=PURPOSE).digest()
    return (int.from_bytes(digest) >> (64 - DRAW_BITS)) / 2.0**DRAW_BITS
