"""What Serve runs for the shadows of all tasks: a `ShadowWorker` in a thread of its own.

A deployment with one replica, which Serve restarts if it dies. The replica reads and writes the store at the usual
priority, so that no transaction is held by a process that waits for the processor; the models are in a process of the
lowest priority. Two replicas at once, as while a rollout replaces one, do the work twice and write it once.
"""

import threading
from functools import partial
from pathlib import Path

from polyloop.cluster.serve_log import log_through_serve
from polyloop.errors import ClusterError
from polyloop.models.engines.choice import wish_of
from polyloop.registry.store import open_store
from polyloop.serving.low_priority import LowPriorityPredictor, load_on_cpu
from polyloop.serving.shadow import ShadowWorker
from polyloop.spec.loader import load_spec


class ShadowService:
    """Serve deployment class."""

    def __init__(self, spec_path: str) -> None:
        loaded = load_spec(spec_path)
        log_through_serve(is_json=loaded.spec.serving.logs == "json")
        self._store = open_store(loaded.store_url)
        tasks = loaded.spec.tasks

        def load(task: str, path: Path) -> LowPriorityPredictor:
            return LowPriorityPredictor(path, load=partial(load_on_cpu, wish=wish_of(tasks[task].serving)))

        self._worker = ShadowWorker(self._store, load, loaded.artefacts_dir, tuple(tasks))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._worker.run, args=(self._stop,), name="shadow", daemon=True)
        self._thread.start()

    def check_health(self) -> None:
        """Tell Serve to replace this replica when its thread has ended."""
        if not self._thread.is_alive():
            raise ClusterError("the shadow worker's thread has ended")

    def __del__(self) -> None:
        """Stop working when Serve stops this replica."""
        if hasattr(self, "_stop"):
            self._stop.set()
