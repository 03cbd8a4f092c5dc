"""The chain: which steps a corpus gets and in which order, what is put to whose account, and what a step may do."""

import importlib
import inspect
import pkgutil
from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import pytest

from polyloop.data import steps as steps_package
from polyloop.data.steps.base import Draft, Step
from polyloop.data.steps.chain import (
    STEPS,
    Chain,
    StepAccount,
    accounts_from_data,
    accounts_to_data,
    cleaning_steps,
    merge_accounts,
)
from polyloop.errors import DataError
from polyloop.spec.cleaning import CleaningSpec

LOCALES = ("en", "de", "zh-Hans", "zh-Hant")


def draft(text: str = "a", target: str = "b", **changes: Any) -> Draft:
    fields: dict[str, Any] = {"locale": "en", "target_locale": "de", "has_label": False, **changes}
    return Draft(input=text, target=target, **fields)


def made(*, has_labels: bool = False, **cleaning: Any) -> tuple[Step, ...]:
    return cleaning_steps(CleaningSpec.model_validate(cleaning), locales=LOCALES, has_labels=has_labels)


def names(*, has_labels: bool = False, **cleaning: Any) -> list[str]:
    return [step.name for step in made(has_labels=has_labels, **cleaning)]


EVERYTHING: dict[str, Any] = {
    "language": {"action": "drop"},
    "quality": {"rules": ["fineweb", "gopher_repetition", "gopher", "c4"], "max_characters": 9},
    "parallel": {"drop_copies": True},
    "pii": {"action": "mask"},
}
NOTHING: dict[str, Any] = {
    "repair": False,
    "entities": False,
    "width": False,
    "han": "keep",
    "language": {"action": "off"},
}


def test_all_steps_come_in_one_order_whatever_the_order_of_the_settings() -> None:
    assert names(**EVERYTHING) == [step.name for step in STEPS]
    assert names() == ["repair", "entities", "width", "han", "normalise", "language"]


def test_texts_are_normalised_even_where_nothing_else_is_asked_for() -> None:
    assert names(**NOTHING) == ["normalise"]


def test_labels_are_no_second_side_to_compare() -> None:
    assert "parallel" not in names(has_labels=True, **EVERYTHING)


@pytest.mark.parametrize(
    ("setting", "added"),
    [
        ({"quality": {"min_characters": 2}}, ["length"]),
        ({"parallel": {"max_length_ratio": 2.0}}, ["parallel"]),
        ({"pii": {"action": "report"}}, ["pii"]),
        ({"quality": {"rules": ["gopher"]}}, ["gopher"]),
        ({"language": {"action": "relabel"}}, ["language"]),
    ],
)
def test_a_setting_adds_its_step(setting: dict[str, Any], added: list[str]) -> None:
    assert [name for name in names(**NOTHING | setting) if name != "normalise"] == added


def test_no_step_is_missing_from_the_list_and_no_name_stands_for_two() -> None:
    modules = [
        importlib.import_module(f"{steps_package.__name__}.{module.name}")
        for module in pkgutil.iter_modules(steps_package.__path__)
    ]
    classes = {
        member
        for module in modules
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, Step) and not inspect.isabstract(member)
    }
    assert classes == set(STEPS)
    assert len({step.name for step in STEPS}) == len(STEPS)


@dataclass(frozen=True, kw_only=True)
class Append(Step):
    """Writes a sign behind the input, and drops what has become too long."""

    name: ClassVar[str] = "append"
    reads: ClassVar[frozenset[str]] = frozenset({"input"})
    writes: ClassVar[frozenset[str]] = frozenset({"input"})
    reasons: ClassVar[tuple[str, ...]] = ("too_long",)

    sign: str

    def apply(self, draft: Draft) -> str | None:
        draft.input += self.sign
        return "too_long" if len(draft.input) > 3 else None


