"""Tests of model cards."""

import pytest
import yaml
from tests.support.engine_versions import note, trial
from tests.support.small_tasks import small_task, version_facts

from polyloop.models.card import render_card
from polyloop.models.manifest import CorpusNote, DecisionNote, GroupRow, MetricRow, SuiteRow


def test_the_header_is_what_the_hub_reads() -> None:
    facts = version_facts(small_task("translate"), locales=("en", "zh-Hans", "zh-Hant", "de"))
    header = yaml.safe_load(render_card(facts).split("---")[1])
    assert header["language"] == ["de", "en", "zh"]
    assert header["pipeline_tag"] == "translation"
    assert (header["license"], header["license_name"]) == ("other", "CC0-1.0")
    assert header["datasets"] == ["numbers"]


def test_the_results_table_has_a_row_for_each_locale_and_a_column_for_each_metric() -> None:
    rows = (
        MetricRow(locale="de", metric="chrf", value=58.0, low=56.5, high=59.5, num_rows=250),
        MetricRow(locale="de", metric="bleu", value=30.0, low=28.0, high=32.0, num_rows=250),
        MetricRow(locale="overall", metric="chrf", value=61.24, low=60.0, high=62.46, num_rows=1500),
    )
    card = render_card(version_facts(small_task("translate"), metrics=rows, confidence=0.9))
    assert "| locale | rows | chrf | bleu |" in card
    assert "| de | 250 | 58.00 (56.50 to 59.50) | 30.00 (28.00 to 32.00) |" in card
    assert "| overall | 1,500 | 61.24 (60.00 to 62.46) | - |" in card
    assert "intervals at 90% confidence" in card


def test_groups_and_suites_have_tables_of_their_own() -> None:
    group = GroupRow(dimension="source", name="a|b", metric="chrf", value=50.0, low=45.0, high=55.0, num_rows=60)
    suite = SuiteRow(suite="own", test="names", place="en>de", num_cases=40, rate=90.0, low=77.0, high=96.0)
    half = SuiteRow(suite="bias", test="age", place="en", num_cases=40, rate=55.0, low=40.0, high=70.0, goal="half")
    card = render_card(version_facts(small_task("translate"), groups=(group,), suites=(suite, half)))
    assert "| source | a\\|b | 60 | 50.00 (45.00 to 55.00) |" in card
    assert "| own | names | en>de | 40 | 90.0 (77.0 to 96.0) |" in card
    assert "| bias | age | en | 40 | 55.0 (40.0 to 70.0), goal 50 |" in card
    assert "no behavioural or safety suite" not in card
    bare = render_card(version_facts(small_task("translate")))
    assert "Results by group" not in bare
    assert "no behavioural or safety suite" in bare


def test_how_a_label_is_chosen_is_told() -> None:
    note = DecisionNote(temperature=1.2345, out_of_scope_label="odd", threshold=0.25)
    card = render_card(version_facts(small_task("classify"), decision=note))
    assert "divided by 1.234, a temperature" in card or "divided by 1.235, a temperature" in card
    assert "scores below 0.25 get `odd`" in card
    assert "Every input gets one of the labels" not in card
    several = DecisionNote(temperature=1.0, has_label_sets=True)
    sets = render_card(version_facts(small_task("classify", multi_label=True), decision=several))
    assert "Says which of these labels fit a text, if any: even, odd." in sets
    assert "the sigmoid of its logit" in sets
    assert "above 0.5 is a part of the answer; there may be none" in sets
    assert "highest score" not in sets
    assert "Every input gets one of the labels" not in sets
    plain = render_card(version_facts(small_task("classify"), decision=DecisionNote(temperature=1.0)))
    assert "The label with the highest score is the answer." in plain
    assert "Every input gets one of the labels" in plain


def test_what_was_found_about_engines_is_told() -> None:
    left_out = trial("int8", refusals=("bleu is 3.00, PyTorch's 30.00",), score=3.0)
    failed = trial("float32", num_rows=0, refusals=("no memory",))
    told = note(trial("float32"), left_out, failed, deviations=("beams differ",))
    card = render_card(version_facts(small_task("translate"), engine=told))
    assert "It answers by ctranslate2 in float32: it is fast. Compared on rows of the holdout" in card
    assert "| engine | rows | equal answers | bleu | nats a token | tokens/s alone | tokens/s in batches |" in card
    assert "| pytorch float32 | 200 | 200 | 30.00 | 1.500 | 100 | 1,000 |" in card
    assert "| ctranslate2 float32 | 200 | 190 | 30.00 | 1.500 | 200 | 2,000 |" in card
    assert "- ctranslate2 int8 is left out: bleu is 3.00, PyTorch's 30.00" in card
    assert "- ctranslate2 float32 is left out: no memory" in card
    assert "- By its nature: beams differ." in card
    untried = note(reason="the spec has PyTorch answer").model_copy(update={"trials": ()})
    for facts in (version_facts(small_task("translate"), engine=untried), version_facts(small_task("translate"))):
        assert "## Engine" not in render_card(facts)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("translate", "names, numbers and negations"),
        ("summarize", "may say what the text does not"),
        ("generate", "close to what it learned from"),
        ("chat", "it is no adviser"),
    ],
)
def test_each_kind_has_its_own_limits(kind: str, words: str) -> None:
    assert words in render_card(version_facts(small_task(kind)))


def test_intended_use_data_and_limits_are_told() -> None:
    corpora = (CorpusNote(name="forum", licence="CC-BY-4.0", source="https://example.org/a|b"),)
    card = render_card(version_facts(small_task("classify"), corpora=corpora, parent="v0"))
    assert "Puts a text into one of: even, odd." in card
    assert "| forum | CC-BY-4.0 | https://example.org/a\\|b |" in card
    assert "Inputs of more than 32 tokens are refused." in card
    assert "trained on from: `v0`" in card
