"""The application that the engines of `polyloop.bench.serve.engines` answer in: what a Serve config builds it from.

Input: a spec, as for `polyloop.serving.app`. Output: the router with a deployment per task, whose versions are engines.
Ray is imported here, so only its own processes may import this module: whatever starts Ray sets its environment first.
"""

from pathlib import Path

from ray.serve import Application

from polyloop.bench.serve.engines import SLEEPERS, EchoEngine, SleepingEngine
from polyloop.models.predict import Predictor
from polyloop.serving.app import loaded_spec, router_with_tasks
from polyloop.serving.task_model import TaskModel
from polyloop.serving.tracing.tracer import Tracing


class EngineModel(TaskModel):
    """The task's deployment with one of these engines for every version."""

    def __init__(self, spec_path: str, task: str, *, tracing: Tracing | None = None) -> None:
        self._task = task
        super().__init__(spec_path, task, tracing=tracing)

    def load(self, path: Path) -> Predictor:
        """Return the task's engine."""
        return SleepingEngine() if self._task.startswith(SLEEPERS) else EchoEngine()


def build(args: dict[str, str]) -> Application:
    """Return the router with an engine per task of the spec, as `polyloop.serving.app.build` does with models."""
    return router_with_tasks(loaded_spec(args), EngineModel)
