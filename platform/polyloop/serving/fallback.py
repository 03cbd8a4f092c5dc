"""Who answers where the one that was asked cannot: a canary's champion, or the task that a spec names. Pure.

Input: what failed, the release, and who was asked. Output: whether another may do better, and which version.
"""

from polyloop.errors import RequestError
from polyloop.registry.releases import Release
from polyloop.serving.choice import Choice

FAILED = 500
"""Status that a replica gives a failure of its model that nobody foresaw."""
BUSY = (429, 503)
"""Statuses that another task may not have: too much to do, or nobody there. A timeout is none, for the time is gone."""


def stand_in(release: Release, choice: Choice) -> Choice | None:
    """Return the champion in place of a canary; there is none for a champion.

    An input on which the canary fails is the champion's whatever is drawn, so that its propensity is 1.
    """
    if not choice.is_canary or release.champion is None:
        return None
    return Choice(version=release.champion, propensity=1.0, is_canary=False)


def another_version_may_help(error: Exception) -> bool:
    """Return whether a version failed, and not the request, its task or its time."""
    return not isinstance(error, RequestError) or error.status == FAILED


def another_task_may_help(error: Exception) -> bool:
    """Return whether a task failed, or has no time for the request."""
    return another_version_may_help(error) or (isinstance(error, RequestError) and error.status in BUSY)
