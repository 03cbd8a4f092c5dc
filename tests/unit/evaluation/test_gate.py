"""The gate's checks one by one, with answers whose differences are known by hand."""

import json
import pickle

import numpy as np
import pytest

from polyloop.errors import EvaluationError
from polyloop.evaluation.gate import GateDecision, decide
from polyloop.evaluation.suites.results import CaseResult, SuiteResult, summarise
from polyloop.spec.models import GateSpec
from polyloop.tasks.classify import Classify

GATE = GateSpec(metric="accuracy", margin=2.0)


def rows(locale: str, num_rows: int, num_right: int, *, first_right: int = 0) -> list[tuple[str, str, str]]:
    """Return rows of which `num_right` in a row, from `first_right` on, are right; the reference is "good"."""
    right = range(first_right, first_right + num_right)
    return [(locale, "good" if position in right else "bad", "good") for position in range(num_rows)]


def check(decision: GateDecision, name: str, slice_name: str = "overall"):
    (found,) = [one for one in decision.checks if (one.name, one.slice) == (name, slice_name)]
    return found


def test_a_first_version_passes_without_a_champion(make_result):
    decision = decide(make_result(rows("en", 10, 6)), None, GATE, kind="classify")
    assert decision.passed
    assert [one.name for one in decision.checks] == ["min_score", "size"]
    assert check(decision, "min_score").numbers == {"candidate": 60.0, "min_score": 0.0}


@pytest.mark.parametrize(("min_score", "passed"), [(60.0, True), (60.1, False)])
def test_min_score_is_reached_or_not(make_result, min_score, passed):
    gate = GateSpec(metric="accuracy", min_score=min_score)
    assert decide(make_result(rows("en", 10, 6)), None, gate, kind="classify").passed is passed


def test_min_score_binds_later_versions_too(make_result):
    gate = GateSpec(metric="accuracy", min_score=90.0)
    decision = decide(
        make_result(rows("en", 100, 80)), make_result(rows("en", 100, 50), version="v1"), gate, kind="classify"
    )
    assert not decision.passed
    assert [one.name for one in decision.checks if not one.passed] == ["min_score"]


def test_an_identical_candidate_is_non_inferior_but_not_better(make_result):
    champion = make_result(rows("en", 200, 150), version="v1")
    candidate = make_result(rows("en", 200, 150))
    assert decide(candidate, champion, GATE.model_copy(update={"margin": 0.0}), kind="classify").passed
    decision = decide(candidate, champion, GATE.model_copy(update={"require": "better"}), kind="classify")
    assert not check(decision, "overall").passed
    assert check(decision, "locale", "en").passed


def test_a_clearly_better_candidate_is_better(make_result):
    gate = GATE.model_copy(update={"require": "better"})
    decision = decide(
        make_result(rows("en", 400, 340)), make_result(rows("en", 400, 300), version="v1"), gate, kind="classify"
    )
    overall = check(decision, "overall")
    assert decision.passed
    assert overall.numbers["difference"] == pytest.approx(10.0)
    assert 0.0 < overall.numbers["lower_bound"] < 10.0 < overall.numbers["upper_bound"]
    assert overall.numbers["probability_no_gain"] == 0.0
    assert overall.numbers["limit"] == 0.0


def test_one_locale_that_loses_stops_a_candidate_that_gains_overall(make_result):
    champion = make_result([*rows("de", 300, 240), *rows("en", 300, 200)], version="v1")
    candidate = make_result([*rows("de", 300, 210), *rows("en", 300, 290)])
    decision = decide(candidate, champion, GATE, kind="classify")
    assert not decision.passed
    assert check(decision, "overall").passed
    assert check(decision, "locale", "en").passed
    assert not check(decision, "locale", "de").passed
    assert check(decision, "locale", "de").numbers["difference"] == pytest.approx(-10.0)


