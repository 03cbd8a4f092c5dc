"""The console in a real browser (headless Chromium), against the real router, collector and store, without Ray."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait
from tests.e2e.console_server import Site, served
from tests.support.projects import SmallHandle

from polyloop.feedback.queries import list_feedback
from polyloop.spec.loader import load_spec

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WAIT_S = 10.0
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # which does not work for root, as whom continuous integration runs; the pages are our own
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--window-size=1280,900",
    "--force-prefers-reduced-motion",
)


class Console:
    """The page as a user has it: found by ids, waited for, and read as text."""

    def __init__(self, browser: Chrome, site: Site) -> None:
        self.browser, self.site = browser, site

    def open(self) -> None:
        """Open the page and enter the key."""
        self.browser.get(f"{self.site.url}/console")
        self.type("key", self.site.key + Keys.ENTER)
        self.until(lambda: self.find("workspace").is_displayed())

    def find(self, element_id: str) -> WebElement:
        """Return the element with an id."""
        return self.browser.find_element("id", element_id)

    def type(self, element_id: str, text: str) -> None:
        """Replace the text of a field."""
        field = self.find(element_id)
        field.clear()
        field.send_keys(text)

    def choose(self, element_id: str, value: str) -> None:
        """Choose an option of a list."""
        Select(self.find(element_id)).select_by_value(value)

    def ask(self, text: str) -> None:
        """Send an input and wait for the answer."""
        self.type("input", text)
        self.find("ask").click()
        self.until(lambda: self.find("answer").is_displayed())

    def until(self, is_so: Callable[[], Any]) -> None:
        """Wait until something is so; selenium's TimeoutException if it never is."""
        WebDriverWait(self.browser, WAIT_S).until(lambda _: is_so())

    def text_of(self, element_id: str) -> str:
        """Return the text of an element once it has some, with single spaces."""
        self.until(lambda: self.find(element_id).text)
        return " ".join(self.find(element_id).text.split())

    def press(self, *keys: str) -> str:
        """Press keys one after another wherever the focus is, and return the id of what has it then."""
        for key in keys:
            ActionChains(self.browser).send_keys(key).perform()
        return str(self.browser.switch_to.active_element.get_attribute("id"))

    def complaints(self) -> list[str]:
        """Return what the browser holds against the page, such as breaches of its policy and errors of the script.

        That /readyz answers 503 is not among it: here, one of the tasks is not ready.
        """
        entries: list[dict[str, Any]] = self.browser.get_log("browser")
        messages = [entry["message"] for entry in entries if self.site.url in entry["message"]]
        return [message for message in messages if f"{self.site.url}/readyz" not in message]


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.fail("the console's tests need a browser: apt-get install chromium chromium-driver")
    options = ChromeOptions()
    options.binary_location = program
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for argument in ARGUMENTS:
        options.add_argument(argument)
    started = Chrome(options=options, service=ChromeService(driver))
    yield started
    started.quit()


@pytest.fixture
def site(write_spec: Callable[[dict[str, Any]], Path], spec_data: dict[str, Any]) -> Iterator[Site]:
    with served(load_spec(write_spec(spec_data))) as running:
        yield running


@pytest.fixture
def console(browser: Chrome, site: Site) -> Iterator[Console]:
    browser.switch_to.new_window("tab")
    yield Console(browser, site)
    browser.close()
    browser.switch_to.window(browser.window_handles[0])


def test_a_key_an_answer_and_a_correction_end_in_the_store(console: Console) -> None:
    console.open()
    tasks = console.text_of("task-table")
    assert "mood classify en, de v1 ready" in tasks
    assert "to-german translate en → de v1 not ready no live replica holds v1" in tasks
    versions = console.text_of("version-tables")
    assert "macro F1 81.2 78.9 to 83.5, 1,200 rows" in versions
    assert "de 77.4 73.1 to 81.0, 500 rows" in versions
    assert "v1 champion" in versions

    console.choose("locale", "en")
    console.ask("what a day")
    assert console.text_of("output") == "good"
    assert console.text_of("scores") == "good 75.0 % bad 25.0 %"
    facts = console.text_of("facts")
    assert "English (en)" in facts
    assert "inf_" in facts

    console.browser.find_element("css selector", "label[for=thumb-down]").click()
    console.choose("correct-label", "bad")
    console.find("send").click()
    receipt = console.text_of("receipt")
    (row,) = list_feedback(console.site.store)
    assert receipt == f"Stored. Receipt {row.feedback_id}"
    assert (row.task, row.version, row.locale, row.rating, row.correction) == ("mood", "v1", "en", -1, "bad")

    console.find("send").click()
    console.until(lambda: console.find("receipt").text == receipt)
    assert len(list_feedback(console.site.store)) == 1
    assert console.complaints() == []


