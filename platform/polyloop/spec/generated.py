"""Files of the repository that are made from code: written anew, or only compared.

Input: the arguments of a module's command line and what the file should hold. Output: an exit code.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path


def write_or_check(
    arguments: Sequence[str] | None, render: Callable[[], str], *, default: Path, module: str, what: str
) -> int:
    """Write what `render` gives to FILE, or with --check say whether it is up to date; return the exit code.

    `module` is run to write the file, and `what` says in one sentence what it does.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=what)
    parser.add_argument("file", nargs="?", type=Path, default=default, metavar="FILE")
    parser.add_argument("--check", action="store_true", help="only say whether the file is up to date")
    options = parser.parse_args(arguments)
    text = render()
    if not options.check:
        options.file.parent.mkdir(parents=True, exist_ok=True)
        options.file.write_text(text, encoding="utf-8")
        return 0
    if options.file.is_file() and options.file.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{options.file} is out of date; run `python -m {module}`\n")
    return 1