def test_a_difference_within_the_margin_fails_when_too_uncertain(make_result):
    """No change in accuracy at all, but the two models err on different rows: 60 rows cannot show it."""
    champion = make_result(rows("en", 60, 40), version="v1")
    candidate = make_result(rows("en", 60, 40, first_right=10))
    locale = check(decide(candidate, champion, GATE, kind="classify"), "locale", "en")
    assert locale.numbers["difference"] == 0.0
    assert not locale.passed


def test_bounds_are_one_sided_at_the_confidence_of_the_spec(make_result):
    """30 losses and 30 gains in 1,000 rows: standard error sqrt(60) / 10 points, one-sided 95 % at 1.645 of them."""
    champion = make_result(rows("en", 1_000, 500), version="v1")
    candidate = make_result(rows("en", 1_000, 500, first_right=30))
    gate = GATE.model_copy(update={"resamples": 20_000})
    overall = check(decide(candidate, champion, gate, kind="classify"), "overall")
    assert overall.numbers["lower_bound"] == pytest.approx(-1.645 * np.sqrt(60) / 10, abs=0.1)


def test_small_locales_are_pooled_and_judged_together(make_result):
    small = [row for locale in ("da", "fi", "nb") for row in rows(locale, 30, 30)]
    worse = [row for locale in ("da", "fi", "nb") for row in rows(locale, 30, 24)]
    large = rows("en", 100, 90)
    decision = decide(make_result([*large, *worse]), make_result([*large, *small], version="v1"), GATE, kind="classify")
    other = check(decision, "locale", "other")
    assert [one.slice for one in decision.checks if one.name == "locale"] == ["en", "other"]
    assert other.numbers["num_rows"] == 90
    assert other.numbers["difference"] == pytest.approx(-20.0)
    assert not other.passed
    assert "pools da, fi, nb" in other.reason


@pytest.mark.parametrize(
    ("num_rows", "before", "after", "passed"),
    [
        (10, 8, 8, True),  # no change
        (10, 8, 7, True),  # one row lost: 10 points, but as likely as not an accident
        (10, 8, 3, False),  # five of ten rows lost: evident
        (1, 1, 1, True),
        (1, 1, 0, True),  # the one row is lost, as one of two equal versions loses it
        (4, 4, 0, True),  # once in 16
        (5, 5, 0, False),  # once in 32
        (40, 40, 39, True),
        (40, 40, 28, False),
    ],
)
def test_a_pool_that_is_still_too_small_fails_only_on_evident_harm(make_result, num_rows, before, after, passed):
    large = rows("en", 100, 90)
    decision = decide(
        make_result([*large, *rows("fi", num_rows, after)]),
        make_result([*large, *rows("fi", num_rows, before)], version="v1"),
        GATE.model_copy(update={"margin": 8.0}),
        kind="classify",
    )
    other = check(decision, "locale", "other")
    assert other.passed is passed
    assert other.reason.startswith(f"insufficient: {num_rows} of 50 rows, {before - after} differ")
    assert other.numbers["num_rows_needed"] == 50


def test_one_translation_that_is_a_little_worse_is_no_evident_harm(make_result):
    large = [("fr", "une maison", "une maison")] * 100
    better = [("de", "das ist ein schönes Gebäude", "das ist ein schönes Haus")]
    worse = [("de", "das ist ein Haus", "das ist ein schönes Haus")]
    champion = make_result([*large, *better], metric="chrf", version="v1")
    decision = decide(make_result([*large, *worse], metric="chrf"), champion, GateSpec(), kind="translate")
    other = check(decision, "locale", "other")
    assert other.numbers["difference"] < -1.5
    assert other.passed


def test_a_loss_within_the_margin_is_no_harm_in_a_small_slice_either(make_result):
    large = rows("en", 400, 390)
    candidate = make_result([*large, *rows("fi", 45, 30)])
    champion = make_result([*large, *rows("fi", 45, 36)], version="v1")
    for margin, passed in ((20.0, True), (10.0, False)):
        decision = decide(candidate, champion, GATE.model_copy(update={"margin": margin}), kind="classify")
        assert check(decision, "locale", "other").passed is passed