@dataclass(frozen=True, kw_only=True)
class Fail(Step):
    """Raises at some inputs."""

    name: ClassVar[str] = "fail"
    reads: ClassVar[frozenset[str]] = frozenset({"input"})

    error: BaseException

    def apply(self, draft: Draft) -> str | None:
        if draft.input.startswith("strange"):
            raise self.error
        draft.note("fail:fine")
        return None


def test_each_step_sees_what_the_one_before_made_of_the_row() -> None:
    chain = Chain(steps=(Append(sign="1"), Fail(error=ValueError())))
    row = draft("a")
    assert chain.run(row) is None
    assert (row.input, row.notes) == ("a1", {"fail:fine": 1})


def test_each_step_has_an_account_up_to_the_one_that_drops_the_row() -> None:
    chain = Chain(steps=(Append(sign=""), Fail(error=ValueError("what"))))
    outcomes = [chain.run(draft(text)) for text in ("a", "strange", "abc", "b")]
    assert [outcome and outcome.reason for outcome in outcomes] == [None, "too_long", None, None]
    assert chain.accounts == {
        "append": StepAccount(rows_in=4, dropped=Counter(too_long=1)),
        "fail": StepAccount(rows_in=3),
    }


def test_rows_are_counted_as_changed_where_a_text_or_locale_is_another_than_before() -> None:
    chain = Chain(steps=(Append(sign="!"),))
    for text in ("a", "b", "abc"):
        chain.run(draft(text))
    assert chain.accounts["append"] == StepAccount(rows_in=3, rows_changed=2, dropped=Counter(too_long=1))


def test_a_step_that_saw_no_row_has_an_account_too() -> None:
    assert Chain(steps=made()).accounts.keys() == set(names())


def test_a_step_that_raises_drops_the_row_and_says_where_it_failed() -> None:
    chain = Chain(steps=(Fail(error=ValueError("no such thing")), Append(sign="")))
    refusal = chain.run(draft("strange"))
    assert refusal is not None
    assert refusal.reason == "step_failed"
    first, *_, last = refusal.detail.splitlines()
    assert (first, last) == ("step fail", "ValueError: no such thing")
    assert "test_chain.py" in refusal.detail
    assert chain.run(draft("a")) is None
    assert chain.accounts["fail"] == StepAccount(rows_in=2, dropped=Counter(step_failed=1))
    assert chain.accounts["append"].rows_in == 1


@pytest.mark.parametrize("error", [DataError("the settings are wrong"), KeyboardInterrupt()])
def test_what_is_not_the_rows_fault_goes_through(error: BaseException) -> None:
    chain = Chain(steps=(Fail(error=error),))
    with pytest.raises(type(error)):
        chain.run(draft("strange"))


def test_accounts_add_up_in_the_order_of_the_steps_and_survive_json() -> None:
    one = {"normalise": StepAccount(rows_in=5, rows_changed=1), "pii": StepAccount(rows_in=5, rows_changed=2)}
    other = {
        "c4": StepAccount(rows_in=9, dropped=Counter(c4_policy=2)),
        "normalise": StepAccount(rows_in=7, rows_changed=3, dropped=Counter(step_failed=1)),
    }
    total = merge_accounts([one, other, other])
    assert list(total) == ["c4", "normalise", "pii"]
    assert total["normalise"] == StepAccount(rows_in=19, rows_changed=7, dropped=Counter(step_failed=2))
    assert total["c4"].dropped == {"c4_policy": 4}
    assert one["normalise"].rows_in == 5
    assert accounts_from_data(accounts_to_data(total)) == total


