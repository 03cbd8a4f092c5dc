"""The report of a dataset in a real browser (headless Chromium), opened from a file and without a network."""

from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from tests.support.small_datasets import ARABIC, DROPS, manifest_of, moods, row, table

from polyloop.data.report.page import REPORT_NAME, render_report
from polyloop.data.statistics import Statistics


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    long_name = "corpus" * 20
    rows = [*moods(40), row("بنت جميلة " * 3, "a label " * 12, locale="ar", corpus=long_name)]
    statistics = Statistics.of(table(rows), has_labels=True)
    path: Path = tmp_path_factory.mktemp("report") / REPORT_NAME
    path.write_text(render_report(manifest_of(statistics), statistics, DROPS), encoding="utf-8")
    return path.as_uri()


def test_the_plots_are_drawn_and_have_names_and_numbers(browser: Chrome, address: str) -> None:
    browser.get(address)
    plots = browser.find_elements("css selector", "figure svg[role=img]")
    assert len(plots) >= 8
    names = [plot.get_attribute("aria-label") or "" for plot in plots]
    assert any(name.startswith("Rows by locale and split. en: 120") for name in names)
    for plot in plots:
        assert plot.size["width"] > 250
        assert any(bar.size["width"] > 1 for bar in plot.find_elements("css selector", "rect"))
    assert browser.get_log("browser") == []
    assert browser.title == "mood: dataset dddddddddddd"


def test_a_reader_finds_the_sections_and_opens_the_samples(browser: Chrome, address: str) -> None:
    browser.get(address)
    for link in browser.find_elements("css selector", "nav a"):
        target = browser.find_element("id", (link.get_attribute("href") or "").partition("#")[2])
        assert target.text == link.text
    samples = browser.find_element("css selector", "details.samples")
    quote = samples.find_element("css selector", "blockquote")
    assert not quote.is_displayed()
    samples.find_element("css selector", "summary").click()
    assert quote.is_displayed()
    assert quote.text == ARABIC
    assert quote.value_of_css_property("direction") == "rtl"


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_sticks_out_at_any_width_in_either_theme(browser: Chrome, address: str, width: int, theme: str) -> None:
    device = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", device)
    media = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.get(address)
    script = (
        "document.querySelectorAll('details').forEach(one => { one.open = true; }); "
        "const page = document.documentElement; "
        "return [innerWidth, page.scrollWidth - page.clientWidth, getComputedStyle(document.body).backgroundColor]"
    )
    shown_width, hidden_width, ground = browser.execute_script(script)
    assert (shown_width, hidden_width) == (width, 0)
    assert ground == {"light": "rgb(245, 246, 246)", "dark": "rgb(18, 22, 24)"}[theme]
