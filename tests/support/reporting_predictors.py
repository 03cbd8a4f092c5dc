"""Predictors for a process of low priority: they tell where they run, and fail on demand. Importable by a child."""

import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from polyloop.errors import RequestError
from polyloop.models.contract import PredictInput, Prediction


class UnpicklableError(Exception):
    """An error that cannot be sent to another process."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.lock = threading.Lock()


class ReportingPredictor:
    """Answers questions about its own process."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def warm_up(self) -> None:
        """Have nothing to warm up."""

    def predict(self, inputs: Sequence[PredictInput]) -> list[Prediction]:
        """Answer each question."""
        return [
            Prediction(output=self._answer(one.text), scores=None, num_input_tokens=1, num_output_tokens=1)
            for one in inputs
        ]

    def _answer(self, question: str) -> str:
        facts: dict[str, Callable[[], str]] = {
            "path": lambda: self._path.name,
            "process": lambda: str(os.getpid()),
            "niceness": lambda: str(os.nice(0)),
            "policy": lambda: str(os.sched_getscheduler(0)),
        }
        if question == "refuse":
            raise RequestError("the input is too long", code="input_too_long")
        if question == "fail":
            raise ZeroDivisionError("by nothing")
        if question == "die":
            os._exit(1)
        if question == "sleep":
            time.sleep(60)
        if question.endswith(" of a thread"):
            return _in_a_thread(facts[question.removesuffix(" of a thread")])
        return facts.get(question, lambda: f"{self._path.name}: {question}")()


def load_reporting(path: Path) -> ReportingPredictor:
    return ReportingPredictor(path)


class ColdPredictor(ReportingPredictor):
    """Cannot answer, and leaves a file with the number of its process, so that it can be found."""

    def warm_up(self) -> None:
        """Fail."""
        self._path.write_text(str(os.getpid()))
        raise RuntimeError("too cold")


def load_cold(path: Path) -> ReportingPredictor:
    return ColdPredictor(path)


def load_broken(path: Path) -> ReportingPredictor:
    raise RuntimeError("size mismatch")


def load_unpicklable(path: Path) -> ReportingPredictor:
    raise UnpicklableError("cannot be pickled")


def _in_a_thread(question: Callable[[], str]) -> str:
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(question()))
    thread.start()
    thread.join()
    return answers[0]
