"""Rules for pairs."""

import pytest

from polyloop.data.steps.base import Draft
from polyloop.data.steps.parallel import ParallelStep


def _reason(step: ParallelStep, text: str, target: str, *, has_label: bool = False) -> str | None:
    return step.apply(Draft(input=text, target=target, locale="en", target_locale="zh-Hans", has_label=has_label))


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("The weather is fine today, so we walk to the park.", "今天天气很好，所以我们走路去公园。"),
        ("The weather is fine today, so we walk to the park.", "Сегодня хорошая погода, поэтому мы идём в парк."),
        ("Cheers!", "乾杯!"),
        ("Hi.", "Guten Tag."),
        ("Mind your own business.", "不关你事。"),
    ],
)
def test_translations_are_kept_whatever_their_scripts(text: str, target: str) -> None:
    assert _reason(ParallelStep(max_length_ratio=2, drop_copies=True), text, target) is None


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("The weather is fine today, so we walk to the park and have a picnic.", "天气很好。"),
        ("It rains.", "今天早上下了很大的雨，所以我们没有去公园，而是在家里看了一整天的书。"),
        ("The weather is fine today, so we walk to the park.", ""),
    ],
)
def test_a_side_that_is_much_too_short_drops_the_pair(text: str, target: str) -> None:
    assert _reason(ParallelStep(max_length_ratio=2), text, target) == "pair_length_ratio"
    assert _reason(ParallelStep(), text, target) is None


@pytest.mark.parametrize(
    ("text", "target", "copy"),
    [
        ("Contact us!", "contact  us", True),
        ("Straße 5", "STRASSE 5.", True),
        ("...", "...", True),
        ("...", "!!!", False),
        ("Contact us", "联系我们", False),
    ],
)
def test_copies_are_told_without_case_and_punctuation(text: str, target: str, copy: bool) -> None:
    assert _reason(ParallelStep(drop_copies=True), text, target) == ("pair_copy" if copy else None)
    assert _reason(ParallelStep(), text, target) is None


def test_a_label_is_no_side() -> None:
    step = ParallelStep(max_length_ratio=1.1, drop_copies=True)
    assert _reason(step, "good", "good", has_label=True) is None
