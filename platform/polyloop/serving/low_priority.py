"""A model version in a process that works only when nobody else wants the processor.

Input: the path of an artefact. Output: predictions. The child process runs with the lowest priority, on the CPU alone
and with one thread; it touches neither store nor network, so it can hold nothing that others wait for. It ends when
its parent lets go of it or dies. Limits: memory bandwidth and caches are shared with whatever else runs.
"""

import os
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

from polyloop.errors import ClusterError, ModelError, PolyloopError
from polyloop.models.contract import PredictInput, Prediction
from polyloop.models.engines.choice import ANY_ENGINE, EngineWish

LOWEST_NICENESS = 19
ANSWER_TIMEOUT_S = 600.0
"""A child that is silent for so long is ended; on a busy machine it may have to wait for minutes."""
END_TIMEOUT_S = 5.0


class PlainPredictor(Protocol):
    """As much of a predictor as a shadow needs."""

    def warm_up(self) -> None:
        """Answer once, so that the first input does not pay for lazy initialisation."""
        ...

    def predict(self, inputs: Sequence[PredictInput]) -> list[Prediction]:
        """Return one prediction an input, in order."""
        ...


def load_on_cpu(path: Path, wish: EngineWish = ANY_ENGINE) -> PlainPredictor:
    """Load a version for one thread of the CPU; a GPU is left to those that answer users."""
    from polyloop.models.predict import Predictor  # only the child needs torch

    return Predictor(path, threads=1, device="cpu", wish=wish)


class LowPriorityPredictor:
    """A predictor whose work is done by a child process of the lowest priority.

    Each call raises what the predictor raises, or ClusterError when the child has died or is silent; then this object
    is of no more use.
    """

    def __init__(self, path: Path, *, load: Callable[[Path], PlainPredictor] = load_on_cpu) -> None:
        context = get_context("spawn")
        self._connection, there = context.Pipe()
        self._process = context.Process(target=_work, args=(there, load), name="shadow", daemon=True)
        self._process.start()
        there.close()
        self._call_or_close("load", path)

    def warm_up(self) -> None:
        """Answer once, so that the first input does not pay for lazy initialisation; the child ends if it cannot."""
        self._call_or_close("warm_up")

    def predict(self, inputs: Sequence[PredictInput]) -> list[Prediction]:
        """Return one prediction an input, in order."""
        predictions: list[Prediction] = self._call("predict", list(inputs))
        return predictions

    def close(self) -> None:
        """End the child."""
        self._connection.close()
        self._process.terminate()
        self._process.join(END_TIMEOUT_S)

    def _call_or_close(self, name: str, *arguments: Any) -> None:
        try:
            self._call(name, *arguments)
        except PolyloopError:
            self.close()
            raise

    def _call(self, name: str, *arguments: Any) -> Any:
        try:
            self._connection.send((name, arguments))
            if not self._connection.poll(ANSWER_TIMEOUT_S):
                raise ClusterError(f"the shadow's process gave no answer within {ANSWER_TIMEOUT_S:g} s")
            is_answer, result = self._connection.recv()
        except (EOFError, OSError) as error:
            raise ClusterError(f"the shadow's process has ended ({type(error).__name__}); was memory short?") from error
        if not is_answer:
            raise result
        return result


def take_lowest_priority() -> None:
    """Put the calling thread, and the threads that it starts, behind all others of the machine."""
    os.nice(LOWEST_NICENESS)
    if hasattr(os, "SCHED_IDLE"):
        try:
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        except OSError:
            return  # a sandbox may forbid it; niceness is then what is left


def _work(connection: Connection, load: Callable[[Path], PlainPredictor]) -> None:
    """Serve calls until the parent is gone."""
    take_lowest_priority()
    predictor: Any = None
    while True:
        try:
            name, arguments = connection.recv()
        except (EOFError, OSError):
            return
        try:
            if name == "load":
                predictor, result = load(*arguments), None
            else:
                result = getattr(predictor, name)(*arguments)
            reply = (True, result)
        except PolyloopError as error:
            reply = (False, error)
        except Exception as error:  # the boundary to the model: what it raises may not even survive pickling
            reply = (False, ModelError(f"{type(error).__name__}: {error}"))
        try:
            connection.send(reply)
        except OSError:
            return
