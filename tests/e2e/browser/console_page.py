"""The console as a user has it, in a browser: found by ids, waited for, and read as text."""

from collections.abc import Callable
from typing import Any

from selenium.webdriver import Chrome
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait
from tests.e2e.browser.console_server import Site

WAIT_S = 30.0


class Console:
    """The page as a user has it: found by ids, waited for, and read as text."""

    def __init__(self, browser: Chrome, site: Site) -> None:
        self.browser, self.site = browser, site

    def open(self, key: str | None = None) -> None:
        """Open the page and enter a key, by default one that may ask and give feedback."""
        self.browser.get(f"{self.site.url}/console")
        self.type("key", (key or self.site.key) + Keys.ENTER)
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
        self.until(lambda: self.find("facts").text)  # which come with the whole answer

    def until(self, is_so: Callable[[], Any]) -> None:
        """Wait until something is so; selenium's TimeoutException if it never is."""
        WebDriverWait(self.browser, WAIT_S).until(lambda _: is_so())

    def text_of(self, element_id: str) -> str:
        """Return the text of an element once it has some, with single spaces."""
        self.until(lambda: self.reads(element_id))
        return self.reads(element_id)

    def reads(self, element_id: str) -> str:
        """Return the text of an element as it is now, with single spaces."""
        return " ".join(self.find(element_id).text.split())

    def press(self, *keys: str) -> str:
        """Press keys one after another wherever the focus is, and return the id of what has it then."""
        for key in keys:
            ActionChains(self.browser).send_keys(key).perform()
        return str(self.browser.switch_to.active_element.get_attribute("id"))

    def change(self, action: str, reason: str = "a try", **fields: str) -> None:
        """Fill in a change of a release, up to the question whether it shall be made."""
        self.choose("release-action", action)
        for name, value in fields.items():
            (self.choose if name == "version" else self.type)(f"release-{name}", value)
        self.type("release-reason", reason)
        self.find("release-change").click()
        self.until(lambda: self.find("confirm").is_displayed())

    def hosts(self) -> set[str]:
        """Return the hosts that the page has asked for anything."""
        script = "return performance.getEntriesByType('resource').map((entry) => new URL(entry.name).host)"
        return set(self.browser.execute_script(script))

    def complaints(self) -> list[str]:
        """Return what the browser holds against the page, such as breaches of its policy and errors of the script.

        That /readyz answers 503 is not among it: here, one of the tasks is not ready.
        """
        entries: list[dict[str, Any]] = self.browser.get_log("browser")
        messages = [entry["message"] for entry in entries if self.site.url in entry["message"]]
        return [message for message in messages if f"{self.site.url}/readyz" not in message]
