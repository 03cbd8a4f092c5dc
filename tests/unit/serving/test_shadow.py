"""A shadow answers what users asked once, stays bounded, and lives through refusals, failures and restarts."""

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, event, update
from tests.support.logged_inferences import answers_of, log_inference
from tests.support.projects import publish

from polyloop.errors import ArtefactError, ClusterError, RegistryError, RequestError
from polyloop.feedback.ids import least_id
from polyloop.models.contract import PredictInput, Prediction
from polyloop.registry.releases import clear_shadow, promote, set_shadow
from polyloop.registry.shadow_answers import write_answers
from polyloop.registry.store import Store
from polyloop.registry.tables import inferences, release_events
from polyloop.serving import shadow
from polyloop.serving.shadow import SETTLE_S, ShadowWorker, agree, first_floor, raised_floor


class SmallShadow:
    """Says what v1 said, or something else to what is odd; refuses, fails and dies on demand."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.inputs: list[PredictInput] = []
        self.is_warm = False
        self.is_closed = False

    def warm_up(self) -> None:
        self.is_warm = True

    def close(self) -> None:
        self.is_closed = True

    def predict(self, inputs: Sequence[PredictInput]) -> list[Prediction]:
        assert self.is_warm
        assert not self.is_closed
        self.inputs += inputs
        return [self._one(one.text) for one in inputs]

    def _one(self, text: str) -> Prediction:
        if text == "refuse":
            raise RequestError("the input is too long")
        if text == "fail":
            raise ZeroDivisionError
        if text == "die":
            raise ClusterError("the process has ended")
        output = "something else" if "odd" in text else f"v1:  {text}"
        return Prediction(output=output, scores={"good": 0.5}, num_input_tokens=1, num_output_tokens=1)


class Loader:
    """Loads small shadows, noting each; versions in `errors` fail."""

    def __init__(self) -> None:
        self.loaded: list[SmallShadow] = []
        self.errors: dict[str, Exception] = {}

    def __call__(self, task: str, path: Path) -> SmallShadow:
        if path.name in self.errors:
            raise self.errors[path.name]
        self.loaded.append(SmallShadow(path.name))
        return self.loaded[-1]

    def texts(self) -> list[str]:
        return [one.text for loaded in self.loaded for one in loaded.inputs]


@pytest.fixture
def loader() -> Loader:
    return Loader()


@pytest.fixture
def work(store: Store, loader: Loader, tmp_path: Path) -> Callable[..., ShadowWorker]:
    """What makes a worker of the task mood, whose champion is v1 and whose shadow is v2."""
    for digest in "abc":
        publish(store, "mood", digest=digest)
    promote(store, "mood", "v1", actor="test", reason="first")
    set_shadow(store, "mood", "v2", actor="test", reason="a look")

    def make(**options: Any) -> ShadowWorker:
        return ShadowWorker(store, loader, tmp_path, ("mood",), **options)

    return make


def log_many(store: Store, count: int) -> list[uuid.UUID]:
    """Log so many inferences one after the other; the last is the newest."""
    return [log_inference(store, f"day {number}", ago_s=0.5 + 0.01 * (count - number)) for number in range(count)]


def test_what_the_user_got_is_answered_again_and_compared(store: Store, work: Callable[..., ShadowWorker]) -> None:
    same, odd = log_inference(store, "a fine day"), log_inference(store, "an odd day")
    assert work().step() == 2
    rows = answers_of(store)
    assert (rows[same].output, rows[same].agrees, rows[same].task) == ("v1:  a fine day", True, "mood")
    assert (rows[odd].output, rows[odd].agrees, rows[odd].scores) == ("something else", False, {"good": 0.5})
    assert rows[same].latency_ms > 0


def test_the_shadow_sees_the_locales_of_the_inference(
    store: Store, work: Callable[..., ShadowWorker], loader: Loader
) -> None:
    log_inference(store, "x", locale="en", target_locale="de")
    work().step()
    assert loader.loaded[0].inputs == [PredictInput(text="x", locale="en", target_locale="de")]


def test_without_a_shadow_nothing_is_loaded_or_answered(
    store: Store, work: Callable[..., ShadowWorker], loader: Loader
) -> None:
    clear_shadow(store, "mood", "v2", actor="test", reason="enough")
    log_inference(store)
    assert work().step() == 0
    assert loader.loaded == []


def test_what_was_asked_before_it_became_the_shadow_is_left_alone(
    store: Store, work: Callable[..., ShadowWorker]
) -> None:
    log_inference(store, ago_s=60)
    now = log_inference(store)
    assert work().step() == 1
    assert set(answers_of(store)) == {now}


@pytest.mark.parametrize("text", ["refuse", "fail"])
def test_a_refusal_is_an_answer_that_does_not_agree_and_is_not_asked_again(
    store: Store, work: Callable[..., ShadowWorker], text: str
) -> None:
    one, other = log_inference(store, text), log_inference(store)
    worker = work()
    assert worker.step() == 2
    assert worker.step() == 0
    rows = answers_of(store)
    assert (rows[one].output, rows[one].scores, rows[one].agrees) == (None, None, False)
    assert rows[other].agrees


def test_without_anything_to_answer_no_transaction_writes(
    store: Store, work: Callable[..., ShadowWorker], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_back(store, 10)
    log_many(store, 1)
    worker = work()
    assert worker.step() == 1

    def begin() -> None:
        raise AssertionError("a write transaction would hold up those who have something to write")

    monkeypatch.setattr(store, "begin", begin)
    assert worker.step() == 0


def test_a_step_answers_a_few_the_oldest_first(store: Store, work: Callable[..., ShadowWorker], loader: Loader) -> None:
    set_back(store, 10)
    log_many(store, 7)
    worker = work(step_size=3)
    assert [worker.step() for _ in range(4)] == [3, 3, 1, 0]
    assert loader.texts() == [f"day {number}" for number in range(7)]
    assert worker.num_dropped == 0


def test_what_is_pending_is_not_read_at_each_step(
    store: Store, work: Callable[..., ShadowWorker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow, "READ_AGAIN_S", 1_000.0)
    set_back(store, 10)
    log_many(store, 12)
    queries: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *call: queries.append(call[2]))
    worker = work(step_size=3)
    assert [worker.step() for _ in range(5)] == [3, 3, 3, 3, 0]
    reads_of_pending = [one for one in queries if "NOT (EXISTS" in one]
    assert len(reads_of_pending) == 2


def test_what_came_meanwhile_is_seen_before_all_that_was_pending_is_answered(
    store: Store, work: Callable[..., ShadowWorker], loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_back(store, 10)
    log_many(store, 4)
    worker = work(step_size=2)
    assert worker.step() == 2
    log_inference(store, "written late", ago_s=5)
    monkeypatch.setattr(shadow, "READ_AGAIN_S", 0.0)
    assert worker.step() == 2
    assert loader.texts() == ["day 0", "day 1", "written late", "day 2"]


def test_answers_that_could_not_be_written_are_given_again(
    store: Store, work: Callable[..., ShadowWorker], loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_back(store, 10)
    ids = log_many(store, 3)

    def fail(*_arguments: Any) -> None:
        raise RegistryError("the store is away")

    worker = work(step_size=2)
    with monkeypatch.context() as away:
        away.setattr(shadow, "write_answers", fail)
        assert worker.step() == 0
    assert [worker.step(), worker.step()] == [2, 1]
    assert list(answers_of(store)) == ids
    assert loader.texts() == ["day 0", "day 1", "day 0", "day 1", "day 2"]


def test_it_never_stays_more_behind_than_it_may_and_counts_what_it_skips(
    store: Store, work: Callable[..., ShadowWorker], loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow, "READ_AGAIN_S", 0.0)
    set_back(store, 10)
    ids = log_many(store, 12)
    worker = work(max_behind=5, step_size=2)
    assert worker.step() == 2
    assert worker.num_dropped == 7
    assert loader.texts() == ["day 7", "day 8"]
    late = [log_inference(store, f"late {number}", ago_s=-0.01 * number) for number in range(4)]
    while worker.step():
        pass
    assert worker.num_dropped == 9
    assert set(answers_of(store)) == {*ids[7:9], *ids[11:], *late}


def test_a_worker_that_starts_again_goes_on_and_repeats_nothing(
    store: Store, work: Callable[..., ShadowWorker], loader: Loader
) -> None:
    set_back(store, 10)
    ids = log_many(store, 4)
    work(step_size=2).step()
    again = work(step_size=10)
    assert again.step() == 2
    assert loader.texts() == [f"day {number}" for number in range(4)]
    assert set(answers_of(store)) == set(ids)
    assert again.num_dropped == 0


def test_two_workers_at_once_write_each_answer_once(store: Store, work: Callable[..., ShadowWorker]) -> None:
    set_back(store, 10)
    ids = log_many(store, 20)
    workers = [work(step_size=4) for _ in range(2)]

    def answer_all(worker: ShadowWorker) -> None:
        while worker.step():
            pass

    threads = [threading.Thread(target=answer_all, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(answers_of(store)) == ids


def test_an_inference_that_a_router_writes_late_is_still_answered(
    store: Store, work: Callable[..., ShadowWorker]
) -> None:
    set_back(store, 60)
    worker = work()
    log_inference(store)
    worker.step()
    late = log_inference(store, ago_s=SETTLE_S - 5)
    assert worker.step() == 1
    assert late in answers_of(store)
    log_inference(store, ago_s=SETTLE_S + 5)
    assert worker.step() == 0


def test_another_shadow_takes_over_and_the_old_one_is_let_go(
    store: Store, work: Callable[..., ShadowWorker], loader: Loader
) -> None:
    worker = work()
    log_inference(store)
    worker.step()
    set_shadow(store, "mood", "v3", actor="test", reason="another look")
    new = log_inference(store)
    worker.step()
    assert [(one.version, one.is_closed) for one in loader.loaded] == [("v2", True), ("v3", False)]
    assert set(answers_of(store, "v3")) == {new}
    clear_shadow(store, "mood", "v3", actor="test", reason="enough")
    worker.step()
    assert loader.loaded[1].is_closed


@pytest.mark.parametrize("error", [ArtefactError("a file was changed"), RuntimeError("size mismatch")])
def test_a_shadow_that_cannot_be_loaded_is_tried_again_after_a_while(
    store: Store,
    work: Callable[..., ShadowWorker],
    loader: Loader,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    log_inference(store)
    loader.errors["v2"] = error
    worker = work()
    assert worker.step() == 0
    del loader.errors["v2"]
    assert worker.step() == 0
    monkeypatch.setattr(shadow, "RETRY_FAILED_S", 0.0)
    assert worker.step() == 1


def test_a_task_whose_shadow_fails_does_not_hold_up_the_others(
    store: Store, work: Callable[..., ShadowWorker], loader: Loader, tmp_path: Path
) -> None:
    publish(store, "to-german", digest="a")
    publish(store, "to-german", digest="b")
    promote(store, "to-german", "v1", actor="test", reason="first")
    set_shadow(store, "to-german", "v2", actor="test", reason="a look")
    set_shadow(store, "mood", "v3", actor="test", reason="a look")
    loader.errors["v3"] = ArtefactError("a file was changed")
    log_inference(store)
    log_inference(store, task="to-german")
    assert ShadowWorker(store, loader, tmp_path, ("mood", "to-german")).step() == 1


def test_an_input_that_ends_the_process_is_noted_and_the_rest_answered_after_a_while(
    store: Store, work: Callable[..., ShadowWorker], loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_back(store, 10)
    fatal = log_inference(store, "die", ago_s=2)
    other = log_inference(store, ago_s=1)
    worker = work()
    assert worker.step() == 1
    assert loader.loaded[0].is_closed
    assert worker.step() == 0
    monkeypatch.setattr(shadow, "RETRY_FAILED_S", 0.0)
    assert worker.step() == 1
    rows = answers_of(store)
    assert (rows[fatal].output, rows[other].agrees) == (None, True)


def test_inferences_that_are_erased_meanwhile_are_no_trouble(
    store: Store, work: Callable[..., ShadowWorker], monkeypatch: pytest.MonkeyPatch
) -> None:
    erased, kept = log_inference(store, "x", ago_s=-0.01), log_inference(store, ago_s=-0.02)

    def erase_then_write(*arguments: Any) -> None:
        with store.begin() as connection:
            connection.execute(delete(inferences).where(inferences.c.inference_id == erased))
        write_answers(*arguments)

    monkeypatch.setattr(shadow, "write_answers", erase_then_write)
    worker = work()
    worker.step()
    assert worker.step() == 0
    assert set(answers_of(store)) == {kept}


def test_it_runs_until_it_is_told_to_stop_and_lets_go(
    store: Store, work: Callable[..., ShadowWorker], loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow, "POLL_S", 0.02)
    stop = threading.Event()
    thread = threading.Thread(target=work().run, args=(stop,))
    thread.start()
    for _ in range(2):
        one = log_inference(store)
        deadline = time.monotonic() + 10
        while one not in answers_of(store):
            assert time.monotonic() < deadline
            time.sleep(0.02)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert [one.is_closed for one in loader.loaded] == [True]


NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def ago(seconds: float) -> uuid.UUID:
    return least_id(NOW - timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("floor", "oldest_pending", "expected"),
    [
        (ago(100), None, ago(SETTLE_S)),
        (ago(10), None, ago(10)),
        (ago(100), ago(60), uuid.UUID(int=ago(60).int - 1)),
        (ago(100), ago(5), ago(SETTLE_S)),
    ],
    ids=["all is done", "just begun", "something old is pending", "something new is pending"],
)
def test_the_floor_rises_to_what_is_done_and_cannot_come_late(
    floor: uuid.UUID, oldest_pending: uuid.UUID | None, expected: uuid.UUID
) -> None:
    assert raised_floor(floor, oldest_pending, NOW) == expected


def test_without_a_start_in_the_history_it_begins_now(store: Store) -> None:
    now = datetime.now(UTC)
    assert first_floor(store, "mood", "v9", now) == least_id(now)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [("gut", "gut", True), ("gut ", " gut", True), ("gut", "Gut", False), ("", "", True), (None, "", False)],
)
def test_answers_agree_letter_by_letter(one: str | None, other: str | None, is_same: bool) -> None:
    assert agree(one, other) == agree(other, one) == is_same


def set_back(store: Store, seconds: float) -> None:
    """Let the shadow have begun so long ago, so that inferences of the near past count."""
    with store.begin() as connection:
        moment = datetime.now(UTC) - timedelta(seconds=seconds)
        connection.execute(update(release_events).values(created_at=moment))
