"""Tells, in the driver's process, when Ray Tune has let go of a trial, and whether its process died."""

from collections.abc import Callable
from typing import Any

from ray.tune import Callback


class Recorder(Callback):
    """Calls a function with the folder of each trial that ended, and whether its process died too often."""

    def __init__(self, ended: Callable[[str, bool], None] | None) -> None:
        self._ended = ended

    def __reduce__(self) -> tuple[type, tuple[None]]:
        # Ray Tune pickles its callbacks to restore an experiment; sweeps are resumed in another way, and what is
        # called here belongs to this process.
        return type(self), (None,)

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Take note of a trial that finished or was stopped."""
        self._tell(trial, has_died=False)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Take note of a trial whose process died too often."""
        self._tell(trial, has_died=True)

    def _tell(self, trial: Any, *, has_died: bool) -> None:
        if self._ended is not None:
            self._ended(str(trial.config["folder"]), has_died)
