"""Engines that compute nothing, in the place of a model: one gives its input back, the others sleep.

What is measured with them is the platform alone. Polyloop has no task that echoes and needs none, so nothing of the
product is changed for it: the project has tasks of the kind summarize (a text in, a text out) with a published and
promoted version each, the router and the task's deployment are the real ones (keys, signed ids, log, metrics, batching,
releases and the presence of versions), and only what a replica loads for the version is one of these, by
`polyloop.bench.serve.engine_app`. A tiny real model would be in the way: peers would need the same one, and its time
would hide theirs.

Input: the version's folder, which is not looked at. Output: a `Predictor`.
"""

import time
from collections.abc import Sequence

from polyloop.models.contract import PredictInput, Prediction
from polyloop.models.predict import Predictor

BUILDER = "polyloop.bench.serve.engine_app:build"
"""Import path of the application, for a Serve config."""
SLEEP_S = 0.05
"""How long a call of a sleeping engine takes, whatever its inputs."""
SLEEPERS = "sleep"
"""What the names of tasks with a sleeping engine begin with; all others echo."""


class EchoEngine(Predictor):
    """Answers each input with itself, at once."""

    def __init__(self) -> None:
        """Load nothing."""

    @property
    def can_stream(self) -> bool:
        """Return False: an echo comes in one piece."""
        return False

    def predict(self, inputs: Sequence[PredictInput]) -> list[Prediction]:
        """Return the texts."""
        return [Prediction(output=one.text, scores=None, num_input_tokens=1, num_output_tokens=1) for one in inputs]

    def warm_up(self) -> None:
        """Have nothing to warm up."""


class SleepingEngine(EchoEngine):
    """Does the same after a sleep, during which the processor is free: what waits for hardware of its own does so."""

    def predict(self, inputs: Sequence[PredictInput]) -> list[Prediction]:
        """Return the texts after `SLEEP_S`."""
        time.sleep(SLEEP_S)
        return super().predict(inputs)