TEXTS = [
    "",
    " ",
    "\x00\x01\x7f",
    "\u200b\u200d\ufeff",
    "a",
    "?!",
    "1",
    "schÃ¶n â€œquotedâ€\x9d Ã",
    "&amp;lt; &#0; &#x110000; &#55296; &nosuch; &;&&amp",
    "ＡＢＣ１２３，ｶﾞｷﾞ ﬁnﬄ x² ½ ㎏",
    "漢語學習的問題 汉语学习的问题 ﾊﾛｰ",
    "我们在这里学习汉语，电话是13812345678，邮箱li_wei@qq.com。",
    "Mail me: anna.smith+news@example.co.uk, or +44 20 7946 0958; 4111 1111 1111 1111; GB82 WEST 1234 5698 7654 32",
    "http://a.example/?token=AbCdEf0123456789AbCdEf0123456789 192.168.0.1 ::1",
    "مرحبا بكم في بيتنا الجديد ١٢٣",
    "สวัสดีครับ ผมชื่อสมชาย",
    "👩‍👩‍👧🇩🇪🏳️‍🌈",
    "e\u0301" * 50,
    "ا\u0651" * 3 + "\u202e evil \u202c",
    "𠮷𪚥龘",
    "lorem ipsum { } javascript",
    "- one\n- two\n- three ...\n\n\n- one\r\n- one",
    "word " * 3_000,
    "x" * 50_000,
    "The same line again.\n" * 200,
    "Das Wetter war so kalt, dass niemand das Haus verlassen wollte. Wir blieben alle drinnen und tranken Tee.",
    "<EMAIL> <PHONE> <b>bold</b>\t\u2028\u2029\x85",
]
ROW_LOCALES = [
    ("en", "de"),
    ("zh-Hans", "zh-Hant"),
    ("zh-TW", "ja"),
    ("sr-Latn", "und"),
    ("gibber ish", ""),
    ("zh-", "x"),
]
SETTINGS: list[dict[str, Any]] = [
    EVERYTHING,
    {"language": {"action": "keep", "min_characters": 1}, "quality": {"min_characters": 3}, "pii": {"action": "drop"}},
    {
        "language": {"action": "relabel", "min_characters": 1},
        "parallel": {"max_length_ratio": 1.5},
        "pii": {"action": "report"},
    },
]


def nasty_rows() -> list[Draft]:
    shifted = TEXTS[7:] + TEXTS[:7]
    return [
        draft(text, target, locale=locale, target_locale=target_locale, has_label=has_label)
        for text, target in [*zip(TEXTS, shifted, strict=True), *zip(TEXTS, TEXTS, strict=True)]
        for locale, target_locale in ROW_LOCALES
        for has_label in (False, True)
    ]


ALL_STEPS = {repr(step): step for settings in SETTINGS for step in made(**settings)}


@pytest.mark.parametrize("step", ALL_STEPS.values(), ids=lambda step: step.name)
def test_a_step_changes_only_what_it_says_it_writes_and_gives_only_the_reasons_that_it_says(step: Step) -> None:
    for row in nasty_rows():
        before = asdict(row)
        reason = step.apply(row)
        changed = {name for name, value in asdict(row).items() if value != before[name]} - {"notes"}
        assert changed <= step.writes, before
        assert reason is None or reason in step.reasons, before
        assert not (row.has_label and "target" in changed), "a label is no text"
        assert all(isinstance(getattr(row, name), str) for name in ("input", "target", "locale", "target_locale"))


@pytest.mark.parametrize("step", ALL_STEPS.values(), ids=lambda step: step.name)
def test_a_step_does_the_same_each_time_whatever_it_says_it_does_not_read(step: Step) -> None:
    ignored = {"locale", "target_locale"} - step.reads
    for row in nasty_rows():
        same, other = replace(row, notes={}), replace(row, notes={})
        for name in ignored:
            setattr(other, name, "fr")
        outcomes = [step.apply(one) for one in (row, same, other)]
        assert len(set(outcomes)) == 1
        assert same == row
        for name in ignored:
            setattr(other, name, getattr(row, name))
        assert other == row


def test_no_nasty_row_is_put_aside_by_a_failing_step() -> None:
    for settings in SETTINGS:
        for has_labels in (False, True):
            chain = Chain(steps=made(has_labels=has_labels, **settings))
            for row in nasty_rows():
                refusal = chain.run(replace(row, has_label=has_labels))
                assert refusal is None or refusal.reason != "step_failed", refusal