def test_rows_that_the_metric_does_not_count_show_nothing(make_result):
    """Of 200 German rows three are out of scope: they cannot show that recall is no worse, and nor can the others."""
    english = [("en", "oos", "oos")] * 60 + [("en", "good", "good")] * 40
    german = [("de", "oos", "oos")] * 3 + [("de", "good", "good")] * 197
    metric = "out_of_scope_recall"
    champion = make_result([*english, *german], metric=metric, version="v1")
    decision = decide(
        make_result([*english, *german], metric=metric), champion, GateSpec(metric=metric), kind="classify"
    )
    assert [one.slice for one in decision.checks if one.name == "locale"] == ["en", "other"]
    assert check(decision, "overall").numbers["num_rows"] == 63
    other = check(decision, "locale", "other")
    assert other.numbers["num_rows"] == 3
    assert other.reason.startswith("insufficient: 3 of 50 rows")


def test_latency_budget_and_size(make_result):
    gate = GateSpec(metric="accuracy", max_latency_ms=8.0)
    champion = make_result(rows("en", 60, 40), version="v1", size_bytes=1_000_000)
    quick, slow = (make_result(rows("en", 60, 40), latency_ms=latency_ms) for latency_ms in (8.0, 8.1))
    assert decide(quick, champion, gate, kind="classify").passed
    decision = decide(slow, champion, gate, kind="classify")
    assert [one.name for one in decision.checks if not one.passed] == ["latency"]
    assert check(decision, "latency").numbers == {"latency_ms": 8.1, "budget_ms": 8.0}
    assert check(decision, "size").numbers == {"size_bytes": 2e6, "champion_size_bytes": 1e6}


def test_macro_f1_counts_a_collapse_to_the_majority_label(make_result):
    references = ["good"] * 180 + ["bad"] * 20
    champion = [("en", one, one) for one in references[:170]] + [("en", "bad", one) for one in references[170:]]
    candidate = [("en", "good", one) for one in references]
    gates = {metric: GateSpec(metric=metric, margin=6.0) for metric in ("accuracy", "default")}
    passed = {
        name: decide(
            make_result(candidate, metric="macro_f1" if name == "default" else name),
            make_result(champion, metric="macro_f1" if name == "default" else name, version="v1"),
            gate,
            kind="classify",
        ).passed
        for name, gate in gates.items()
    }
    assert passed["default"] is False


def test_translate_is_judged_per_target_locale_with_each_ones_tokeniser(make_result):
    german = ["Ein Mann mit Hut kocht Suppe.", "Zwei Kinder spielen im Garten."] * 40
    chinese = ["他今天没有去上班。", "我们在花园里玩。"] * 40
    good = [("de", text, text) for text in german] + [("zh-Hans", text, text) for text in chinese]
    bad = [("de", text, text) for text in german] + [("zh-Hans", text[:-3], text) for text in chinese]
    for metric in ("chrf", "bleu"):
        decision = decide(
            make_result(bad, metric=metric),
            make_result(good, metric=metric, version="v1"),
            GateSpec(metric=metric),
            kind="translate",
        )
        assert check(decision, "locale", "de").passed
        assert not check(decision, "locale", "zh-Hans").passed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"holdout_digest": "holdout-2"}, "different holdouts"),
        ({"task": "other-task"}, "different tasks"),
        ({"ids": ["b", "a", "c"]}, "different row ids or their order"),
    ],
)
def test_results_that_are_not_about_the_same_rows_are_refused(make_result, change, message):
    champion = make_result(rows("en", 3, 2), version="v1", ids=["a", "b", "c"])
    candidate = make_result(rows("en", 3, 2), **{"ids": ["a", "b", "c"], **change})
    with pytest.raises(EvaluationError, match=message):
        decide(candidate, champion, GATE, kind="classify")


def test_other_references_or_locales_under_the_same_ids_are_refused(make_result):
    champion = make_result(rows("en", 3, 2), version="v1")
    with pytest.raises(EvaluationError, match="different references"):
        decide(make_result([("en", "bad", "bad")] * 3), champion, GATE, kind="classify")
    with pytest.raises(EvaluationError, match="different target locales"):
        decide(make_result(rows("de", 3, 2)), champion, GATE, kind="classify")


