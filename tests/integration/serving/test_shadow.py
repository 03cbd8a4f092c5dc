"""A real model answers as a shadow from a process of low priority, and the comparison tells the truth."""

import threading
import time
from pathlib import Path

import pytest
from tests.support.logged_inferences import answers_of, log_inference
from tests.support.published_versions import FLIPPED, holdout_rows, publish_project

from polyloop.errors import ClusterError
from polyloop.evaluation.shadow import compare_shadow
from polyloop.models.predict import PredictInput, Predictor
from polyloop.registry.releases import promote, set_shadow
from polyloop.registry.shadow_answers import compared_answers
from polyloop.registry.versions import get_version
from polyloop.serving.low_priority import LowPriorityPredictor
from polyloop.serving.shadow import ShadowWorker
from polyloop.serving.shadow_service import ShadowService


def test_a_worse_version_is_found_out_in_its_locale_without_a_user_seeing_it(tmp_path: Path) -> None:
    project = publish_project(tmp_path)
    store, artefacts_dir = project.store, project.loaded.artefacts_dir
    promote(store, "mood", "v1", actor="test", reason="first")
    set_shadow(store, "mood", "v2", actor="test", reason="a look")
    path = get_version(store, "mood", "v1").path
    assert path is not None
    champion = Predictor(artefacts_dir / path, threads=1)
    rows = holdout_rows()[::3]
    inputs = [PredictInput(text=row["input"], locale=row["locale"], target_locale=row["locale"]) for row in rows]
    for item, prediction in zip(inputs, champion.predict(inputs), strict=True):
        log_inference(
            store,
            item.text,
            locale=item.locale,
            target_locale=item.locale,
            output=prediction.output,
            scores=prediction.scores,
        )

    worker = ShadowWorker(store, lambda _, path: LowPriorityPredictor(path), artefacts_dir, ("mood",), step_size=50)
    while worker.step():
        pass

    answers = answers_of(store)
    assert len(answers) == len(rows)
    assert all(set(answer.scores) == {"good", "bad"} for answer in answers.values())
    english, german = (
        next(
            one
            for one in compare_shadow(compared_answers(store, "mood", "v1", "v2", limit=1_000))
            if one.locale == name
        )
        for name in ("en", "de")
    )
    num_flipped = sum(any(word in row["input"].split() for word in FLIPPED) for row in rows)
    assert num_flipped > 5
    assert english.agreement.value == 100.0
    assert german.num_answers - german.num_agreeing == num_flipped
    assert german.agreement.high < 100.0
    stop = threading.Event()
    stop.set()
    worker.run(stop)
    store.close()


def test_the_service_works_in_a_thread_and_is_unhealthy_once_that_has_ended(tmp_path: Path) -> None:
    project = publish_project(tmp_path)
    store = project.store
    promote(store, "mood", "v1", actor="test", reason="first")
    set_shadow(store, "mood", "v2", actor="test", reason="a look")
    service = ShadowService(str(project.spec))
    one = log_inference(store, "film great", output="good")
    deadline = time.monotonic() + 120
    while one not in answers_of(store):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    service.check_health()
    assert answers_of(store)[one].output == "good"
    service.__del__()
    service._thread.join(30)
    with pytest.raises(ClusterError, match="has ended"):
        service.check_health()
    service._store.close()
    store.close()
