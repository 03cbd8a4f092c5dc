"""Curation: one test a reason, and what holds for all of them."""

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from polyloop.feedback.curation import curate
from polyloop.feedback.decisions import CurationItem, CurationResult, Reason
from polyloop.spec.models import FeedbackSpec, TaskSpec
from polyloop.spec.network import ModelSpec
from polyloop.tasks.example import example_id

NOW = datetime(2026, 5, 1, tzinfo=UTC)
SPEC = FeedbackSpec(weight=2.5, min_trust=0.6)
TRANSLATE = TaskSpec(kind="translate", corpora=("c",), pairs=("en>de",), model=ModelSpec(recipe="nano"))
CLASSIFY = TaskSpec(kind="classify", corpora=("c",), labels=("good", "bad"), model=ModelSpec(recipe="nano"))


def item(number: int, **fields: Any) -> CurationItem:
    defaults: dict[str, Any] = {
        "feedback_id": UUID(int=number),
        "task": "localise",
        "locale": "en",
        "target_locale": "de",
        "user": "ann",
        "rating": None,
        "correction": "Guten Tag",
        "input": "good day",
        "output": "Gut Tag",
        "created_at": NOW + timedelta(seconds=number),
    }
    return CurationItem(**{**defaults, **fields})


def mood(number: int, **fields: Any) -> CurationItem:
    defaults = {"task": "mood", "target_locale": "en", "correction": "good", "output": "bad"}
    return item(number, **{**defaults, **fields})


def key_of(text: str, task: str = "localise", target_locale: str = "de") -> str:
    return example_id(task, "en", target_locale, text)


def judge(
    *items: CurationItem,
    known: Mapping[str, str] | None = None,
    holdout: frozenset[str] = frozenset(),
    spec: FeedbackSpec = SPEC,
) -> CurationResult:
    task = CLASSIFY if items[0].task == "mood" else TRANSLATE
    return curate(items, known or {}, spec, task, holdout)


def reasons(result: CurationResult) -> list[str]:
    return [str(decision.reason) for decision in result.decisions]


def test_a_good_correction_becomes_an_example() -> None:
    result = judge(item(1, input=" good  day", correction="Guten\tTag "))
    (example,) = result.examples
    assert (example.id, example.input, example.target) == (key_of("good day"), "good day", "Guten Tag")
    assert (example.task, example.locale, example.target_locale, example.weight) == ("localise", "en", "de", 2.5)
    (decision,) = result.decisions
    assert (decision.feedback_id, decision.accepted, decision.reason) == (UUID(int=1), True, Reason.ACCEPTED)


@pytest.mark.parametrize(
    ("judged", "reason"),
    [
        (item(1, correction=None, rating=-1), "no_correction"),
        (item(1, correction=None), "no_correction"),
        (item(1, input=None), "orphan"),
        (item(1, correction=" \u200b "), "empty_correction"),
        (mood(1, correction="great"), "not_a_label"),
        (mood(1, correction="Good"), "not_a_label"),
        (item(1, rating=1), "contradictory_rating"),
        (mood(1, rating=1), "contradictory_rating"),
        (item(1, correction=" Gut  Tag"), "unchanged"),
        (item(1, correction="Gut Tag", rating=1), "unchanged"),
        (item(1, correction="你好"), "wrong_script"),
        (item(1, correction="x" * 60), "length_ratio"),
        (item(1, correction="x", output="y" * 60), "length_ratio"),
    ],
)
def test_a_correction_wrong_in_itself_is_refused_by_name(judged: CurationItem, reason: str) -> None:
    result = judge(judged)
    assert reasons(result) == [reason]
    assert result.examples == ()
    assert not result.decisions[0].accepted


@pytest.mark.parametrize(
    "judged",
    [
        item(1, rating=-1),
        mood(1),
        item(1, output=None),
        item(1, output=None, rating=1),
        item(1, output="", correction="Guten Tag, wie geht es Ihnen heute?"),
        item(1, correction="Ja", output="Nein, danke"),
        item(1, correction="3.5.2026"),
    ],
)
def test_corrections_in_order_are_accepted(judged: CurationItem) -> None:
    assert reasons(judge(judged)) == ["accepted"]


def test_the_holdout_stays_clean() -> None:
    result = judge(item(1), holdout=frozenset({key_of("good day")}))
    assert reasons(result) == ["in_holdout"]


def test_what_the_train_split_knows_is_refused_or_noted() -> None:
    known = {key_of("good day"): "Guten Tag"}
    assert reasons(judge(item(1, correction="Hallo"), known=known)) == ["known_answer"]
    assert reasons(judge(item(1, correction="Guten Tag"), known=known)) == ["already_known"]


def test_contradicting_known_answers_costs_trust_everywhere() -> None:
    known = {key_of(f"known {number}"): "Richtig so" for number in range(3)}
    lies = [item(number, input=f"known {number}", correction="Falsch so") for number in range(3)]
    result = judge(*lies, item(9), item(10, user="bob", input="other"), known=known)
    assert reasons(result) == ["known_answer"] * 3 + ["low_trust", "accepted"]


