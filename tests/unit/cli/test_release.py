"""`polyloop release`: canary and shadow come and go by command, what ended is said, and shadows are compared."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.logged_inferences import log_inference
from tests.support.projects import publish
from typer.testing import CliRunner

from polyloop.cli.main import app
from polyloop.errors import PolyloopError
from polyloop.registry.releases import get_release, promote, set_canary, set_shadow
from polyloop.registry.shadow_answers import ShadowAnswer, write_answers
from polyloop.registry.store import Store, open_store
from polyloop.spec.loader import load_spec

BY_TEST: dict[str, Any] = {"actor": "test", "reason": "a try"}


@pytest.fixture
def spec(write_spec: Callable[[dict[str, Any]], Path], spec_data: dict[str, Any]) -> Path:
    return write_spec(spec_data)


@pytest.fixture
def store(spec: Path) -> Iterator[Store]:
    """The project's store: v2 is the champion of mood, v1 was, v3 and v4 are published."""
    opened = open_store(load_spec(spec).store_url)
    for digest in "abcd":
        publish(opened, "mood", digest=digest)
    for version in ("v1", "v2"):
        promote(opened, "mood", version, **BY_TEST)
    yield opened
    opened.close()


@pytest.fixture
def release(spec: Path, store: Store) -> Callable[..., Any]:
    """What runs `polyloop release` with arguments."""

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["--spec", str(spec), "release", *arguments])

    return run


def test_a_canary_starts_grows_and_ends(release: Callable[..., Any], store: Store) -> None:
    started = release("canary", "mood", "v3", "--weight", "0.1")
    assert started.exit_code == 0
    assert started.stdout == ""
    assert "mood now serves v3 to 0.1 of the users, v2 to the others" in started.stderr
    assert release("canary", "mood", "v3", "--weight", "0.5").exit_code == 0
    assert get_release(store, "mood").canary_weight == 0.5
    ended = release("canary", "mood", "v3", "--off")
    assert "mood now serves v2 to all users; the canary v3 ended" in ended.stderr
    assert get_release(store, "mood").canary is None


def test_a_shadow_starts_and_ends(release: Callable[..., Any], store: Store) -> None:
    assert "v3 is now the shadow of mood" in release("shadow", "mood", "v3").stderr
    assert get_release(store, "mood").shadow == "v3"
    assert "mood has no shadow now; the shadow v3 ended" in release("shadow", "mood", "v3", "--off").stderr
    assert get_release(store, "mood").shadow is None


def test_a_promotion_and_a_rollback_say_what_ended(release: Callable[..., Any], store: Store) -> None:
    set_canary(store, "mood", "v3", 0.1, **BY_TEST)
    promoted = release("promote", "mood", "v3")
    assert "mood now serves v3 to all users; the canary v3 ended" in promoted.stderr
    set_canary(store, "mood", "v1", 0.1, **BY_TEST)
    set_shadow(store, "mood", "v4", **BY_TEST)
    rolled_back = release("rollback", "mood")
    assert "mood now serves v2 again, to all users; the canary v1 and the shadow v4 ended" in rolled_back.stderr


def test_to_promote_the_champion_does_not_pass_for_the_end_of_its_canary(
    release: Callable[..., Any], store: Store
) -> None:
    set_canary(store, "mood", "v3", 0.1, **BY_TEST)
    again = release("promote", "mood", "v2")
    assert again.exit_code == 0
    assert "all users" not in again.stderr
    assert "v2 is the champion of mood already, and the canary v3 goes on; to end it: `polyloop rel" in again.stderr
    assert get_release(store, "mood").canary == "v3"


