"""Finding the named error behind what Ray raises."""

from ray.exceptions import RayTaskError

from polyloop.data.stages import named_cause
from polyloop.errors import DataError


def test_the_error_that_a_worker_raised_is_found_behind_rays() -> None:
    error = RayTaskError("map", "traceback", DataError("a.csv: broken")).as_instanceof_cause()
    assert isinstance(error, DataError)
    found = named_cause(error)
    assert type(found) is DataError
    assert str(found) == "a.csv: broken"


def test_other_errors_have_no_name() -> None:
    assert named_cause(RayTaskError("map", "traceback", ValueError("x"))) is None
