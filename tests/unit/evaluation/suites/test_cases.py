"""A suite spelled out into cases."""

from collections import Counter

from polyloop.evaluation.suites.cases import Accepts, Moves, Stays, expand, requests
from polyloop.evaluation.suites.loader import load_starter
from polyloop.evaluation.suites.spec import Suite

PRAISE = {"templates": ["The {thing} is good.", "Good {thing}!"], "accept": ["positive"]}


def suite(**parts):
    lists = {"en": {"thing": ["film", "book", "song"], "name": ["Ada", "Bo", "Cy"]}}
    return Suite.model_validate({"suite": "moods", "kind": "classify", "lists": lists, **parts})


def functionality(**options):
    return suite(minimum_functionality={"praise": {"places": {"en": PRAISE | options}}})


def texts(cases):
    return [tuple(one.text for one in case.inputs) for case in cases]


def test_minimum_functionality_gives_one_input_and_the_accepted_outputs():
    cases = expand(functionality())
    assert sorted(texts(cases)) == sorted(
        (text,) for thing in ("film", "book", "song") for text in (f"The {thing} is good.", f"Good {thing}!")
    )
    assert {case.expectation for case in cases} == {Accepts(outputs=("positive",), patterns=())}


def test_patterns_match_fillings_to_the_letter_and_rows_fill_answers():
    cases = expand(
        Suite.model_validate(
            {
                "suite": "words",
                "kind": "translate",
                "minimum_functionality": {
                    "numbers": {
                        "places": {
                            "en>de": {
                                "templates": ["It costs {n}."],
                                "match": ["^{n}$", "{german}"],
                                "rows": [{"n": "1.5", "german": "1,5"}],
                            }
                        }
                    }
                },
            }
        )
    )
    (case,) = cases
    assert case.expectation == Accepts(outputs=(), patterns=(r"^1\.5$", "1,5"))
    assert (case.inputs[0].locale, case.inputs[0].target_locale, case.place) == ("en", "de", "en>de")


def test_invariance_changes_the_one_slot_and_nothing_else():
    part = {"templates": ["{name} likes the {thing}."], "vary": "name"}
    cases = expand(suite(invariance={"names": {"places": {"en": part}}}))
    assert cases
    for before, after in texts(cases):
        assert before != after
        assert before.partition(" ")[2] == after.partition(" ")[2]
    assert {case.expectation for case in cases} == {Stays(min_chrf=None)}


def test_perturbations_that_change_nothing_give_no_case():
    part = {"templates": ["the {thing} is good"], "perturb": ["lower_case", "upper_case"]}
    cases = expand(suite(invariance={"case": {"places": {"en": part}}}))
    assert len(cases) == 3
    assert all(after == before.upper() for before, after in texts(cases))


def test_direction_fills_both_texts_alike():
    part = {"pairs": [{"before": "A {thing}.", "after": "A bad {thing}."}], "label": "negative", "change": "fall"}
    cases = expand(suite(direction={"blame": {"places": {"en": part | {"at_least": 0.1}}}}))
    assert sorted(texts(cases)) == [(f"A {one}.", f"A bad {one}.") for one in ("book", "film", "song")]
    assert {case.expectation for case in cases} == {Moves(label="negative", sign=-1, at_least=0.1)}


def test_examples_are_bounded_and_spread_over_the_templates():
    bounded = functionality()
    bounded = bounded.model_copy(update={"max_examples": 4})
    cases = expand(bounded)
    assert Counter(text.startswith("Good") for (text,) in texts(cases)) == {True: 2, False: 2}
    own = suite(minimum_functionality={"praise": {"max_examples": 3, "places": {"en": PRAISE}}})
    assert len(expand(own)) == 3


def test_the_seed_decides_and_other_tests_do_not():
    one = functionality().model_copy(update={"max_examples": 2})
    assert expand(one) == expand(one)
    other_seeds = {tuple(texts(expand(one.model_copy(update={"seed": seed})))) for seed in range(10)}
    assert len(other_seeds) > 1
    more = {"praise": {"places": {"en": PRAISE}}, "before-it": {"places": {"en": PRAISE}}}
    both = suite(minimum_functionality=dict(reversed(more.items())), max_examples=2)
    assert [case for case in expand(both) if case.test == "praise"] == list(expand(one))


def test_ids_tell_cases_apart_and_inputs_are_asked_once():
    part = {"pairs": [{"before": "A {thing}.", "after": "A bad {thing}."}], "label": "negative", "change": "rise"}
    twice = suite(direction={"one": {"places": {"en": part}}, "two": {"places": {"en": part}}})
    cases = expand(twice)
    assert len({case.id for case in cases}) == len(cases) == 6
    assert len(requests(cases)) == 6


def test_the_starter_suites_fill_every_slot_and_stay_small():
    for name, most in (("sentiment", 1_500), ("translate", 400)):
        cases = expand(load_starter(name).suite)
        assert 100 < len(cases) < most
        assert not any("{" in one.text for case in cases for one in case.inputs)
        smallest = Counter((case.test, case.place) for case in cases)
        assert min(smallest.values()) >= 6, smallest
