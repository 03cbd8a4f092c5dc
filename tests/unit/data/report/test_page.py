"""The HTML report: complete, escaped, accessible, and the same for the same inputs."""

from html.parser import HTMLParser

import pytest
from tests.support.small_datasets import DROPS, HOSTILE, manifest_of, moods, row, table

from polyloop.data.label_noise import LabelNoise, Suspect
from polyloop.data.report.page import render_report
from polyloop.data.statistics import Statistics
from polyloop.pages.blocks import percent_text, shown

VOID = {"meta", "link", "img", "br"}


class Outline(HTMLParser):
    """Collects the tags of a page, and complains of those that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, self.getpos()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def outline(page: str) -> Outline:
    parsed = Outline()
    parsed.feed(page)
    parsed.close()
    assert parsed.open == []
    return parsed


SUSPECT = Suspect(id="ab" * 32, locale="en", given="bad", suggested="good", confidence=0.97)
NOISE = LabelNoise(num_rows=80, hit_rate=0.9, suspects=(SUSPECT,), rates={"good": 0.01, "bad": 0.04})


@pytest.fixture(scope="module")
def statistics() -> Statistics:
    return Statistics.of(table(moods(40)), has_labels=True)


@pytest.fixture(scope="module")
def page(statistics: Statistics) -> str:
    return render_report(manifest_of(statistics), statistics, DROPS, NOISE, {SUSPECT.id: "so <b>good</b>"})


def test_every_part_has_its_heading_and_its_place_in_the_list_of_sections(page: str) -> None:
    tags = outline(page).tags
    links = [attributes["href"] for tag, attributes in tags if tag == "a"][1:]
    headings = [f"#{attributes['id']}" for tag, attributes in tags if tag == "h2"]
    assert headings == ["#warnings", *links]
    assert {"#sizes", "#steps", "#dropped", "#labels", "#lengths", "#languages", "#people"} <= set(links)
    assert {"#personal-data", "#repeated", "#sources", "#provenance", "#label-noise"} <= set(links)


def test_nothing_is_loaded_and_no_script_runs(page: str) -> None:
    tags = outline(page).tags
    assert not [tag for tag, _ in tags if tag in ("script", "img", "iframe", "object")]
    addresses = [value for _, attributes in tags for name, value in attributes.items() if name in ("src", "href")]
    assert all(address is not None and address.startswith(("#", "data:,")) for address in addresses)
    assert "url(" not in page
    assert "@import" not in page


def test_every_plot_is_named_and_every_table_is_captioned(page: str) -> None:
    tags = outline(page).tags
    plots = [attributes for tag, attributes in tags if tag == "svg"]
    assert len(plots) >= 8
    assert all(plot["role"] == "img" and plot["aria-label"] for plot in plots)
    regions = [attributes for tag, attributes in tags if attributes.get("role") == "region"]
    assert len(regions) == sum(tag == "table" for tag, _ in tags)
    assert all(region["aria-label"] for region in regions)


def test_samples_are_shown_as_text_with_their_own_direction(page: str) -> None:
    assert HOSTILE not in page
    assert "&lt;script&gt;document.title" in page
    quotes = [attributes for tag, attributes in outline(page).tags if tag == "blockquote"]
    assert len(quotes) == len(DROPS)
    assert all(quote["dir"] == "auto" for quote in quotes)
    assert "moods.jsonl:7" in page


def test_suspects_of_wrong_labels_are_shown_with_their_texts(page: str) -> None:
    assert "gave 80 rows their label" in page
    assert "Most probable of the suspects (1 of 1)" in page
    assert "so &lt;b&gt;good&lt;/b&gt;" in page


def test_a_planted_link_of_women_and_a_label_is_called_clear(page: str) -> None:
    assert "Labels that clearly go with words for a group" in page
    assert "gender: women" in page


def test_the_same_inputs_give_the_same_page(page: str, statistics: Statistics) -> None:
    again = Statistics.from_json(statistics.to_json())
    assert render_report(manifest_of(again), again, DROPS, NOISE, {SUSPECT.id: "so <b>good</b>"}) == page


def test_a_task_of_free_text_has_no_part_about_labels() -> None:
    rows = [row(f"she reads {n}", f"sie liest {n}", target_locale="de") for n in range(5)]
    made = Statistics.of(table(rows), has_labels=False)
    page = render_report(manifest_of(made), made, ())
    outline(page)
    assert 'id="labels"' not in page
    assert "en → de" in page
    assert "Targets in de: characters" in page


def test_an_old_manifest_without_steps_drops_and_findings_is_shown_too() -> None:
    made = Statistics.of(table([row("a", "x", locale="fi")]), has_labels=True)
    corpora = {name: record.model_copy(update={"found": {}}) for name, record in manifest_of(made).corpora.items()}
    page = render_report(manifest_of(made, steps=(), dropped={}, warnings=(), corpora=corpora), made, ())
    outline(page)
    assert "No row was dropped." in page
    assert "There is no word list for fi" in page


def test_many_labels_and_locales_are_still_one_page() -> None:
    rows = [row(f"text {n}", f"label {n % 150}", locale=f"x{chr(97 + n % 26)}") for n in range(600)]
    made = Statistics.of(table(rows), has_labels=True)
    page = render_report(manifest_of(made), made, ())
    outline(page)
    assert "the 20 most frequent of 150" in page
    assert len(page) < 2_000_000


def test_characters_that_hide_or_turn_text_are_made_visible() -> None:
    assert shown("a\x00b\u202ec\u200bd\ud800") == "a␀b‹U+202E›c‹U+200B›d?"
    assert shown("नमस्ते\u200dक\nx") == "नमस्ते\u200dक\nx"


def test_small_shares_are_not_nothing() -> None:
    assert [percent_text(share) for share in (0.0, 0.0001, 0.1234, 1.0)] == ["0.0 %", "< 0.1 %", "12.3 %", "100.0 %"]
