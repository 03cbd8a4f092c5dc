"""The live state and release control in a browser."""

from selenium.webdriver.common.keys import Keys
from tests.e2e.browser.console_page import Console

from polyloop.registry.releases import get_release, set_canary


def test_the_live_section_tells_who_holds_what_and_the_requests_of_late(console: Console) -> None:
    console.open()
    console.ask("what a day")
    console.find("refresh").click()
    console.until(lambda: "v1 champion 1 of 1 replica 1 0" in console.text_of("live-tables"))
    live = console.text_of("live-tables")
    assert "v1 champion 2 of 2 replicas 0 0" in live
    assert "v2 canary 10 % 2 of 2 replicas" in live
    assert "v1 champion ! 0 of 0 replicas" in live  # to-german
    assert "the router that answered this page" in console.text_of("live-note")
    shown = console.text_of("live-note")
    console.until(lambda: console.text_of("live-note") != shown)  # by itself
    console.find("follow").click()
    assert not console.find("follow").is_selected()


def test_releases_are_changed_after_a_confirmation_and_the_history_names_the_key(console: Console) -> None:
    store = console.site.store
    console.open(console.site.admin_key)
    assert "ana: admin" in console.text_of("caller")
    console.choose("release-task", "talk")
    console.until(lambda: "canary 10 %" in console.find("release-now").text)
    console.change("promote", version="v3", reason="reviewed")
    assert console.text_of("confirm-text") == "v3 answers all users of talk, in place of v1. The canary v2 ends."
    console.find("confirm-no").click()
    assert get_release(store, "talk").champion == "v1"

    console.change("promote", version="v3", reason="reviewed")
    console.find("confirm-yes").click()
    console.until(lambda: console.find("release-receipt").text == "Done: v3 answers all users.")
    assert get_release(store, "talk").champion == "v3"
    assert "promote v1 → v3 ana reviewed" in console.text_of("release-history")
    console.until(lambda: "talk chat en, de v3 ready" in console.text_of("task-table"))

    console.change("canary", version="v2", weight="25", reason="once more")
    console.find("confirm-yes").click()
    console.until(lambda: console.find("release-receipt").text == "Done: v2 answers 25 % of the users.")
    assert get_release(store, "talk").canary_weight == 0.25
    console.change("rollback", reason="complaints")
    assert "v1 answers all users of talk again, in place of v3. The canary v2 ends." in console.text_of("confirm-text")
    console.find("confirm-yes").click()
    console.until(lambda: console.find("release-receipt").text == "Done: v1 answers all users.")
    release = get_release(store, "talk")
    assert (release.champion, release.canary) == ("v1", None)
    assert console.complaints() == []


def test_who_decided_on_an_old_release_is_told_and_can_decide_again(console: Console) -> None:
    store = console.site.store
    console.open(console.site.admin_key)
    console.choose("release-task", "talk")
    console.until(lambda: "canary 10 %" in console.find("release-now").text)
    console.change("promote", version="v3")
    set_canary(store, "talk", "v2", 0.5, actor="bo", reason="meanwhile")
    console.find("confirm-yes").click()
    assert "release_changed" in console.text_of("release-problem")
    assert get_release(store, "talk").champion == "v1"
    console.until(lambda: "canary 50 %" in console.find("release-now").text)
    console.change("promote", version="v3")
    console.find("confirm-yes").click()
    console.until(lambda: get_release(store, "talk").champion == "v3")


def test_without_admin_there_is_no_release_control(console: Console) -> None:
    console.open()
    assert not console.find("releases").is_displayed()
    assert not console.find("releases-link").is_displayed()
    assert "console: infer, feedback" in console.text_of("caller")
    assert console.complaints() == []  # nothing was asked that is refused


def test_the_keyboard_alone_changes_a_release(console: Console) -> None:
    console.open(console.site.admin_key)
    console.browser.execute_script("document.getElementById('release-task').focus()")
    assert console.press("talk", Keys.TAB) == "release-action"
    console.until(lambda: "canary 10 %" in console.find("release-now").text)
    assert console.press("End", Keys.TAB) == "release-reason"
    assert console.press("enough", Keys.TAB) == "release-change"
    assert console.press(Keys.ENTER) == "confirm-no"  # the harmless one has the focus
    assert console.press(Keys.TAB) == "confirm-yes"
    console.press(Keys.ENTER)
    console.until(lambda: console.find("release-receipt").text == "Done: the canary v2 has ended.")
    assert console.press() == "release-change"
    assert get_release(console.site.store, "talk").canary is None
