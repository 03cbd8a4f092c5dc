"""The playground in a browser: streams, versions side by side, and requests as text to copy."""

import json
import os
import shlex
import subprocess
import sys

from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from tests.e2e.browser.console_page import Console

CHAMPION_OR_CANARY = ("v1", "v2")
"""The release draws one of them for each request."""


def test_a_conversation_is_answered_word_by_word_and_goes_on(console: Console) -> None:
    talk = console.site.talk
    talk.go_on.clear()
    console.open()
    console.choose("task", "talk")
    console.type("turn-1", "good day")
    console.find("ask").click()
    console.until(lambda: console.reads("output") in CHAMPION_OR_CANARY)
    version = console.reads("output")
    assert console.find("output").get_attribute("aria-busy") == "true"
    assert console.find("stop").is_displayed()
    assert not console.find("feedback-form").is_displayed()
    talk.go_on.set()
    console.until(lambda: console.find("feedback-form").is_displayed())
    assert console.text_of("output") == f"{version} heard: good day"
    assert console.find("output").get_attribute("aria-busy") is None
    assert not console.find("stop").is_displayed()

    console.find("go-on").click()
    assert console.press("and you", *[Keys.TAB] * 4) == "ask"  # past Remove, Add a turn and the summary
    console.press(Keys.ENTER)
    console.until(lambda: console.reads("output") in {f"{one} heard: and you" for one in CHAMPION_OR_CANARY})
    sent = json.loads(talk.calls[-1].text)
    assert [turn["role"] for turn in sent] == ["user", "assistant", "user"]
    assert sent[1]["content"] == f"{version} heard: good day"
    assert console.complaints() == []


def test_an_answer_can_be_stopped_while_it_is_written(console: Console) -> None:
    console.site.talk.go_on.clear()
    console.open()
    console.choose("task", "talk")
    console.type("turn-1", "good day")
    console.find("ask").click()
    console.until(lambda: console.reads("output") in CHAMPION_OR_CANARY)
    version = console.reads("output")
    console.find("stop").click()
    console.until(lambda: console.reads("output") == f"{version} stopped")
    assert console.press() == "ask"
    console.until(lambda: console.site.talk.streams[-1].is_cancelled)
    assert console.find("ask-problem").text == ""


def test_an_admin_compares_two_versions_side_by_side_and_nobody_else_is_offered_it(console: Console) -> None:
    console.open()
    console.choose("task", "talk")
    assert not console.find("version").is_displayed()
    console.find("forget").click()

    console.open(console.site.admin_key)
    console.choose("task", "talk")
    choices = [option.text for option in Select(console.find("version")).options]
    assert choices == ["The release decides", "v1 (champion)", "v2 (canary)"]
    console.choose("version", "v1")
    console.choose("compare", "v2")
    console.type("turn-1", "good day")
    console.find("ask").click()
    console.until(lambda: console.find("feedback-form-2").is_displayed())
    assert console.text_of("answer-heading") == "Answer of v1"
    assert (console.text_of("output"), console.text_of("output-2")) == ("v1 heard: good day", "v2 heard: good day")
    one, other = console.find("answer").rect, console.find("answer-2").rect
    assert abs(one["y"] - other["y"]) < 1
    assert one["x"] + one["width"] <= other["x"]
    assert {call.version for call in console.site.talk.calls} == {"v1", "v2"}
    assert console.complaints() == []


def test_a_request_is_copied_without_the_key_and_does_the_same(console: Console) -> None:
    console.open(console.site.admin_key)
    console.choose("task", "mood")
    console.type("input", 'it\'s a "good" day $HOME')
    console.choose("locale", "en")
    console.choose("version", "v1")
    console.find("copy-curl").click()
    curl = console.find("snippet").get_property("textContent")
    console.find("copy-python").click()
    console.until(lambda: console.find("snippet").get_property("textContent") != curl)
    python = str(console.find("snippet").get_property("textContent"))
    for text in (str(curl), python):
        assert "plk_" not in text
        assert console.site.admin_key[4:] not in text
    assert shlex.split(str(curl))[:3] == ["curl", "-s", f"{console.site.url}/v1/tasks/mood?version=v1"]
    environment = {"KEY": console.site.admin_key, "PATH": os.environ["PATH"]}
    answered = subprocess.run(["sh", "-c", str(curl)], capture_output=True, check=True, env=environment)
    assert json.loads(answered.stdout)["output"] == "good"
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    done = subprocess.run([sys.executable, "-c", python], capture_output=True, check=True, text=True, env=environment)
    assert done.stdout == "good v1\n"
    texts = {call.text for call in console.site.handles["mood"].calls}
    assert texts == {'it\'s a "good" day $HOME'}
