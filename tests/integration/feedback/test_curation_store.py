"""Curation carried out, on both databases."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select, update

from polyloop.feedback.curation_store import (
    Curation,
    count_acceptable,
    curate_task,
    known_targets,
    load_items,
)
from polyloop.feedback.groups import store_group
from polyloop.feedback.ids import new_uuid7
from polyloop.feedback.inference_log import InferenceRecord, write_inferences
from polyloop.feedback.queries import count_feedback, list_feedback
from polyloop.feedback.records import FeedbackRecord
from polyloop.registry.store import Store
from polyloop.registry.tables import curations, feedback
from polyloop.spec.models import FeedbackSpec, TaskSpec
from polyloop.spec.network import ModelSpec
from polyloop.tasks.example import example_id

TASK = TaskSpec(kind="classify", corpora=("c",), labels=("good", "bad"), model=ModelSpec(recipe="nano"))


class Users:
    """Users of one task, each answered `bad` and saying what they think."""

    def __init__(
        self, store: Store, make_feedback: Callable[..., FeedbackRecord], make_inference: Callable[..., InferenceRecord]
    ) -> None:
        self.store = store
        self._make_feedback = make_feedback
        self._make_inference = make_inference

    def say(self, text: str, *, is_logged: bool = True, **fields: Any) -> FeedbackRecord:
        """Store feedback on an inference with this input, which is logged or lost."""
        inference = self._make_inference(inference_id=new_uuid7(), input=text)
        if is_logged:
            with self.store.begin() as connection:
                write_inferences(connection, [{**vars(inference), "healed": False}])
        record = self._make_feedback(text=text, inference_id=inference.inference_id, **fields)
        store_group(self.store, [record])
        return record


@pytest.fixture
def users(
    store: Store, make_feedback: Callable[..., FeedbackRecord], make_inference: Callable[..., InferenceRecord]
) -> Users:
    """Users of the task `mood` on an empty store."""
    return Users(store, make_feedback, make_inference)


def run(store: Store, folder: Path, **known: Any) -> Curation:
    facts = {"known": {}, "holdout_ids": frozenset(), **known}
    return curate_task(store, "mood", TASK, FeedbackSpec(), folder=folder, now=datetime.now(UTC), **facts)


def recorded(store: Store) -> list[tuple[Any, ...]]:
    """Return id, task, digest and path of all curations that the store knows, the last one first."""
    columns = (curations.c.id, curations.c.task, curations.c.digest, curations.c.path)
    with store.read() as connection:
        return [tuple(row) for row in connection.execute(select(*columns).order_by(curations.c.id.desc()))]


def facts_of(curation: Curation) -> tuple[Any, ...]:
    return curation.curation_id, curation.task, curation.digest, curation.path and str(curation.path)


def states(store: Store) -> dict[Any, tuple[str, str | None]]:
    with store.read() as connection:
        rows = connection.execute(select(feedback.c.feedback_id, feedback.c.state, feedback.c.reason))
        return {row.feedback_id: (row.state, row.reason) for row in rows}


def test_decisions_are_written_and_examples_published(users: Users, store: Store, tmp_path: Path) -> None:
    good = users.say("fine day", correction="good", user="ann")
    wrong = users.say("fine", correction="great", user="ann")
    rating = users.say("so so", rating=-1, user="bob")
    lost = users.say("lost", is_logged=False, correction="good", user="bob")
    curation = run(store, tmp_path)
    assert states(store) == {
        good.feedback_id: ("accepted", "accepted"),
        wrong.feedback_id: ("refused", "not_a_label"),
        rating.feedback_id: ("noted", "no_correction"),
        lost.feedback_id: ("orphan", "orphan"),
    }
    assert curation.reasons == {"accepted": 1, "no_correction": 1, "not_a_label": 1, "orphan": 1}
    assert curation.path == tmp_path / f"{curation.digest}.parquet"
    (row,) = pq.read_table(curation.path).to_pylist()
    assert row == {
        "id": example_id("mood", "en", "en", "fine day"),
        "task": "mood",
        "locale": "en",
        "target_locale": "en",
        "input": "fine day",
        "target": "good",
        "weight": 1.0,
        "corpus": "feedback",
        "split": "train",
    }
    assert recorded(store) == [facts_of(curation)]


def test_examples_add_up_over_time(users: Users, store: Store, tmp_path: Path) -> None:
    users.say("one", correction="good")
    first = run(store, tmp_path)
    users.say("two", correction="good")
    second = run(store, tmp_path)
    assert (first.num_examples, second.num_examples) == (1, 2)
    assert second.path is not None
    assert sorted(pq.read_table(second.path).column("input").to_pylist()) == ["one", "two"]
    assert recorded(store) == [facts_of(second), facts_of(first)]


def test_nothing_new_gives_the_same_file_and_changes_no_decision(users: Users, store: Store, tmp_path: Path) -> None:
    users.say("one", correction="good")
    first = run(store, tmp_path)
    second = run(store, tmp_path)
    assert (first.digest, first.path) == (second.digest, second.path)
    with store.read() as connection:
        assert connection.scalar(select(feedback.c.curation_id)) == first.curation_id


def test_no_feedback_publishes_nothing(store: Store, tmp_path: Path) -> None:
    curation = run(store, tmp_path / "new")
    assert (curation.path, curation.num_examples, curation.reasons) == (None, 0, {})
    assert not (tmp_path / "new").exists()


def test_an_orphan_is_judged_once_its_inference_is_there(
    users: Users, store: Store, tmp_path: Path, make_feedback: Callable[..., FeedbackRecord]
) -> None:
    lost = users.say("lost", is_logged=False, correction="good", user="ann")
    assert run(store, tmp_path).num_examples == 0
    again = make_feedback(text="lost", inference_id=lost.claim.inference_id, rating=-1, input="lost", user="ann")
    store_group(store, [again])
    curation = run(store, tmp_path)
    assert curation.num_examples == 1
    assert states(store)[lost.feedback_id] == ("accepted", "accepted")


def test_known_answers_and_holdout_reach_the_judgement(users: Users, store: Store, tmp_path: Path) -> None:
    known = users.say("known", correction="good", user="ann")
    held = users.say("held", correction="good", user="bob")
    run(
        store,
        tmp_path,
        known={example_id("mood", "en", "en", "known"): "bad"},
        holdout_ids=frozenset({example_id("mood", "en", "en", "held")}),
    )
    assert states(store) == {
        known.feedback_id: ("refused", "known_answer"),
        held.feedback_id: ("refused", "in_holdout"),
    }


def test_tasks_are_curated_apart(users: Users, store: Store, tmp_path: Path) -> None:
    users.say("one", correction="good")
    with store.begin() as connection:
        connection.execute(update(feedback).values(task="other"))
    assert run(store, tmp_path).reasons == {}
    assert load_items(store, "mood") == []
    assert len(load_items(store, "other")) == 1


def test_known_targets_leave_out_what_came_from_feedback() -> None:
    train = pa.table({"id": ["a", "b"], "target": ["x", "y"], "corpus": ["moods", "feedback"]})
    assert known_targets(train) == {"a": "x"}


def test_facts_count_new_corrections_and_bad_ratings_by_locale(users: Users, store: Store, tmp_path: Path) -> None:
    users.say("one", correction="good", rating=-1)
    users.say("two", rating=1)
    users.say("three", rating=-1, target_locale="de")
    users.say("four", is_logged=False, correction="good")
    now = datetime.now(UTC) + timedelta(seconds=1)
    facts = count_acceptable(store, "mood", now=now, window_s=3_600)
    assert facts.num_new_corrections == 2
    assert facts.negative_rates == {"de": 1.0, "en": 0.5}
    assert facts.num_rated == {"de": 1, "en": 2}
    run(store, tmp_path)
    later = count_acceptable(store, "mood", now=now + timedelta(hours=2), window_s=3_600)
    assert (later.num_new_corrections, later.negative_rates) == (0, {})


def test_a_healed_orphan_counts_as_new_again(
    users: Users, store: Store, tmp_path: Path, make_feedback: Callable[..., FeedbackRecord]
) -> None:
    lost = users.say("lost", is_logged=False, correction="good")
    run(store, tmp_path)
    now = datetime.now(UTC)
    assert count_acceptable(store, "mood", now=now, window_s=60).num_new_corrections == 0
    store_group(store, [make_feedback(text="lost", inference_id=lost.claim.inference_id, rating=-1, input="lost")])
    assert count_acceptable(store, "mood", now=now, window_s=60).num_new_corrections == 1


def test_feedback_is_listed_newest_first_and_counted(users: Users, store: Store, tmp_path: Path) -> None:
    first = users.say("one", correction="good", user="ann")
    second = users.say("two", is_logged=False, rating=1)
    run(store, tmp_path)
    rows = list_feedback(store, task="mood")
    assert [row.feedback_id for row in rows] == [second.feedback_id, first.feedback_id]
    assert (rows[1].input, rows[1].output, rows[1].correction, rows[1].user) == ("one", "bad", "good", "key/ann")
    assert (rows[0].input, rows[0].state) == (None, "orphan")
    assert [row.feedback_id for row in list_feedback(store, state="accepted")] == [first.feedback_id]
    assert len(list_feedback(store, limit=1)) == 1
    assert list_feedback(store, task="other") == ()
    assert count_feedback(store, "mood") == {("accepted", "accepted"): 1, ("orphan", "orphan"): 1}
