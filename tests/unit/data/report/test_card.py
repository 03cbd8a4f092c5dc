"""The data card: metadata that the Hugging Face Hub reads, and text that says what a reader needs."""

from typing import Any

import pytest
import yaml
from huggingface_hub import DatasetCard, DatasetCardData
from tests.support.small_datasets import HOSTILE, manifest_of, moods, row, table

from polyloop.data.report.card import render_card
from polyloop.data.statistics import Statistics


def card(statistics: Statistics, **changes: Any) -> str:
    return render_card(manifest_of(statistics, **changes), statistics)


@pytest.fixture(scope="module")
def moods_card() -> str:
    return card(Statistics.of(table(moods(40)), has_labels=True))


def test_the_header_is_what_the_hub_reads(moods_card: str) -> None:
    data = DatasetCard(moods_card).data
    assert isinstance(data, DatasetCardData)
    assert data.to_dict() == {
        "pretty_name": "mood",
        "language": ["de", "en"],
        "license": ["cc-by-4.0", "cc0-1.0"],
        "task_categories": ["text-classification"],
        "size_categories": ["n<1K"],
        "multilinguality": ["multilingual"],
        "tags": ["polyloop"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [{"split": split, "path": f"{split}/*.parquet"} for split in ("train", "dev", "holdout")],
            }
        ],
    }


def test_a_translation_with_an_unknown_licence_and_no_holdout() -> None:
    rows = [row(f"a {n}", "b", target_locale="de", licence="Own terms: see shop", split="train") for n in range(3)]
    header = yaml.safe_load(card(Statistics.of(table(rows), has_labels=False)).split("---\n")[1])
    assert header["task_categories"] == ["translation"]
    assert (header["license"], header["license_name"]) == ("other", "Own terms: see shop")
    assert [part["split"] for part in header["configs"][0]["data_files"]] == ["train"]


def test_all_that_a_reader_needs_has_its_part(moods_card: str) -> None:
    headings = [line[3:] for line in moods_card.splitlines() if line.startswith("## ")]
    assert headings == [
        *("Splits", "Fields", "How it was made", "Sources and licences", "Personal data", "Biases", "Limits"),
        "Provenance",
    ]
    assert "| clean | 173 | 5 | 172 | empty_input 1 |" in moods_card
    assert "email 3" in moods_card
    assert "no row of the dev split has the target locale fr" in moods_card
    assert "gender: women" in moods_card


def test_markup_and_bars_in_names_break_neither_table_nor_page() -> None:
    rows = [row("a", "x", licence=f"{HOSTILE} | y"), row("b", "x", licence="z")]
    text = card(Statistics.of(table(rows), has_labels=True))
    body = text.split("---\n", 2)[2]
    assert "<script" not in body
    assert "\\| y" in body