def test_a_metric_of_another_kind_or_one_not_evaluated_is_refused(make_result):
    result = make_result(rows("en", 3, 2))
    with pytest.raises(EvaluationError, match="'bleu' means nothing for classify"):
        decide(result, None, GateSpec(metric="bleu"), kind="classify")
    with pytest.raises(EvaluationError, match="has no macro_f1; evaluate it again"):
        decide(result, None, GateSpec(), kind="classify")


def test_the_same_results_always_give_the_same_decision(make_result):
    champion = make_result(rows("en", 100, 70), version="v1")
    candidate = make_result(rows("en", 100, 70, first_right=5))
    first = decide(candidate, champion, GATE, kind="classify")
    assert decide(candidate, champion, GATE, kind="classify") == first
    assert pickle.loads(pickle.dumps(first)) == first
    assert json.loads(json.dumps(first.to_dict(), allow_nan=False)) == first.to_dict() | {
        "checks": [one | {} for one in first.to_dict()["checks"]]
    }


def test_explain_gives_the_verdict_and_a_line_for_each_check(make_result):
    champion = make_result([*rows("de", 60, 50), *rows("en", 60, 40)], version="v1")
    candidate = make_result([*rows("de", 60, 30), *rows("en", 60, 40)])
    decision = decide(candidate, champion, GATE, kind="classify")
    lines = decision.explain().splitlines()
    assert lines[0] == "mood v2 may not replace v1 (metric accuracy)"
    assert len(lines) == 1 + len(decision.checks)
    (german,) = [line for line in lines if line.split()[1] == "de"]
    assert german.split()[0] == "FAIL"
    assert "changes by -33.33" in german
    assert "the bound may not be below -2.00" in german


def test_explain_speaks_of_a_first_version(make_result):
    decision = decide(make_result(rows("en", 4, 1)), None, GateSpec(metric="accuracy", min_score=50), kind="classify")
    assert decision.explain().splitlines()[0] == "mood v2 fails as the first version (metric accuracy)"


def confident(locale: str, num_rows: int, confidence: float, *, num_right: int) -> list[tuple[str, str, str]]:
    """Return rows answered "good" with one confidence, of which `num_right` are right."""
    answer = json.dumps(["good", confidence])
    return [(locale, answer, "good" if position < num_right else "bad") for position in range(num_rows)]


@pytest.fixture
def calibration_gate(monkeypatch) -> GateSpec:
    """A gate on a metric of which less is better, as if the kind offered it."""
    monkeypatch.setattr(Classify, "metrics", ("accuracy", "calibration_error", "repetition", "distinct_1"))
    return GateSpec(margin=2.0).model_copy(update={"metric": "calibration_error"})


def calibrated(make_result, confidences: dict[str, float], **options):
    found = [row for locale, one in confidences.items() for row in confident(locale, 400, one, num_right=320)]
    return make_result(found, metric="calibration_error", **options)


@pytest.mark.parametrize(
    ("before", "after", "require", "passed"),
    [
        (0.90, 0.85, "better", True),  # the error falls from 10 to 5 points
        (0.85, 0.90, "better", False),
        (0.85, 0.90, "non_inferior", False),
        (0.90, 0.85, "non_inferior", True),
        (0.85, 0.85, "non_inferior", True),
        (0.85, 0.85, "better", False),
    ],
)
def test_a_rise_is_a_loss_where_less_is_better(make_result, calibration_gate, before, after, require, passed):
    champion, candidate = (
        calibrated(make_result, {"en": before}, version="v1"),
        calibrated(make_result, {"en": after}),
    )
    gate = calibration_gate.model_copy(update={"require": require})
    decision = decide(candidate, champion, gate, kind="classify")
    assert decision.passed is passed
    overall = check(decision, "overall")
    assert overall.numbers["difference"] == pytest.approx(100 * (after - before))
    assert overall.numbers["probability_no_gain"] == pytest.approx(0.0 if after < before else 1.0, abs=0.01)
    assert overall.numbers["limit"] == (0.0 if require == "better" else 2.0)