def test_what_is_served_is_shown_and_so_is_the_history(release: Callable[..., Any], store: Store) -> None:
    set_canary(store, "mood", "v3", 0.1, **BY_TEST)
    set_shadow(store, "mood", "v4", **BY_TEST)
    mood, german = json.loads(release("show", "--json").stdout)
    assert mood.pop("updated_at")
    assert mood == {
        "task": "mood",
        "champion": "v2",
        "previous": "v1",
        "canary": "v3",
        "canary_weight": 0.1,
        "shadow": "v4",
        "preload": None,
        "generation": 4,
    }
    assert (german["task"], german["champion"], german["canary_weight"]) == ("to-german", None, None)
    history = json.loads(release("show", "mood", "--history", "--json").stdout)
    assert [(row["action"], row["to_version"], row["weight"]) for row in history] == [
        ("promote", "v1", None),
        ("promote", "v2", None),
        ("canary", "v3", 0.1),
        ("shadow", "v4", None),
    ]
    assert "end_canary" not in release("show", "mood", "--history").stdout
    assert "shadow" in release("show", "mood", "--history").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("canary", "mood", "v3"), "the canary v3 of mood has no weight; give --weight 0.1"),
        (("canary", "mood", "v3", "--weight", "2"), "the weight 2 of the canary v3 of mood is not between 0 and 1"),
        (("canary", "mood", "v2", "--weight", "0.1"), "v2 is the champion of mood"),
        (("canary", "mood", "v9", "--weight", "0.1"), "no version 'v9'"),
        (("canary", "no-such", "v3", "--weight", "0.1"), "'no-such'"),
        (("canary", "to-german", "v1", "--weight", "0.1"), "no champion"),
        (("shadow", "mood", "v9"), "no version 'v9'"),
        (("compare", "mood"), "has no shadow now"),
    ],
)
def test_a_mistake_is_told_and_changes_nothing(
    release: Callable[..., Any], store: Store, arguments: tuple[str, ...], words: str
) -> None:
    before = get_release(store, "mood")
    done = release(*arguments)
    assert isinstance(done.exception, PolyloopError)
    assert words in str(done.exception)
    assert get_release(store, "mood").generation == before.generation


def test_a_shadow_is_refused_where_the_log_keeps_no_inputs(
    spec: Path, spec_data: dict[str, Any], write_spec: Callable[[dict[str, Any]], Path], release: Callable[..., Any]
) -> None:
    write_spec({**spec_data, "serving": {"log_inputs": False}})
    assert "serving.log_inputs is false" in str(release("shadow", "mood", "v3").exception)


def answer_as_shadow(store: Store, locale: str, count: int, num_agreeing: int) -> None:
    answers = [
        ShadowAnswer(
            inference_id=log_inference(store, version="v2", target_locale=locale),
            version="v3",
            task="mood",
            output="good",
            scores=None,
            latency_ms=20.0,
            agrees=number < num_agreeing,
            created_at=datetime.now(UTC),
        )
        for number in range(count)
    ]
    write_answers(store, answers)


def test_a_shadow_is_compared_per_locale_with_intervals(release: Callable[..., Any], store: Store) -> None:
    set_shadow(store, "mood", "v3", **BY_TEST)
    answer_as_shadow(store, "en", 10, 9)
    answer_as_shadow(store, "de", 4, 1)
    log_inference(store, version="v2", ago_s=-1)
    done = release("compare", "mood", "--json")
    found = json.loads(done.stdout)
    assert (found["task"], found["version"], found["against"]) == ("mood", "v3", "v2")
    assert found["num_unanswered"] == 1
    rows = {row["locale"]: row for row in found["locales"]}
    assert [(name, row["num_answers"], row["num_agreeing"]) for name, row in rows.items()] == [
        ("de", 4, 1),
        ("en", 10, 9),
        ("overall", 14, 10),
    ]
    # Wilson's interval of 9 in 10 at 95 %, from its formula.
    assert rows["en"]["agreement"] == pytest.approx({"value": 90.0, "low": 59.58, "high": 98.21}, abs=0.01)
    assert rows["en"]["latency"] == {"p50_ms": 10.0, "p95_ms": 10.0}
    assert rows["en"]["shadow_latency"] == {"p50_ms": 20.0, "p95_ms": 20.0}
    table = release("compare", "mood").stdout
    assert "90.0 (59.6 to 98.2)" in table
    assert "v3 p50/p95 ms" in table


def test_a_shadow_that_has_ended_can_still_be_compared(release: Callable[..., Any], store: Store) -> None:
    answer_as_shadow(store, "en", 3, 3)
    found = json.loads(release("compare", "mood", "--version", "v3", "--against", "v2", "--json").stdout)
    assert found["locales"][-1]["num_answers"] == 3
    assert found["num_unanswered"] is None
    empty = release("compare", "mood", "--version", "v4", "--json")
    assert json.loads(empty.stdout)["locales"] == []


def test_only_the_newest_are_looked_at_where_a_limit_says_so(release: Callable[..., Any], store: Store) -> None:
    answer_as_shadow(store, "en", 5, 0)
    found = json.loads(release("compare", "mood", "--version", "v3", "--limit", "2", "--json").stdout)
    assert found["locales"][-1]["num_answers"] == 2
