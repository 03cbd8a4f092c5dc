"""The guards that need nothing but the text: each says where it fires. Pure, once the lists are read.

Input: a guard's part of the spec. Output: a function of a text and its locale that returns `Found`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from polyloop.data.pii.base import placeholder
from polyloop.data.pii.finders import find_personal
from polyloop.errors import SpecError
from polyloop.serving.guardrails.blocklist import Blocklist
from polyloop.serving.guardrails.injection import find_injection
from polyloop.spec.guardrails import BlocklistGuard, GuardSpec, InjectionGuard, LengthGuard, PersonalDataGuard

BLOCKED = "***"
"""What stands in place of a term of a blocklist."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A place in a text where a guard fires, and what a guard that masks writes there."""

    start: int
    end: int
    mask: str = BLOCKED


Find = Callable[[str, str], list[Found]]
"""Given a text and its locale, returns the places in order, without overlaps."""


def _length(spec: LengthGuard, root: Path) -> Find:
    most = spec.max_characters
    return lambda text, locale: [Found(start=most, end=len(text))] if len(text) > most else []


def _blocklist(spec: BlocklistGuard, root: Path) -> Find:
    terms = [*spec.terms, *(term for path in spec.paths for term in read_terms(root / path))]
    listed = Blocklist(terms)
    return lambda text, locale: [Found(start=start, end=end) for start, end in listed.find(text)]


def _injection(spec: InjectionGuard, root: Path) -> Find:
    return lambda text, locale: [Found(start=start, end=end) for start, end in find_injection(text)]


def _personal_data(spec: PersonalDataGuard, root: Path) -> Find:
    return lambda text, locale: [
        Found(start=span.start, end=span.end, mask=placeholder(span.kind))
        for span in find_personal(text, locale, spec.kinds)
    ]


_MAKERS: Mapping[type[Any], Callable[[Any, Path], Find]] = {
    LengthGuard: _length,
    BlocklistGuard: _blocklist,
    InjectionGuard: _injection,
    PersonalDataGuard: _personal_data,
}


def make_guard(spec: GuardSpec, root: Path) -> Find | None:
    """Return what finds things for a guard, None for one that has to ask a model; `root` is the spec's folder.

    SpecError for a list that cannot be read.
    """
    maker = _MAKERS.get(type(spec))
    return None if maker is None else maker(spec, root)


def read_terms(path: Path) -> list[str]:
    """Return the terms of a file, one a line; SpecError if it cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: the blocklist cannot be read: {error}; write one term a line, in UTF-8") from None
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
