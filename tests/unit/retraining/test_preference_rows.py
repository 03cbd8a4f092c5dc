"""Which statements become preferences, and which do not: one test a reason."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from polyloop.feedback.curation import curate
from polyloop.feedback.decisions import CurationItem
from polyloop.retraining.preference_rows import PreferredRows, preferred_judgements, preferred_pairs
from polyloop.spec.models import FeedbackSpec, TaskSpec
from polyloop.spec.network import ModelSpec
from polyloop.tasks.example import example_id
from polyloop.training.preference.from_feedback import RatedText, TextPair

NOW = datetime(2026, 5, 1, tzinfo=UTC)
TASK = TaskSpec(kind="translate", corpora=("c",), pairs=("en>de",), model=ModelSpec(recipe="nano"))
SPEC = FeedbackSpec(min_trust=0.6)
USERS = ("ann", "bob", "cid", "dan")


def item(number: int, **fields: Any) -> CurationItem:
    defaults: dict[str, Any] = {
        "feedback_id": UUID(int=number),
        "task": "t",
        "locale": "en",
        "target_locale": "de",
        "user": USERS[number % 4],
        "rating": None,
        "correction": None,
        "input": f"text {number}",
        "output": f"Antwort {number}",
        "created_at": NOW + timedelta(seconds=number),
    }
    return CurationItem(**{**defaults, **fields})


def correction(number: int, **fields: Any) -> CurationItem:
    return item(number, **{"correction": f"bessere Antwort {number}", **fields})


def key_of(number: int) -> str:
    return example_id("t", "en", "de", f"text {number}")


def pairs(*items: CurationItem, known: dict[str, str] | None = None, max_share: float = 1.0) -> PreferredRows:
    curation = curate(items, known or {}, SPEC.model_copy(update={"max_share_per_user": 1.0}), TASK, frozenset())
    return preferred_pairs(items, curation, weight=2.0, max_share=max_share)


def judgements(*items: CurationItem, holdout: frozenset[str] = frozenset(), max_share: float = 1.0) -> PreferredRows:
    curation = curate(items, {}, SPEC.model_copy(update={"max_share_per_user": 1.0}), TASK, holdout)
    return preferred_judgements(items, curation, holdout_ids=holdout, weight=1.0, max_share=max_share)


def verdicts(found: PreferredRows) -> dict[str, bool]:
    texts = [one.row for one in found.rows]
    return {text.target: text.is_desirable for text in texts if isinstance(text, RatedText)}


def test_a_correction_is_preferred_to_the_answer_and_named_by_its_feedback() -> None:
    found = pairs(correction(1))
    (one,) = found.rows
    assert one.row == TextPair(input="text 1", chosen="bessere Antwort 1", rejected="Antwort 1", weight=2.0)
    assert (one.id, one.locale, one.target_locale) == (str(UUID(int=1)), "en", "de")
    assert not found.left_out


def test_what_the_train_split_confirms_is_preferred_too() -> None:
    found = pairs(correction(1), known={key_of(1): "bessere Antwort 1"})
    assert len(found.rows) == 1


def test_what_curation_refused_is_left_out() -> None:
    found = pairs(correction(1), correction(2), known={key_of(2): "etwas anderes"})
    assert len(found.rows) == 1
    assert found.left_out == {"refused": 1}


def test_an_answer_that_was_not_kept_cannot_be_rejected() -> None:
    found = pairs(correction(1, output=None))
    assert (found.rows, found.left_out) == ((), {"no_output": 1})


def test_the_same_pair_counts_once() -> None:
    same = {"input": "text", "output": "Antwort", "correction": "bessere Antwort"}
    found = pairs(correction(1, **same), correction(2, **same))
    assert [one.id for one in found.rows] == [str(UUID(int=1))]
    assert found.left_out == {"repeated": 1}


def test_nobody_gives_too_large_a_part() -> None:
    items = [correction(number, user="ann") for number in range(10)] + [
        correction(number, user="bob") for number in range(10, 12)
    ]
    found = pairs(*items, max_share=0.5)
    assert len(found.rows) == 4
    assert found.left_out == {"over_user_share": 8}


def test_ratings_judge_answers_and_corrections_judge_both_texts() -> None:
    found = judgements(item(1, rating=1), item(2, rating=-1), correction(3))
    assert verdicts(found) == {
        "Antwort 1": True,
        "Antwort 2": False,
        "bessere Antwort 3": True,
        "Antwort 3": False,
    }


def test_ratings_without_an_answer_of_the_holdout_or_of_unreliable_users_are_left_out() -> None:
    control = [correction(number, user="bad", correction="falsch") for number in range(20, 26)]
    known = {key_of(number): "richtig" for number in range(20, 26)}
    items = [*control, item(1, rating=1, user="bad"), item(2, rating=1, output=None), item(3, rating=1)]
    curation = curate(items, known, SPEC, TASK, frozenset({key_of(3)}))
    found = preferred_judgements(items, curation, holdout_ids={key_of(3)}, weight=1.0, max_share=1.0)
    assert found.rows == ()
    assert found.left_out == {"refused": 6, "untrusted": 1, "no_output": 1, "in_holdout": 1}


def test_the_majority_decides_and_the_latest_rating_of_a_user_counts() -> None:
    same = {"input": "text", "output": "Antwort"}
    split = judgements(item(1, rating=1, **same), item(2, rating=-1, **same))
    assert (split.rows, split.left_out) == ((), {"undecided": 1})
    most = judgements(*(item(number, rating=-1 if number else 1, **same) for number in range(3)))
    assert verdicts(most) == {"Antwort": False}
    changed = judgements(item(1, rating=1, user="ann", **same), item(2, rating=-1, user="ann", **same))
    assert verdicts(changed) == {"Antwort": False}
    assert changed.left_out == {"repeated": 1}


def test_the_order_of_feedback_does_not_matter() -> None:
    items = [item(1, rating=1), correction(2), item(3, rating=-1)]
    assert judgements(*items) == judgements(*reversed(items))
    assert pairs(*items) == pairs(*reversed(items))
