"""The arguments of a job's script become the same command as on a laptop."""

import pytest

from polyloop.cli.jobs import arguments_of


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ([], "loop run"),
        (["--spec", "a.yaml", "--task", "mood"], "--spec a.yaml loop run --task mood"),
        (["--task", "mood", "--spec=a.yaml", "--json"], "--spec a.yaml loop run --task mood --json"),
        (["--spec"], "--spec  loop run"),
    ],
)
def test_the_spec_goes_before_the_command(given: list[str], line: str) -> None:
    assert " ".join(arguments_of(("loop", "run"), given)) == line
