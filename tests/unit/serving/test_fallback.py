"""When somebody else answers, and who."""

import pytest
from ray.exceptions import RayTaskError

from polyloop.errors import ModelError, OverloadError, RequestError
from polyloop.registry.releases import Release
from polyloop.serving.choice import Choice
from polyloop.serving.fallback import another_task_may_help, another_version_may_help, stand_in

RELEASE = Release(task="mood", champion="v1", canary="v2", canary_weight=0.1)


def test_the_champion_stands_in_for_a_canary_and_nobody_for_the_champion() -> None:
    canary = Choice(version="v2", propensity=0.1, is_canary=True)
    assert stand_in(RELEASE, canary) == Choice(version="v1", propensity=1.0, is_canary=False)
    assert stand_in(RELEASE, Choice(version="v1", propensity=0.9, is_canary=False)) is None


@pytest.mark.parametrize(
    ("error", "version_helps", "task_helps"),
    [
        (ModelError("the weights are gone"), True, True),
        (ZeroDivisionError(), True, True),
        (RequestError("an unforeseen failure", 500, "internal_error"), True, True),
        (RequestError("the input has 99 tokens", 422, "input_too_long"), False, False),
        (RequestError("late", 504, "timeout"), False, False),
        (RequestError("nobody there", 503, "no_replica"), False, True),
        (OverloadError("too much", "overloaded", 2.0), False, True),
    ],
)
def test_only_failures_and_a_lack_of_room_are_for_others(
    error: Exception, version_helps: bool, task_helps: bool
) -> None:
    through_ray = RayTaskError(function_name="task", traceback_str="...", cause=error).as_instanceof_cause()
    for one in (error, through_ray):
        assert (another_version_may_help(one), another_task_may_help(one)) == (version_helps, task_helps)
