"""What tests of pages share: headless Chromium, and the console with what stands behind it."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from tests.e2e.browser.console_page import Console
from tests.e2e.browser.console_server import CHAT, Site
from tests.e2e.browser.console_server import served as console_served

from polyloop.spec.loader import load_spec

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
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


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    """Chromium without a window."""
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.fail("tests of pages need a browser: apt-get install chromium chromium-driver")
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
    """The small project with a chat task, served."""
    spec_data["tasks"]["talk"] = dict(CHAT)
    with console_served(load_spec(write_spec(spec_data))) as running:
        yield running


@pytest.fixture
def console(browser: Chrome, site: Site) -> Iterator[Console]:
    """A new tab of the browser, before the page is opened."""
    browser.switch_to.new_window("tab")
    yield Console(browser, site)
    browser.close()
    browser.switch_to.window(browser.window_handles[0])
