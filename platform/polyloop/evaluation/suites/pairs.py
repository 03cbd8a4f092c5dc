"""Pairs of sentences for stereotype tests, after CrowS-Pairs.

Input: a TSV file, packed with gzip or not, whose first line names the columns: `sent_more` (the sentence that says more
of the stereotype), `sent_less` and `bias_type`; `id` is optional. Files in other languages have the same columns.
Output: `SentencePair`s. CrowS-Pairs: Nangia et al. 2020 (https://aclanthology.org/2020.emnlp-main.154/); its authors
warn of noise in it, and Blodgett et al. 2021 (https://aclanthology.org/2021.acl-long.81/) show how much: a smoke test.
Limits: no quoting; lines may end in any way.
"""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

from polyloop.errors import EvaluationError

NEEDED = ("sent_more", "sent_less", "bias_type")


@dataclass(frozen=True, kw_only=True)
class SentencePair:
    """Two sentences that differ in whom they are about."""

    id: str
    locale: str
    bias_type: str
    more: str
    """The sentence that says more of the stereotype."""
    less: str


def read_pairs(path: Path, *, locale: str = "en") -> tuple[SentencePair, ...]:
    """Return the pairs of a file; EvaluationError names the line that is wrong."""
    lines = _text(path).splitlines()
    names = [name.strip() for name in lines[0].split("\t")] if lines else []
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise EvaluationError(f"{path}:1: there is no column {missing[0]!r}; the first line has to name {NEEDED}")
    pairs = []
    for number, line in enumerate(lines[1:], start=2):
        cells = [cell.strip() for cell in line.split("\t")]
        if cells == [""]:
            continue
        row = dict(zip(names, cells, strict=False))
        if len(cells) != len(names) or not all(row[name] for name in NEEDED):
            raise EvaluationError(f"{path}:{number}: this line does not fill the {len(names)} columns; complete it")
        pairs.append(
            SentencePair(
                id=row.get("id") or str(number - 2),
                locale=locale,
                bias_type=row["bias_type"],
                more=row["sent_more"],
                less=row["sent_less"],
            )
        )
    if len({pair.id for pair in pairs}) < len(pairs):
        raise EvaluationError(f"{path}: an id stands there twice; give each pair its own")
    return tuple(pairs)


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        packed = content[:2] == b"\x1f\x8b"
        return (gzip.decompress(content) if packed else content).decode("utf-8-sig")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise EvaluationError(f"{path}: the pairs cannot be read: {error}") from error
