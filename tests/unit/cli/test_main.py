"""The command line as a whole: help with examples, one-line errors, and commands that need no cluster."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from polyloop.cli.main import app, main
from polyloop.errors import PolyloopError, SpecError


def commands(command: Any, *names: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Give every command below `command` that is not a group, with its names."""
    children = getattr(command, "commands", None)
    if children is None:
        yield names, command
    for name, child in (children or {}).items():
        yield from commands(child, *names, name)


COMMANDS = dict(commands(get_command(app)))


def polyloop(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize("names", COMMANDS, ids=" ".join)
def test_every_command_helps_with_an_example_of_itself(names: tuple[str, ...]) -> None:
    text = COMMANDS[names].help or ""
    (example,) = [line for line in text.splitlines() if line.startswith("Example: `")]
    assert "polyloop " in example
    assert f"{' '.join(names)}" in example
    assert polyloop(*names, "--help").exit_code == 0


def test_no_command_of_the_loop_is_missing() -> None:
    groups = {names[0] for names in COMMANDS}
    assert groups >= {
        *("init", "up", "down", "status", "demo"),
        *("corpus", "model", "release", "feedback", "loop", "key"),
    }


def test_the_version_is_shown() -> None:
    assert polyloop("--version").stdout.startswith("polyloop ")


@pytest.fixture
def spec(write_spec: Callable[[dict[str, Any]], Path], spec_data: dict[str, Any]) -> str:
    return str(write_spec(spec_data))


def test_a_key_is_made_listed_and_revoked(spec: str) -> None:
    made = json.loads(polyloop("--spec", spec, "key", "create", "site", "--scope", "infer", "--json").stdout)
    assert made["key"].startswith(f"plk_{made['key_id']}_")
    assert made["scopes"] == ["infer"]
    (row,) = json.loads(polyloop("--spec", spec, "key", "list", "--json").stdout)
    assert (row["key_id"], row["name"], row["revoked_at"]) == (made["key_id"], "site", None)
    assert made["key"] not in json.dumps(row)
    assert polyloop("--spec", spec, "key", "revoke", made["key_id"]).exit_code == 0
    (row,) = json.loads(polyloop("--spec", spec, "key", "list", "--json").stdout)
    assert row["revoked_at"] is not None


def test_a_key_is_alone_on_stdout_so_that_a_shell_can_take_it(spec: str) -> None:
    made = polyloop("--spec", spec, "key", "create", "site")
    assert len(made.stdout.split()) == 1


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["polyloop", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    return int(caught.value.code or 0)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "words"),
    [
        (("--spec", "missing.yaml", "key", "list"), SpecError.exit_code, "missing.yaml"),
        (("--spec", "SPEC", "key", "revoke", "none"), PolyloopError.exit_code, "'none'"),
        (("--spec", "SPEC", "key", "create", "x", "--scope", "root"), PolyloopError.exit_code, "'root'"),
        (("--spec", "SPEC", "release", "show", "no-such"), SpecError.exit_code, "'no-such'"),
        (("--spec", "SPEC", "release", "rollback", "mood"), PolyloopError.exit_code, "no previous version"),
        (("--spec", "SPEC", "model", "show", "mood", "v9"), PolyloopError.exit_code, "'v9'"),
        (("--spec", "SPEC", "corpus", "stats", "mood"), PolyloopError.exit_code, "polyloop corpus build"),
    ],
)
def test_a_mistake_is_one_line_on_stderr_and_no_traceback(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    spec: str,
    arguments: tuple[str, ...],
    exit_code: int,
    words: str,
) -> None:
    assert run_main(monkeypatch, *(spec if word == "SPEC" else word for word in arguments)) == exit_code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("error: ")
    assert words in shown.err
    assert len(shown.err.strip().splitlines()) == 1


def test_brackets_in_a_message_are_shown_as_they_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise PolyloopError(r"the value [red] of C:\[x] is none")

    monkeypatch.setattr("polyloop.cli.main.app", fail)
    assert run_main(monkeypatch) == 1
    assert capsys.readouterr().err == r"error: the value [red] of C:\[x] is none" + "\n"


def test_an_unforeseen_failure_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("polyloop.cli.main.app", fail)
    with pytest.raises(ZeroDivisionError):
        main()


@pytest.mark.parametrize("group", ["release", "model", "loop", "feedback", "key"])
def test_lists_of_an_empty_project_are_empty_json(spec: str, group: str) -> None:
    names = {"release": ("release", "show", "--history"), "loop": ("loop", "status")}.get(group, (group, "list"))
    done = polyloop("--spec", spec, *names, "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, [])


def test_typer_itself_shows_no_local_variables() -> None:
    assert isinstance(app, typer.Typer)
    assert not app.pretty_exceptions_show_locals
