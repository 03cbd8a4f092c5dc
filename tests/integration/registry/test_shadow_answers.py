"""What a shadow has still to answer, what it has answered, and what an erasure takes along, on both databases."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, update
from tests.support.logged_inferences import answers_of, log_inference

from polyloop.feedback.ids import least_id, time_of
from polyloop.registry import tables
from polyloop.registry.shadow_answers import (
    ComparedAnswer,
    ShadowAnswer,
    compared_answers,
    count_pending,
    count_unanswered,
    load_inputs,
    newest_answered,
    pending_ids,
    write_answers,
)
from polyloop.registry.store import Store

START = least_id(datetime(2026, 1, 1, tzinfo=UTC))


def answer(inference_id: UUID, version: str = "v2", **facts: Any) -> ShadowAnswer:
    known: dict[str, Any] = {
        "inference_id": inference_id,
        "version": version,
        "task": "mood",
        "output": "v1: a fine day",
        "scores": {"good": 0.75},
        "latency_ms": 3.5,
        "agrees": True,
        "created_at": datetime.now(UTC),
    }
    return ShadowAnswer(**{**known, **facts})


def pending(store: Store, *, after: UUID = START, limit: int = 100, version: str = "v2") -> list[UUID]:
    return pending_ids(store, "mood", version, after=after, since=time_of(after), limit=limit)


def test_what_is_pending_comes_newest_first_and_only_as_much_as_is_wanted(published: Store) -> None:
    ids = [log_inference(published, ago_s=10 - number) for number in range(5)]
    assert pending(published) == ids[::-1]
    assert pending(published, limit=2) == [ids[4], ids[3]]
    assert pending(published, after=ids[2]) == [ids[4], ids[3]]
    assert count_pending(published, "mood", "v2", after=ids[0], since=time_of(ids[0]), until=ids[3]) == 3


def test_inferences_of_one_millisecond_are_parted_by_their_ids(published: Store) -> None:
    moment = least_id(datetime.now(UTC))
    ids = [UUID(int=moment.int | number) for number in (1, 2, 3)]
    for one in ids:
        log_inference(published, inference_id=one, created_at=time_of(one))
    assert pending(published, after=ids[0]) == [ids[2], ids[1]]


@pytest.mark.parametrize(
    "facts",
    [
        {"task": "other"},
        {"version": "v2"},
        {"input": None},
        {"output": None, "healed": True},
    ],
    ids=["another task", "its own answer", "input not kept", "healed, so what the user got is unknown"],
)
def test_what_cannot_be_compared_is_not_pending(published: Store, facts: dict[str, Any]) -> None:
    log_inference(published, **facts)
    assert pending(published) == []


def test_what_is_answered_is_pending_no_more_for_that_version(published: Store) -> None:
    ids = [log_inference(published, ago_s=2 - number) for number in range(2)]
    write_answers(published, [answer(ids[1])])
    assert pending(published) == [ids[0]]
    assert pending(published, version="v3") == [ids[1], ids[0]]
    assert newest_answered(published, "mood", "v2") == ids[1]
    assert newest_answered(published, "mood", "v3") is None


def test_what_was_never_answered_is_counted_however_old(published: Store) -> None:
    ids = [log_inference(published, ago_s=100 - number) for number in range(4)]
    write_answers(published, [answer(ids[2])])
    assert count_unanswered(published, "mood", "v2", since=time_of(ids[0])) == 3
    assert count_unanswered(published, "mood", "v2", since=time_of(ids[3])) == 1


def test_inputs_are_loaded_oldest_first(published: Store) -> None:
    ids = [log_inference(published, f"day {number}", ago_s=5 - number) for number in range(3)]
    loaded = load_inputs(published, ids[::-1])
    assert [(one.inference_id, one.input, one.output) for one in loaded] == [
        (one, f"day {number}", f"v1: day {number}") for number, one in enumerate(ids)
    ]


def test_an_answer_written_twice_is_there_once_and_stays_the_first(published: Store) -> None:
    one = log_inference(published)
    write_answers(published, [answer(one)])
    write_answers(published, [answer(one, output="another", agrees=False)])
    (row,) = answers_of(published).values()
    assert (row.output, row.agrees, row.scores) == ("v1: a fine day", True, {"good": 0.75})


def test_an_erased_inference_takes_its_shadow_answers_along_and_gets_no_new_ones(published: Store) -> None:
    kept, erased = log_inference(published), log_inference(published)
    answers = [answer(one, version) for one in (kept, erased) for version in ("v2", "v3")]
    write_answers(published, answers)
    with published.begin() as connection:
        connection.execute(delete(tables.inferences).where(tables.inferences.c.inference_id == erased))
    write_answers(published, answers)
    assert set(answers_of(published)) == set(answers_of(published, "v3")) == {kept}


def test_an_inference_whose_texts_were_emptied_gets_no_answer(published: Store) -> None:
    one = log_inference(published)
    with published.begin() as connection:
        connection.execute(update(tables.inferences).values(input=None, output=None))
    write_answers(published, [answer(one)])
    assert load_inputs(published, [one]) == ()
    with published.read() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.shadow_answers)) == 0


def test_answers_are_compared_with_those_of_the_version_asked_for_newest_first(published: Store) -> None:
    old = log_inference(published, ago_s=5, target_locale="de", latency_ms=None)
    new = log_inference(published)
    by_canary = log_inference(published, version="v3")
    write_answers(published, [answer(old, output=None, agrees=False), answer(new), answer(by_canary)])
    write_answers(published, [answer(new, "v4")])
    expected_new = ComparedAnswer(locale="en", agrees=True, refused=False, latency_ms=10.0, shadow_latency_ms=3.5)
    expected_old = ComparedAnswer(locale="de", agrees=False, refused=True, latency_ms=None, shadow_latency_ms=3.5)
    assert compared_answers(published, "mood", "v1", "v2", limit=10) == [expected_new, expected_old]
    assert compared_answers(published, "mood", "v1", "v2", limit=1) == [expected_new]
    assert len(compared_answers(published, "mood", "v3", "v2", limit=10)) == 1
