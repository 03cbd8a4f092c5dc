"""Reads a suite file into a frozen `LoadedSuite`, with the spec loader's manner of telling mistakes.

Input: a path, or the name of a suite that comes with the package. Output: the suite and its digest. Errors are
`SuiteError`s whose message holds one line per mistake: file, line, key, and what to write instead.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from polyloop.errors import SpecError, SuiteError
from polyloop.evaluation.suites.rules import mistakes
from polyloop.evaluation.suites.spec import Suite
from polyloop.spec.explain import MAX_SHOWN_ERRORS, dotted, explain
from polyloop.spec.yaml_source import KeyPath, Source, parse

_STARTER = Path(__file__).parent / "starter"


@dataclass(frozen=True, kw_only=True)
class LoadedSuite:
    """A valid suite and the digest of its contents: SHA-256 (hex), the same whatever its layout and comments."""

    suite: Suite
    digest: str


def load_suite(path: str | Path, *, kind: str | None = None, labels: Sequence[str] = ()) -> LoadedSuite:
    """Read and check a suite file; SuiteError explains every mistake in it.

    `kind` and `labels` are those of the task that is to be tried; without them, that check is left out.
    """
    given = Path(path)
    source = _parsed(given)
    try:
        suite = Suite.model_validate(source.data)
    except ValidationError as error:
        raise SuiteError(explain(error, source, given, top=Suite)) from None
    found = list(mistakes(suite, labels))
    if kind is not None and suite.kind != kind and not found:
        found = [(("kind",), f"the suite is for {suite.kind} tasks, and the task is of kind {kind}; choose another")]
    if found:
        raise SuiteError(_told(found, source, given))
    return LoadedSuite(suite=suite, digest=suite_digest(suite))


def suite_digest(suite: Suite) -> str:
    """Return the SHA-256 (hex) of a suite in canonical JSON."""
    text = json.dumps(suite.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def starter_names() -> tuple[str, ...]:
    """Return the names of the suites that come with the package, in alphabetical order."""
    return tuple(sorted(path.stem for path in _STARTER.glob("*.yaml")))


def load_starter(name: str, *, kind: str | None = None, labels: Sequence[str] = ()) -> LoadedSuite:
    """Return a suite that comes with the package; SuiteError if there is none of that name, or as `load_suite`."""
    if name not in starter_names():
        raise SuiteError(f"there is no starter suite {name!r}; there are {', '.join(starter_names())}")
    return load_suite(_STARTER / f"{name}.yaml", kind=kind, labels=labels)


def _parsed(path: Path) -> Source:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SuiteError(f"{path}: the suite cannot be read: {error.strerror}; name another file") from None
    if not content.strip():
        raise SuiteError(f"{path}: the file is empty; begin with lines such as `suite: my-suite` and `kind: classify`")
    try:
        return parse(content, path, first_line="suite: my-suite")
    except SpecError as error:
        raise SuiteError(error.message) from None


def _told(found: Sequence[tuple[KeyPath, str]], source: Source, path: Path) -> str:
    lines = sorted((_line(at, source), f"{dotted(at)}: {message}") for at, message in found)
    texts = [f"{path}:{line}: {text}" for line, text in lines[:MAX_SHOWN_ERRORS]]
    if len(lines) > MAX_SHOWN_ERRORS:
        texts.append(f"{path}: and {len(lines) - MAX_SHOWN_ERRORS} more errors")
    return "\n".join(texts)


def _line(at: KeyPath, source: Source) -> int:
    while at not in source.lines:
        at = at[:-1]
    return source.lines[at]