def test_one_locale_that_rises_stops_a_candidate_of_lower_error_overall(make_result, calibration_gate):
    champion = calibrated(make_result, {"de": 0.84, "en": 0.95}, version="v1")
    candidate = calibrated(make_result, {"de": 0.90, "en": 0.80})
    decision = decide(candidate, champion, calibration_gate, kind="classify")
    assert [one.slice for one in decision.checks if not one.passed] == ["de"]
    assert check(decision, "locale", "de").reason == (
        "changes by +6.00, at most +6.00 at 95% confidence (400 rows); the bound may not be above +2.00"
    )


def test_a_small_slice_fails_on_an_evident_rise_only(make_result, calibration_gate):
    large = confident("en", 100, 0.8, num_right=80)

    def result(confidence: float, **options):
        rows_of_fi = confident("fi", 40, confidence, num_right=20)
        return make_result([*large, *rows_of_fi], metric="calibration_error", **options)

    for before, after, passed in ((0.55, 0.99, False), (0.99, 0.55, True), (0.55, 0.56, True)):
        decision = decide(result(after), result(before, version="v1"), calibration_gate, kind="classify")
        other = check(decision, "locale", "other")
        assert other.passed is passed
        assert ", at least " in other.reason


@pytest.mark.parametrize(("min_score", "passed"), [(0.0, True), (5.1, True), (4.9, False)])
def test_min_score_is_the_highest_score_allowed_where_less_is_better(make_result, calibration_gate, min_score, passed):
    gate = calibration_gate.model_copy(update={"min_score": min_score})
    assert decide(calibrated(make_result, {"en": 0.85}), None, gate, kind="classify").passed is passed


def test_a_metric_of_a_whole_corpus_is_judged_by_its_jackknife(make_result, calibration_gate):
    gate = calibration_gate.model_copy(update={"metric": "distinct_1"})
    rich = [("en", f"word{position} other{position} third", "x") for position in range(200)]
    poor = [("en", f"word{position} again third", "x") for position in range(200)]
    champion, candidate = (make_result(one, metric="distinct_1", version=f"v{len(one)}") for one in (rich, poor))
    decision = decide(candidate, champion, gate, kind="classify")
    assert not check(decision, "locale", "en").passed
    assert check(decision, "overall").numbers["upper_bound"] < -20.0
    assert decide(champion, candidate, gate.model_copy(update={"require": "better"}), kind="classify").passed


def test_label_sets_are_compared_label_by_label(make_result, monkeypatch):
    monkeypatch.setattr(Classify, "metrics", ("micro_f1",))
    gate = GateSpec(margin=3.0).model_copy(update={"metric": "micro_f1"})
    both, one = '["delivery", "refund"]', '["refund"]'
    champion = make_result([("en", both, both)] * 100, metric="micro_f1", version="v1")
    candidate = make_result([("en", one, both)] * 100, metric="micro_f1")
    decision = decide(candidate, champion, gate, kind="classify")
    assert check(decision, "overall").numbers["difference"] == pytest.approx(-100 / 3)
    assert not decision.passed


def test_the_discordant_test_counts_only_rows_that_one_model_gets_right(make_result):
    champion = make_result(rows("en", 1_000, 500), version="v1")
    candidate = make_result(rows("en", 1_000, 500, first_right=15))
    gate = GATE.model_copy(update={"confidence": 0.9, "test": "discordant"})
    decision = decide(candidate, champion, gate, kind="classify")
    overall = check(decision, "overall")
    assert overall.numbers["difference"] == 0.0
    assert overall.numbers["lower_bound"] == pytest.approx(-1.2816 * np.sqrt(30) / 10, abs=0.02)
    assert decision.passed
    with pytest.raises(EvaluationError, match="macro_f1 is no share of right answers"):
        decide(
            make_result(rows("en", 60, 30), metric="macro_f1"),
            make_result(rows("en", 60, 30), metric="macro_f1", version="v1"),
            GateSpec(metric="macro_f1", test="discordant"),
            kind="classify",
        )