def test_a_corrected_translation_is_sent_only_when_it_was_changed(console: Console) -> None:
    console.open()
    console.choose("task", "to-german")
    assert [option.text for option in Select(console.find("target")).options] == ["German (de)"]
    console.ask("good morning")
    assert console.text_of("output") == "guten Morgen"
    console.find("send").click()
    assert console.text_of("feedback-problem").startswith("There is nothing to send yet")
    console.type("correct-text", "Guten Morgen!")
    console.find("send").click()
    console.text_of("receipt")
    (row,) = list_feedback(console.site.store)
    assert (row.target_locale, row.rating, row.correction) == ("de", None, "Guten Morgen!")


def test_markup_in_what_comes_from_users_and_server_is_shown_as_text(console: Console) -> None:
    hostile = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
    console.site.handles["mood"] = SmallHandle(output=hostile, scores={hostile: 1.0})
    console.open()
    console.ask(hostile)
    assert console.text_of("output") == hostile
    assert hostile in console.text_of("scores")
    assert console.find("input").get_property("value") == hostile
    console.find("send").click()
    inside = console.browser.find_elements("css selector", "main img, main script")
    assert inside == []
    assert console.browser.title == "Polyloop console"
    assert console.complaints() == []


def test_a_wrong_key_is_refused_in_plain_words_and_forgotten(console: Console) -> None:
    console.browser.get(f"{console.site.url}/console")
    console.type("key", "plk_00000000_" + "x" * 43 + Keys.ENTER)
    assert console.text_of("key-problem").startswith("the API key is unknown or revoked")
    assert console.find("key-problem").get_attribute("aria-live") == "assertive"
    assert not console.find("workspace").is_displayed()
    assert console.browser.execute_script("return sessionStorage.length") == 0


def test_a_key_lasts_until_it_is_forgotten(console: Console) -> None:
    console.open()
    console.browser.refresh()
    assert "mood" in console.text_of("task-table")
    console.find("forget").click()
    assert not console.find("workspace").is_displayed()
    console.browser.refresh()
    assert console.find("entry").is_displayed()


def test_the_detail_of_a_problem_is_shown_and_the_next_try_works(console: Console) -> None:
    console.open()
    console.type("input", "\u200b")
    console.find("ask").click()
    assert "send at least one visible character" in console.text_of("ask-problem")
    console.ask("fine")
    assert console.find("ask-problem").text == ""


def test_the_keyboard_alone_gets_from_the_key_to_the_receipt_in_the_order_of_the_page(console: Console) -> None:
    console.open()
    assert console.press() == "tasks-heading"
    assert [console.press(Keys.TAB) for _ in range(3)] == ["task", "locale", "input"]
    assert console.press("what a day", Keys.TAB) == "ask"
    console.press(Keys.ENTER)
    console.until(lambda: console.find("answer").is_displayed())
    assert console.press() == "ask"
    assert console.press(Keys.TAB, Keys.SPACE) == "thumb-up"
    assert [console.press(Keys.TAB) for _ in range(2)] == ["correct-label", "send"]
    console.press(Keys.ENTER)
    console.text_of("receipt")
    (row,) = list_feedback(console.site.store)
    assert (row.rating, row.correction) == (1, None)


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_sticks_out_at_any_width_in_either_theme(console: Console, width: int, theme: str) -> None:
    device = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    console.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", device)
    media = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
    console.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    console.open()
    console.ask("what a " + "very" * 40 + " long word")
    script = (
        "const page = document.documentElement; "
        "return [innerWidth, page.scrollWidth - page.clientWidth, getComputedStyle(document.body).backgroundColor]"
    )
    shown_width, hidden_width, ground = console.browser.execute_script(script)
    assert (shown_width, hidden_width) == (width, 0)
    assert ground == {"light": "rgb(245, 246, 246)", "dark": "rgb(18, 22, 24)"}[theme]