def test_praising_wrong_known_answers_costs_trust_too() -> None:
    known = {key_of(f"known {number}"): "Richtig so" for number in range(3)}
    praise = [item(number, input=f"known {number}", correction=None, rating=1) for number in range(3)]
    assert reasons(judge(*praise, item(9), known=known))[-1] == "low_trust"


def test_blaming_wrong_known_answers_keeps_trust() -> None:
    known = {key_of(f"known {number}"): "Richtig so" for number in range(3)}
    blame = [item(number, input=f"known {number}", correction=None, rating=-1) for number in range(3)]
    assert reasons(judge(*blame, item(9), known=known))[-1] == "accepted"


def test_users_who_disagree_without_majority_are_outvoted() -> None:
    result = judge(item(1, correction="Guten Tag"), item(2, user="bob", correction="Hallo"))
    assert reasons(result) == ["outvoted", "outvoted"]
    assert result.examples == ()


def test_the_majority_wins_and_gives_one_example() -> None:
    result = judge(
        item(1, correction="Hallo"),
        item(2, user="bob", correction="Guten Tag"),
        item(3, user="eve", correction="Guten  Tag"),
    )
    assert reasons(result) == ["outvoted", "accepted", "accepted"]
    assert [example.target for example in result.examples] == ["Guten Tag"]


def test_ratings_of_others_vote() -> None:
    against = [item(n, user=f"u{n}", correction=None, rating=-1, output="Guten Tag") for n in (2, 3)]
    assert reasons(judge(item(1), *against)) == ["outvoted", "no_correction", "no_correction"]
    praise = item(2, user="bob", correction=None, rating=1, output="Guten Tag")
    result = judge(item(1), praise, item(3, user="eve", correction="Hallo"))
    assert reasons(result) == ["accepted", "no_correction", "outvoted"]


def test_the_latest_correction_of_a_user_counts() -> None:
    result = judge(item(1, correction="Hallo"), item(2, correction="Guten Tag"), item(3, correction=None, rating=-1))
    assert reasons(result) == ["duplicate", "accepted", "no_correction"]
    assert [example.target for example in result.examples] == ["Guten Tag"]


def test_a_spammer_has_one_vote() -> None:
    spam = [item(number, user="eve", correction="Hallo") for number in range(1, 20)]
    result = judge(*spam, item(30), item(31, user="bob"))
    assert reasons(result) == ["duplicate"] * 18 + ["outvoted", "accepted", "accepted"]


def test_a_flood_of_one_user_is_cut_to_its_share() -> None:
    flood = [item(number, input=f"flood {number}") for number in range(100)]
    others = [item(200 + n, user=f"u{n % 4}", input=f"other {n}") for n in range(20)]
    result = judge(*flood, *others)
    assert reasons(result)[:6] == ["accepted"] * 6
    assert reasons(result).count("over_user_share") == 94
    assert len(result.examples) == 26


def test_the_same_input_in_another_direction_is_another_input() -> None:
    result = judge(item(1, correction="Guten Tag"), item(2, user="bob", target_locale="fr", correction="Bonjour"))
    assert reasons(result) == ["accepted", "accepted"]
    assert len(result.examples) == 2


def test_decisions_come_oldest_first_whatever_the_order_of_the_items() -> None:
    generator = random.Random(7)
    items = [
        item(
            number,
            user=f"u{generator.randrange(6)}",
            input=f"text {generator.randrange(12)}",
            correction=generator.choice(["Ja", "Nein", "Doch", None, ""]),
            rating=generator.choice([None, 1, -1]),
        )
        for number in range(120)
    ]
    expected = judge(*items)
    assert [decision.feedback_id.int for decision in expected.decisions] == list(range(120))
    assert len(set(reasons(expected))) >= 5
    for _ in range(5):
        generator.shuffle(items)
        assert judge(*items) == expected


def test_examples_are_sorted_and_each_input_comes_once() -> None:
    items = [item(n, user=f"u{n % 5}", input=f"text {n % 20}") for n in range(100)]
    ids = [example.id for example in judge(*items).examples]
    assert ids == sorted(set(ids))
    assert len(ids) == 20


def test_losing_trust_takes_earlier_examples_back() -> None:
    earlier = item(1)
    assert reasons(judge(earlier)) == ["accepted"]
    known = {key_of(f"known {number}"): "Richtig so" for number in range(5)}
    later = [item(10 + n, input=f"known {n}", correction="Falsch so") for n in range(5)]
    assert reasons(judge(earlier, *later, known=known))[0] == "low_trust"


def test_no_feedback_gives_nothing() -> None:
    assert curate([], {}, SPEC, TRANSLATE, frozenset()) == CurationResult(examples=(), decisions=())


def test_every_reason_has_a_state() -> None:
    states = {reason: reason.state for reason in Reason}
    assert [reason for reason, state in states.items() if state == "accepted"] == [Reason.ACCEPTED]
    assert {reason for reason, state in states.items() if state == "noted"} == {
        Reason.NO_CORRECTION,
        Reason.ALREADY_KNOWN,
    }
    assert states[Reason.ORPHAN] == "orphan"
    assert sum(state == "refused" for state in states.values()) == len(Reason) - 4


def test_items_are_not_changed() -> None:
    given = item(1, input="  good day ")
    copy = replace(given)
    judge(given)
    assert given == copy