def test_a_metric_with_a_unit_of_its_own_has_a_margin_of_its_own(make_result):
    gate = GateSpec(metric="bits_per_character")
    champion, candidate = (
        make_result([("en", nats, "a text")] * 60, metric="bits_per_character", version=nats) for nats in ("9.0", "9.1")
    )
    decision = decide(candidate, champion, gate, kind="generate")
    assert decision.passed
    assert not decide(candidate, champion, gate.model_copy(update={"margin": 0.01}), kind="generate").passed


def suite_result(version, *, num_passed):
    """Return a suite of 20 cases in German of which the first pass."""
    cases = tuple(
        CaseResult(
            id=str(number), subject=str(number), test="names", slice="de", input="", input_before=None, output="",
            output_before=None, wanted="", points=100.0 * (number < num_passed), passed=number < num_passed,
        )
        for number in range(20)
    )  # fmt: skip
    return SuiteResult(
        suite="moods", type="behaviour", digest="d", task="mood", version=version, slices=summarise(cases), cases=cases
    )


@pytest.mark.parametrize(("num_passed", "passed"), [(20, True), (18, True), (10, False)])
def test_a_suite_that_got_worse_stops_a_candidate_whose_holdout_did_not(make_result, num_passed, passed):
    equal = rows("de", 100, 90)
    decision = decide(
        make_result(equal),
        make_result(equal, version="v1"),
        GATE.model_copy(update={"margin": 3.0}),
        kind="classify",
        candidate_suites=[suite_result("v2", num_passed=num_passed)],
        champion_suites=[suite_result("v1", num_passed=20)],
    )
    assert decision.passed is passed
    assert [found.passed for found in decision.checks if found.name == "suite"] == [passed]


def test_many_passing_tests_of_suites_share_a_line_and_a_failing_one_has_its_own(make_result):
    def of_tests(version, failing):
        cases = tuple(
            CaseResult(
                id=f"{number}", subject=f"{test} {number}", test=test, slice="de", input="", input_before=None,
                output="", output_before=None, wanted="", points=0.0 if test in failing else 100.0,
                passed=test not in failing,
            )
            for test in "abcdefghij"
            for number in range(20)
        )  # fmt: skip
        return SuiteResult(
            suite="own",
            type="behaviour",
            digest="d",
            task="mood",
            version=version,
            slices=summarise(cases),
            cases=cases,
        )

    equal = rows("de", 100, 90)
    decision = decide(
        make_result(equal),
        make_result(equal, version="v1"),
        GATE,
        kind="classify",
        candidate_suites=[of_tests("v2", "c")],
        champion_suites=[of_tests("v1", "")],
    )
    lines = decision.explain().splitlines()
    assert next(line for line in lines if "own, c: " in line).split()[:2] == ["FAIL", "de"]
    assert not any("own, d: " in line for line in lines)
    assert "9 tests of suites show no evident loss" in lines[-1]


def test_suites_of_one_side_alone_are_refused(make_result):
    equal = rows("de", 100, 90)
    with pytest.raises(EvaluationError, match="run the suite on both"):
        decide(
            make_result(equal),
            make_result(equal, version="v1"),
            GATE,
            kind="classify",
            candidate_suites=[suite_result("v2", num_passed=20)],
        )


@pytest.mark.parametrize(("budget_mb", "passed"), [(None, True), (2.0, True), (1.9, False)])
def test_a_model_over_its_size_budget_is_stopped(make_result, budget_mb, passed):
    gate = GATE.model_copy(update={"max_size_mb": budget_mb, "margin": 100.0})
    equal = rows("en", 10, 9)
    decision = decide(make_result(equal, size_bytes=2_000_000), make_result(equal, version="v1"), gate, kind="classify")
    assert decision.passed is passed
    assert decision.checks[-1].name == "size"
    assert ("the budget is 1.9 MB" in decision.checks[-1].reason) is not passed
