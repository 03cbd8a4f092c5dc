"""The console in a real browser (headless Chromium), against the real router, collector and store, without Ray."""

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from tests.e2e.browser.console_page import Console

from polyloop.feedback.queries import list_feedback


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
    assert [option.text for option in Select(console.find("target_locale")).options] == ["German (de)"]
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
    console.site.handles["mood"].say(hostile, {hostile: 1.0})
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
    assert console.press("what a day", Keys.TAB, Keys.TAB) == "ask"  # past the summary of more fields
    console.press(Keys.ENTER)
    console.until(lambda: console.find("feedback-form").is_displayed())
    assert console.press() == "ask"
    assert [console.press(Keys.TAB) for _ in range(2)] == ["copy-curl", "copy-python"]
    assert console.press(Keys.TAB, Keys.SPACE) == "thumb-up"
    assert [console.press(Keys.TAB) for _ in range(2)] == ["correct-label", "send"]
    console.press(Keys.ENTER)
    console.text_of("receipt")
    (row,) = list_feedback(console.site.store)
    assert (row.rating, row.correction) == (1, None)


def test_every_control_has_a_name_and_only_this_server_is_asked(console: Console) -> None:
    console.open(console.site.admin_key)
    console.choose("task", "talk")
    console.type("turn-1", "good day")
    console.find("ask").click()
    console.until(lambda: console.find("feedback-form").is_displayed())
    nameless = (
        "return [...document.querySelectorAll('input, select, textarea, button, section, dialog')].filter((one) => "
        "one.matches('section, dialog') ? !document.getElementById(one.getAttribute('aria-labelledby'))"
        " : one.matches('button') ? !one.textContent.trim() : !one.labels.length).map((one) => one.outerHTML)"
    )
    assert console.browser.execute_script(nameless) == []
    ids = "return [...document.querySelectorAll('[id]')].map((one) => one.id)"
    found = console.browser.execute_script(ids)
    assert len(found) == len(set(found))
    assert console.hosts() == {console.site.url.removeprefix("http://")}
    assert console.complaints() == []


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_sticks_out_at_any_width_in_either_theme(console: Console, width: int, theme: str) -> None:
    device = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    console.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", device)
    media = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
    console.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    console.open(console.site.admin_key)
    console.ask("what a " + "very" * 40 + " long word")
    console.find("copy-curl").click()
    script = (
        "const page = document.documentElement; "
        "return [innerWidth, page.scrollWidth - page.clientWidth, getComputedStyle(document.body).backgroundColor]"
    )
    shown_width, hidden_width, ground = console.browser.execute_script(script)
    assert (shown_width, hidden_width) == (width, 0)
    assert ground == {"light": "rgb(245, 246, 246)", "dark": "rgb(18, 22, 24)"}[theme]
