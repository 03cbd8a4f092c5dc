"""Suite files: what is read, and how each mistake is told."""

import pytest

from polyloop.errors import SuiteError
from polyloop.evaluation.suites.loader import load_starter, load_suite, starter_names
from polyloop.evaluation.suites.spec import all_tests

GOOD = """\
suite: moods
kind: classify
lists:
  en:
    thing: [film, book]
    name: [Ada, Bo]
minimum_functionality:
  praise:
    places:
      en:
        templates: ["The {thing} is good."]
        accept: [positive]
invariance:
  names:
    places:
      en:
        templates: ["{name} likes the {thing}."]
        vary: name
direction:
  blame:
    places:
      en:
        pairs:
          - {before: "A {thing}.", after: "A bad {thing}."}
        label: negative
        change: rise
"""
TRANSLATE = """\
suite: words
kind: translate
minimum_functionality:
  copies:
    places:
      en>de:
        templates: ["Page {n}."]
        match: ["{n}"]
        rows: [{n: "7"}, {n: "12"}]
"""


def error_of(path, **options):
    with pytest.raises(SuiteError) as caught:
        load_suite(path, **options)
    return str(caught.value)


def test_a_good_suite_is_read(write_suite):
    suite = load_suite(write_suite(GOOD), kind="classify", labels=["positive", "negative"]).suite
    assert suite.minimum_functionality["praise"].places["en"].accept == ("positive",)
    assert suite.direction["blame"].places["en"].change == "rise"


def test_the_digest_is_of_what_the_suite_says_and_not_of_its_layout(write_suite):
    digest = load_suite(write_suite(GOOD)).digest
    assert load_suite(write_suite("# a comment\n" + GOOD.replace("suite: moods", 'suite:   "moods"'))).digest == digest
    assert load_suite(write_suite(GOOD.replace("Ada", "Eve"))).digest != digest


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        (
            "accept: [positive]",
            "acept: [positive]",
            12,
            "known keys here: accept, match, rows, templates (did you mean",
        ),
        ("{name} likes", "Ada likes", 17, "the slot that varies, {name}, is not in this template"),
        ("vary: name", "vary: country", 18, "'country' needs a list of two or more values"),
        ("vary: name", "perturb: [typos]", 18, "'typos' is no perturbation; write one of typo,"),
        ("vary: name", "perturb: [other_han_script]", 18, "does not apply to this locale"),
        ("vary: name", "perturb: [typo]\n        vary: name", 16, "exactly one of vary, perturb and pairs"),
        ("{thing} is good", "{thng} is good", 11, "the slot {thng} has no filling; known here: name, thing"),
        ("accept: [positive]", "match: [positive]", 12, "an answer of classify is a label"),
        ("accept: [positive]", "accept: ['{name}']", 12, "the slot {name} is not in every template"),
        ("change: rise", "change: up", 26, "write one of rise, fall"),
        ("kind: classify", "kind: clasify", 2, "'clasify' is no task kind; write one of classify"),
        ("      en:\n        pairs", "      english:\n        pairs", 22, "'english' is not a locale"),
        ("        label: negative\n", "", 22, "this key is missing; add `label:` (Label whose score is looked at)"),
        ("  blame:", "  praise:", 20, "a test of this name is under minimum_functionality too"),
        ('        templates: ["The {thing} is good."]', "        templates: []", 11, "is too short"),
    ],
)
def test_a_mistake_is_told_with_its_line(write_suite, old, new, line, said):
    assert old in GOOD
    path = write_suite(GOOD.replace(old, new))
    lines = error_of(path).splitlines()
    (told,) = [one for one in lines if said in one]
    assert told.startswith(f"{path}:{line}: "), told


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ('match: ["{n}"]', 'match: ["[0-9"]', 8, "is not a regular expression"),
        ('{n: "12"}', '{m: "12"}', 9, "this row fills m, the first one n"),
        ("en>de:", "en>de>fr:", 6, "names more than two locales"),
        ('        match: ["{n}"]\n', "", 6, "say which answers are right"),
        ("minimum_functionality:", "direction:", 7, "known keys here: at_least, change, label, pairs, rows"),
        (
            "minimum_functionality:\n  copies:",
            "invariance:\n  copies:\n    min_chrf: 101",
            5,
            "less than or equal to 100",
        ),
    ],
)
def test_a_mistake_in_a_suite_for_texts_is_told_with_its_line(write_suite, old, new, line, said):
    assert old in TRANSLATE
    path = write_suite(TRANSLATE.replace(old, new))
    assert any(one.startswith(f"{path}:{line}: ") and said in one for one in error_of(path).splitlines()), error_of(
        path
    )


def test_labels_that_the_task_has_not_are_refused(write_suite):
    path = write_suite(GOOD)
    told = error_of(path, labels=["good", "negative"])
    assert told == (
        f"{path}:12: minimum_functionality.praise.places.en.accept[0]: 'positive' is no label of the task; "
        "its labels are good, negative"
    )
    assert f"{path}:25: direction.blame.places.en.label: 'negative'" in error_of(path, labels=["positive"])


def test_a_suite_of_another_kind_is_refused(write_suite):
    assert ":2: kind: the suite is for classify tasks" in error_of(write_suite(GOOD), kind="translate")


def test_texts_need_a_stated_likeness_and_labels_must_not_have_one(write_suite):
    cases = "    places:\n      en>de:\n        templates: [Hi.]\n        perturb: [typo]\n"
    texts = f"suite: a\nkind: translate\ninvariance:\n  b:\n{cases}"
    assert ":4: invariance.b: say how alike" in error_of(write_suite(texts))
    labels = GOOD.replace("  names:\n", "  names:\n    min_chrf: 80\n")
    assert ":15: invariance.names.min_chrf: labels have to be equal" in error_of(write_suite(labels))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty; begin with lines such as `suite:"),
        ("- a\n", "begin with a line such as `suite: my-suite`"),
        ("suite: a\n\tkind: b\n", ":2: a tab stands where"),
        ("suite: a\nsuite: b\n", ":2: the key 'suite' is there twice"),
        ("suite: a\nkind: classify\n", ":1: suite: the suite has no tests"),
    ],
)
def test_a_file_that_is_no_suite_is_refused(write_suite, text, said):
    assert said in error_of(write_suite(text))


def test_a_missing_file_and_an_unknown_starter_are_named(tmp_path):
    assert "the suite cannot be read" in error_of(tmp_path / "none.yaml")
    with pytest.raises(SuiteError, match="there are sentiment, translate"):
        load_starter("chat")


def test_many_mistakes_are_cut_to_ten(write_suite):
    templates = ", ".join(f'"{{slot{number}}}"' for number in range(14))
    told = error_of(write_suite(GOOD.replace('"The {thing} is good."', templates))).splitlines()
    assert len(told) == 11
    assert told[-1].endswith("and 4 more errors")


def test_the_starter_suites_are_valid_for_their_tasks():
    assert starter_names() == ("sentiment", "translate")
    sentiment = load_starter("sentiment", kind="classify", labels=("positive", "negative", "neutral")).suite
    for _, _, test in all_tests(sentiment):
        assert set(test.places) == {"en", "de", "zh-Hans"}
    translate = load_starter("translate", kind="translate").suite
    assert {place for test in translate.minimum_functionality.values() for place in test.places} == {
        "en>de",
        "en>zh-Hans",
    }
