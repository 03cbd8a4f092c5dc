"""A child process of the lowest priority answers, tells failures, and leaves no orphan."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.reporting_predictors import (
    load_broken,
    load_cold,
    load_reporting,
    load_unpicklable,
)

from polyloop.errors import ClusterError, ModelError, RequestError
from polyloop.models.contract import PredictInput
from polyloop.serving import low_priority
from polyloop.serving.low_priority import LowPriorityPredictor

OWN_PRIORITY = (os.nice(0), os.sched_getscheduler(0))


def item(text: str) -> PredictInput:
    return PredictInput(text=text, locale="en", target_locale="en")


@pytest.fixture
def predictor(tmp_path: Path) -> Iterator[LowPriorityPredictor]:
    made = LowPriorityPredictor(tmp_path / "v1", load=load_reporting)
    yield made
    made.close()


def ask(predictor: LowPriorityPredictor, text: str) -> str:
    (prediction,) = predictor.predict([item(text)])
    return prediction.output


def test_the_work_is_done_elsewhere_behind_all_others_in_its_threads_too(predictor: LowPriorityPredictor) -> None:
    predictor.warm_up()
    assert ask(predictor, "path") == "v1"
    assert int(ask(predictor, "process")) != os.getpid()
    assert ask(predictor, "niceness") == ask(predictor, "niceness of a thread") == "19"
    if hasattr(os, "SCHED_IDLE"):
        assert ask(predictor, "policy") == ask(predictor, "policy of a thread") == str(os.SCHED_IDLE)
    assert (os.nice(0), os.sched_getscheduler(0)) == OWN_PRIORITY


def test_a_refusal_comes_back_as_it_was_and_other_failures_by_name(predictor: LowPriorityPredictor) -> None:
    with pytest.raises(RequestError, match="too long") as caught:
        ask(predictor, "refuse")
    assert caught.value.code == "input_too_long"
    with pytest.raises(ModelError, match="ZeroDivisionError: by nothing"):
        ask(predictor, "fail")
    assert ask(predictor, "path") == "v1"


def test_a_version_that_cannot_be_loaded_says_why(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="RuntimeError: size mismatch"):
        LowPriorityPredictor(tmp_path, load=load_broken)


def test_a_version_that_cannot_warm_up_leaves_no_child(tmp_path: Path) -> None:
    predictor = LowPriorityPredictor(tmp_path / "process", load=load_cold)
    with pytest.raises(ModelError, match="RuntimeError: too cold"):
        predictor.warm_up()
    assert not is_alive(int((tmp_path / "process").read_text()))


def test_an_error_that_cannot_be_sent_is_told_by_its_text(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be pickled"):
        LowPriorityPredictor(tmp_path, load=load_unpicklable)


def test_a_child_that_was_killed_is_an_error_not_a_wait(predictor: LowPriorityPredictor) -> None:
    os.kill(int(ask(predictor, "process")), signal.SIGKILL)
    with pytest.raises(ClusterError, match="process has ended"):
        ask(predictor, "path")


def test_a_child_that_is_silent_for_too_long_is_an_error(
    predictor: LowPriorityPredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(low_priority, "ANSWER_TIMEOUT_S", 0.1)
    with pytest.raises(ClusterError, match=r"no answer within 0\.1 s"):
        ask(predictor, "sleep")


def test_closing_ends_the_child_even_while_it_works(
    predictor: LowPriorityPredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = int(ask(predictor, "process"))
    monkeypatch.setattr(low_priority, "ANSWER_TIMEOUT_S", 0.1)
    with pytest.raises(ClusterError):
        ask(predictor, "sleep")
    predictor.close()
    assert not is_alive(child)


PARENT = """
from pathlib import Path
import time
from tests.support.reporting_predictors import load_reporting
from polyloop.models.contract import PredictInput
from polyloop.serving.low_priority import LowPriorityPredictor
if __name__ == "__main__":
    predictor = LowPriorityPredictor(Path("v1"), load=load_reporting)
    print(predictor.predict([PredictInput(text="process", locale="en", target_locale="en")])[0].output, flush=True)
    time.sleep(60)
"""


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert is_alive(child)
    parent.kill()
    parent.wait(10)
    parent.stdout.close()
    deadline = time.monotonic() + 20
    while is_alive(child):
        assert time.monotonic() < deadline, "the child outlived its parent"
        time.sleep(0.05)


def is_alive(process_id: int) -> bool:
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
