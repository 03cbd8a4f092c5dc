"""The documents are true: the tree in the README, and every command, make target and file that code blocks name.

The readers of Markdown below are small functions of text, each also tried on text that is wrong.
"""

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer

from polyloop.cli.main import app

REPOSITORY = Path(__file__).resolve().parents[2]
README = REPOSITORY / "README.md"
DOCUMENTS = sorted(
    [*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md"), *(REPOSITORY / "deploy").rglob("*.md")]
)

PATH_LIKE = re.compile(r"(?:\.?[\w-]+/)+|\.?[\w-]+(?:\.[\w-]+)+|LICENSE|Makefile|(?:\.?[\w-]+/)+[\w.-]+")
OPERATORS = set("();<>|&")


def name_of(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def code_blocks(text: str) -> list[list[str]]:
    """Return the lines of each fenced or indented code block."""
    blocks: list[list[str]] = []
    fence: str | None = None
    previous = ""
    for line in text.splitlines():
        mark = re.match(r"\s*(```+|~~~+)", line)
        if fence is None and mark:
            fence = mark[1]
            blocks.append([])
        elif fence is not None and mark and line.strip() == fence:
            fence = None
        elif fence is not None:
            blocks[-1].append(line)
        elif line.startswith("    ") and (not previous.strip() or previous.startswith("    ")):
            if not previous.startswith("    "):
                blocks.append([])
            blocks[-1].append(line[4:])
        previous = line
    return blocks


def shell_commands(block: Sequence[str]) -> Iterator[list[str]]:
    """Yield the words of each simple command in a block, without prompts, comments and leading assignments."""
    text = "\n".join(re.sub(r"^\s*\$ ", "", line) for line in block)
    for line in text.replace("\\\n", " ").splitlines():
        if not re.search(r"\b(polyloop|make)\b", line):
            continue
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if set(word) <= OPERATORS:
                yield from [words] if words else []
                words = []
            elif words or not re.fullmatch(r"\w+=.*|\$", word):
                words.append(word)


def polyloop_commands(text: str) -> list[list[str]]:
    """Return the arguments of each call of `polyloop` in the code blocks of a document."""
    commands = [words for block in code_blocks(text) for words in shell_commands(block)]
    return [words[1:] for words in commands if words[0].rpartition("/")[2] == "polyloop"]


def make_targets(text: str) -> set[str]:
    """Return the targets that a document calls, in code blocks and in inline code."""
    commands = [words for block in code_blocks(text) for words in shell_commands(block) if words[0] == "make"]
    commands += [span.split() for span in re.findall(r"`(make [^`]+)`", text)]
    return {word for words in commands for word in words[1:] if not word.startswith("-") and "=" not in word}


def named_files(text: str) -> set[str]:
    """Return the repository's files that code blocks name by their path."""
    words = {word for block in code_blocks(text) for line in block for word in line.split()}
    return {word for word in words if re.fullmatch(r"(jobs|deploy|docs|tests|platform|\.ci)/[\w./-]+\w", word)}


def parse_command(command: Any, arguments: list[str], parent: Any = None) -> None:
    """Parse a command line as the program would, without running it; a Typer usage error if it does not fit."""
    try:
        context = command.make_context(command.name, list(arguments), parent=parent)
    except typer.Exit:
        return  # --help or --version: parsed, and done
    if hasattr(command, "resolve_command"):
        _, sub_command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        parse_command(sub_command, rest, parent=context)


def tree_block(text: str) -> list[str]:
    """Return the block of the README that shows the repository's tree."""
    (block,) = [block for block in code_blocks(text) if any("platform/polyloop/" in line for line in block)]
    return block


def tree_paths(block: Sequence[str], root: Path) -> tuple[set[str], set[str]]:
    """Return the paths that a tree shows, and those of them that are not there.

    A line begins with one or more paths, by indentation below an earlier line's first path; words after that are its
    description. A further folder on a line may also stand in the line's first one (`tests/ unit/ integration/`).
    """
    shown: set[str] = set()
    missing: set[str] = set()
    above: list[tuple[int, str]] = []
    for line in block:
        indent = len(line) - len(line.lstrip(" │├└─|"))
        words = line[indent:].split()
        above = [entry for entry in above if entry[0] < indent]
        base = above[-1][1] if above else ""
        first = ""
        for word in words:
            if not PATH_LIKE.fullmatch(word):
                break
            place = base + word
            if first.endswith("/") and not (root / place).exists():
                place = first + word
            shown.add(place)
            missing |= {place} if not (root / place).exists() else set()
            first = first or place
        if first.endswith("/"):
            above.append((indent, first))
    return shown, missing


def folders_in(folder: Path) -> set[str]:
    """Return the folders in a folder that hold any file of the project, as the tree writes them."""
    ignored = {"__pycache__", "build", "dist"}
    found = set()
    for path in folder.iterdir():
        if path.is_dir() and path.name not in ignored and not path.name.startswith("."):
            files = (file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
            found |= {f"{path.relative_to(REPOSITORY)}/"} if any(files) else set()
    return found


def test_the_tree_in_the_readme_shows_only_what_is_there() -> None:
    _, missing = tree_paths(tree_block(README.read_text(encoding="utf-8")), REPOSITORY)
    assert missing == set()


def test_the_tree_in_the_readme_shows_every_folder() -> None:
    shown, _ = tree_paths(tree_block(README.read_text(encoding="utf-8")), REPOSITORY)
    real = (folders_in(REPOSITORY) - {"platform/"}) | folders_in(REPOSITORY / "platform" / "polyloop")
    assert real - shown == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_command_line_parses(document: Path) -> None:
    command = typer.main.get_command(app)
    for arguments in polyloop_commands(document.read_text(encoding="utf-8")):
        try:
            parse_command(command, arguments)
        except typer.TyperException as error:
            pytest.fail(f"{name_of(document)}: polyloop {shlex.join(arguments)}: {error}")


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_make_target_exists(document: Path) -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([\w-]+):", makefile, flags=re.MULTILINE))
    assert make_targets(document.read_text(encoding="utf-8")) <= targets


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_file_that_a_code_block_names_exists(document: Path) -> None:
    names = named_files(document.read_text(encoding="utf-8"))
    assert {name for name in names if not (REPOSITORY / name).exists()} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_link_to_a_file_of_the_repository_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\((?!https?://|mailto:|#)([^)#\s]+)", document.read_text(encoding="utf-8"))
    assert {link for link in links if not (document.parent / link).exists()} == set()


def test_the_readme_shows_how_to_begin() -> None:
    text = README.read_text(encoding="utf-8")
    assert {"demo", "test"} <= make_targets(text)
    assert len(polyloop_commands(text)) >= 3


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["init", "--colour"],
        ["key"],
        ["model", "show", "--json", "a", "b", "c", "d", "e"],
        ["release", "x"],
    ],
)
def test_the_command_parser_refuses_what_the_program_refuses(arguments: list[str]) -> None:
    with pytest.raises(typer.TyperException):
        parse_command(typer.main.get_command(app), arguments)


def test_commands_are_found_with_prompts_pipes_variables_and_continuations() -> None:
    text = """
```bash
make demo  # polyloop is not called here
$ polyloop --spec a.yaml loop \\
    run && polyloop status
KEY=$(polyloop key create me --json | head) .venv/bin/polyloop up
```

    polyloop init x
"""
    assert polyloop_commands(text) == [
        ["--spec", "a.yaml", "loop", "run"],
        ["status"],
        ["key", "create", "me", "--json"],
        ["up"],
        ["init", "x"],
    ]
    assert make_targets(text + "and `make check`") == {"demo", "check"}


def test_the_tree_reader_tells_what_is_missing(tmp_path: Path) -> None:
    for folder in ("platform/polyloop/spec", "tests/unit"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "Makefile").touch()
    block = [
        "Makefile  LICENSE",
        "platform/polyloop/   the package",
        "├── spec/            typed spec",
        "└── gone/            nothing",
        "tests/  unit/  what it does",
    ]
    shown, missing = tree_paths(block, tmp_path)
    assert {"Makefile", "platform/polyloop/spec/", "tests/", "tests/unit/"} <= shown
    assert missing == {"LICENSE", "platform/polyloop/gone/"}
