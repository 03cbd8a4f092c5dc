"""Turns the arguments of the scripts in jobs/ into a command: `--spec X` is global, the rest belongs to the command.

Input: sys.argv of a job script. Output: the command's exit code. Limits: no logic of its own, so that a job does
exactly what the same command does on a laptop.
"""

import sys

from polyloop.cli.main import main


def run_job(*command: str) -> None:
    """Run `command` with the script's arguments."""
    sys.argv = ["polyloop", *arguments_of(command, sys.argv[1:])]
    main()


def arguments_of(command: tuple[str, ...], given: list[str]) -> list[str]:
    """Return the command line that a job's arguments mean (pure)."""
    root: list[str] = []
    rest: list[str] = []
    words = iter(given)
    for word in words:
        name, equals, value = word.partition("=")
        if name == "--spec":
            root += ["--spec", value if equals else next(words, "")]
        else:
            rest.append(word)
    return [*root, *command, *rest]
