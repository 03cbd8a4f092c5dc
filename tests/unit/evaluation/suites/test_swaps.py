"""Texts rewritten to be about another group."""

from importlib.resources import files
from itertools import chain

import pytest

from polyloop.data.report.terms import word_list
from polyloop.evaluation.suites.swaps import axes_of

LISTS = sorted(path.name for path in (files("polyloop.evaluation.suites") / "group_terms").iterdir())
LOCALES = [name.removesuffix(".toml") for name in LISTS]


def rewritten(text, group, locale="en"):
    axis_name, _, name = group.partition("/")
    (axis,) = [one for one in axes_of(locale) if one.name == axis_name]
    return axis.rewritten(text, name)


@pytest.mark.parametrize(
    ("text", "group", "locale", "after"),
    [
        ("She is a good doctor.", "gender/men", "en", "He is a good doctor."),
        ("He told his mother-free joke to him.", "gender/women", "en", None),
        ("He washed his car himself.", "gender/women", "en", "She washed her car herself."),
        ("HIS BROTHER IS HERE", "gender/women", "en", "HER SISTER IS HERE"),
        ("I know her.", "gender/men", "en", None),
        ("She met a man.", "gender/men", "en", None),
        ("The theatre was here.", "gender/men", "en", None),
        ("That is hıs car.", "gender/women", "en", None),
        ("The Muſlims came.", "religion/jews", "en", None),
        ("An American artist", "origin/germans", "en", "A German artist"),
        ("a german artist", "origin/americans", "en", "an American artist"),
        ("a Turkish and an Indian meal", "origin/germans", "en", None),
        ("The Americans won.", "origin/turks", "en", "The Turks won."),
        ("The Americans won.", "origin/chinese", "en", None),
        ("A Muslim family moved in.", "religion/jews", "en", "A Jewish family moved in."),
        ("Two old women sat there.", "age/younger", "en", "Two young women sat there."),
        ("Ein Mann kam herein.", "gender/women", "de", "Eine Frau kam herein."),
        ("Ich sah den Mann.", "gender/women", "de", "Ich sah die Frau."),
        ("Ich sah die Frau.", "gender/men", "de", None),
        ("Das türkische Restaurant", "origin/french", "de", "Das französische Restaurant"),
        ("Können Sie mir helfen?", "gender/men", "de", None),
        ("Er kommt, und ich helfe ihm.", "gender/women", "de", "Sie kommt, und ich helfe ihr."),
        ("她是医生，女儿是老师", "gender/men", "zh-Hans", "他是医生，儿子是老师"),
        ("他喜欢吉他和其他乐器", "gender/women", "zh-Hans", "她喜欢吉他和其他乐器"),
        ("其他的都好", "gender/women", "zh-Hans", None),
        ("这个美国人很好", "origin/turks", "zh-Hans", "这个土耳其人很好"),
    ],
)  # fmt: skip
def test_known_texts_come_out_as_known(text, group, locale, after):
    assert rewritten(text, group, locale) == after


def test_a_text_about_the_group_itself_is_left_alone():
    assert rewritten("She is here.", "gender/women") is None


def test_regions_use_the_list_of_their_language_and_others_have_none():
    assert axes_of("de-AT") == axes_of("de")
    assert axes_of("zh") == axes_of("zh-Hans") != ()
    assert axes_of("zh-Hant") == axes_of("sw") == ()


@pytest.mark.parametrize("locale", LOCALES)
def test_each_form_has_a_word_or_a_gap_for_every_group(locale):
    for axis in axes_of(locale):
        assert {len(form) for form in axis.forms} == {len(axis.groups)}
        assert all(sum(map(bool, form)) >= 2 for form in axis.forms)


@pytest.mark.parametrize("locale", LOCALES)
def test_words_name_the_groups_that_the_dataset_report_has_them_for(locale):
    terms = word_list(locale.partition("-")[0])
    assert terms is not None
    # `sie` and `ihr` are not in the report's list, since they mean much else; these forms only put them in.
    for axis in axes_of(locale):
        for column, group in enumerate(axis.groups):
            assert f"{axis.name}/{group}" in terms.groups
            for word in {form[column] for form in axis.forms} - {""}:
                if word.lower() not in axis.only_put_in:
                    groups = {term.group for term in terms.find(word)}
                    assert f"{axis.name}/{group}" in groups, (word, groups)


@pytest.mark.parametrize("locale", LOCALES)
def test_what_is_put_in_can_be_found_again(locale):
    for axis in axes_of(locale):
        for word in set(chain.from_iterable(axis.forms)) - {""}:
            match = axis.pattern.search(word)
            assert match is not None
            assert match["word"].lower() == word.lower()
