"""The parts of a document, and the step that its rules derive from."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from polyloop.data.steps.base import Draft
from polyloop.data.steps.document import DocumentStep, Parts, ends_sentence, parts_of


@dataclass(frozen=True, kw_only=True)
class NoX(DocumentStep):
    """A rule to try the base with."""

    name: ClassVar[str] = "no_x"
    reasons: ClassVar[tuple[str, ...]] = ("has_x",)

    def judge(self, parts: Parts, locale: str) -> str | None:
        return "has_x" if f"x{locale}" in parts.text else None


def _draft(text: str, target: str, *, has_label: bool = False) -> Draft:
    return Draft(input=text, target=target, locale="en", target_locale="de", has_label=has_label)


def test_each_text_is_judged_with_its_own_locale() -> None:
    step = NoX()
    assert step.apply(_draft("xde", "xen")) is None
    assert step.apply(_draft("xen", "")) == "has_x"
    assert step.apply(_draft("", "xde")) == "has_x"


def test_targets_are_left_alone_if_they_are_labels_or_the_step_says_so() -> None:
    assert NoX().apply(_draft("", "xde", has_label=True)) is None
    assert NoX(targets=False).apply(_draft("", "xde")) is None
    assert NoX(targets=False).apply(_draft("xen", "")) == "has_x"


def test_lines_and_paragraphs_are_without_blanks() -> None:
    parts = Parts("  Title \n\n one\r\ntwo\n \t\n\n\nthree\n")
    assert parts.lines == ["Title", "one", "two", "three"]
    assert parts.paragraphs == ["Title", "one\r\ntwo", "three"]


def test_the_script_of_a_long_text_is_told_by_its_start_and_its_middle() -> None:
    assert Parts("OK. " + "今天天气很好。" * 200).script == "Hani"
    assert Parts("short text").script == "Latn"
    assert Parts("123").script is None


def test_the_parts_of_a_text_are_cut_once_for_all_rule_sets() -> None:
    assert parts_of("the same text") is parts_of("the same " + "text")


@pytest.mark.parametrize(
    "line", ["Done.", "Done?", "He said: “Done.”", "Er sagte: „Ja!“", "好。", "好了！」", "تم؟", "हो गया।"]
)
def test_terminal_punctuation_of_all_scripts_ends_a_sentence(line: str) -> None:
    assert ends_sentence(line)


@pytest.mark.parametrize("line", ["Home", "Read more:", "首页", "a, b,", ""])
def test_other_line_ends_do_not(line: str) -> None:
    assert not ends_sentence(line)
