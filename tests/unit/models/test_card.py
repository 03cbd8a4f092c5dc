"""Tests of model cards."""

import yaml
from tests.support.small_tasks import small_task, version_facts

from polyloop.models.card import render_card
from polyloop.models.manifest import CorpusNote, MetricRow


def test_the_header_is_what_the_hub_reads() -> None:
    facts = version_facts(small_task("translate"), locales=("en", "zh-Hans", "zh-Hant", "de"))
    header = yaml.safe_load(render_card(facts).split("---")[1])
    assert header["language"] == ["de", "en", "zh"]
    assert header["pipeline_tag"] == "translation"
    assert (header["license"], header["license_name"]) == ("other", "CC0-1.0")
    assert header["datasets"] == ["numbers"]


def test_the_results_table_has_each_figure_with_its_interval_and_rows() -> None:
    rows = (
        MetricRow(locale="overall", metric="chrf", value=61.24, low=60.0, high=62.46, num_rows=500),
        MetricRow(locale="de", metric="chrf", value=58.0, low=56.5, high=59.5, num_rows=250),
    )
    card = render_card(version_facts(small_task("translate"), metrics=rows))
    assert "| overall | chrf | 61.2 | 60.0 to 62.5 | 500 |" in card
    assert "| de | chrf | 58.0 | 56.5 to 59.5 | 250 |" in card


def test_intended_use_data_and_limits_are_told() -> None:
    corpora = (CorpusNote(name="forum", licence="CC-BY-4.0", source="https://example.org/a|b"),)
    card = render_card(version_facts(small_task("classify"), corpora=corpora, parent="v0"))
    assert "Puts a text into one of: even, odd." in card
    assert "| forum | CC-BY-4.0 | https://example.org/a\\|b |" in card
    assert "Inputs of more than 32 tokens are refused." in card
    assert "trained on from: `v0`" in card
