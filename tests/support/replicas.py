"""A task's replica without Serve: the real `TaskModel` in the test's own process, and a handle that calls it."""

from tests.support.projects import SmallBundles, SmallResponse, SmallStream, SmallStreaming

from polyloop.serving.calls import Call
from polyloop.serving.task_model import TaskModel


class ReplicaHandle:
    """Stands in for the handle of a deployment with one replica."""

    def __init__(self, replica: TaskModel) -> None:
        self._replica = replica
        self._streams: list[SmallStream] = []

    def remote(self, call: Call) -> SmallResponse:
        """Take a call."""
        return SmallResponse(lambda: self._replica(call))

    def options(self, *, method_name: str, stream: bool) -> SmallStreaming | SmallBundles:
        """Return the handle that streams, or that takes several calls."""
        if method_name == "each":
            return SmallBundles(self._replica.each)
        assert (method_name, stream) == ("stream", True)
        return SmallStreaming(self._replica.stream, self._streams)
