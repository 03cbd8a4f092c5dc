"""Benchmark material: JSON Lines of any size, made of real sentences, in which it is known what should be dropped.

Input: the folder of the public datasets, a size and a seed. Output: files with the columns id, text, label, language
and planted, and how many rows of each kind were planted. The same arguments give the same bytes; a larger size begins
with the same rows as a smaller one; the number of files only says how rows are dealt out.
Documents are paragraphs of one to four consecutive sentences, each paragraph from another real row of the same kind
and language, so that they read like text but hardly ever repeat each other. About 30 MB/s; memory does not grow with
the size.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import accumulate, zip_longest
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from polyloop.bench.corpus.sources import LANGUAGES, UNSPACED, Pool, read_pools

STANDARD_MB = 200.0
SEED = 17
BYTES_PER_MB = 1_000_000

Planted = Literal["none", "exact", "near", "language", "quality"]
PLANTED: tuple[Planted, ...] = get_args(Planted)
SHARES: dict[Planted, float] = {"none": 0.80, "exact": 0.05, "near": 0.10, "language": 0.02, "quality": 0.03}
"""Part of the rows that are documents of their own, exact copies, near copies, in another language than `language`
says, and of low quality."""

LANGUAGE_SHARES = {"ar": 0.08, "de": 0.15, "en": 0.36, "es": 0.08, "ru": 0.08, "zh": 0.25}

MIN_CHARACTERS, MAX_CHARACTERS = 600, 4_000
"""Shortest and longest document that is aimed at, in characters of an alphabet; lengths in between are drawn evenly on
a logarithmic scale."""
CHARACTERS_PER_HAN = 3
"""Chinese documents are shorter by this factor, as in `polyloop.data.scripts`."""

MIN_PARAGRAPHS = 4
"""Fewest paragraphs of a document, so that sharing one with another does not make the two alike."""

UNITS_PER_EDIT = 80
"""Words (Chinese: characters) of a document for each edit of its near copy. An edit changes at most five of the
document's five-grams of words, so that the Jaccard similarity is at least (80 - 5) / (80 + 5) = 0.88."""
MAX_EDITED_CHARACTERS = 12
"""Longer words are not edited, for they would change too many n-grams of characters."""

REMEMBERED = 2_000
"""Earlier documents that copies are made of; a random one of them makes room for a new one."""


class Document(NamedTuple):
    """One row; `planted` says why it should be dropped, `none` that it should stay."""

    id: str
    text: str
    label: str
    language: str
    planted: Planted


@dataclass(frozen=True, kw_only=True)
class Material:
    """What was written; `planted` counts rows by kind."""

    files: tuple[Path, ...]
    size_bytes: int
    num_rows: int
    planted: dict[str, int]


def write_material(
    folder: Path,
    datasets: Path,
    *,
    size_mb: float = STANDARD_MB,
    num_files: int = 8,
    seed: int = SEED,
    on_progress: Callable[[float], None] | None = None,
) -> Material:
    """Write material of at least `size_mb` (millions of bytes) to part-NN.jsonl in a folder, which is made.

    `on_progress` is given the part that is done, from 0 to 1. DataError where a dataset is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = tuple(folder / f"part-{number:02d}.jsonl" for number in range(num_files))
    planted: Counter[str] = Counter(dict.fromkeys(PLANTED, 0))
    wanted_bytes, size_bytes, next_report = int(size_mb * BYTES_PER_MB), 0, 0
    with ExitStack() as stack:
        streams = [stack.enter_context(file.open("wb", buffering=1 << 20)) for file in files]
        for number, document in enumerate(documents(read_pools(datasets), seed=seed)):
            line = json.dumps(document._asdict(), ensure_ascii=False).encode() + b"\n"
            streams[number % num_files].write(line)
            planted[document.planted] += 1
            size_bytes += len(line)
            if on_progress and size_bytes >= next_report:
                on_progress(min(1.0, size_bytes / wanted_bytes))
                next_report += BYTES_PER_MB
            if size_bytes >= wanted_bytes:
                break
    return Material(files=files, size_bytes=size_bytes, num_rows=planted.total(), planted=dict(planted))


def dealt_lines(source: Path) -> Iterator[bytes]:
    """Yield the lines of the files of a folder in the order in which they were made, whatever the number of files."""
    with ExitStack() as stack:
        streams = [stack.enter_context(path.open("rb")) for path in sorted(source.glob("*.jsonl"))]
        for lines in zip_longest(*streams):
            yield from (line for line in lines if line is not None)


def documents(pools: tuple[Pool, ...], *, seed: int = SEED) -> Iterator[Document]:
    """Yield documents without end."""
    return iter(_Maker(pools, seed))


class _Maker:
    def __init__(self, pools: tuple[Pool, ...], seed: int) -> None:
        self._random = random.Random(seed)
        self._pools = {code: tuple(pool for pool in pools if pool.language == code) for code in LANGUAGES}
        self._language_limits = list(accumulate(LANGUAGE_SHARES[code] for code in LANGUAGES))
        self._planted_limits = list(accumulate(SHARES[kind] for kind in PLANTED))
        self._earlier: list[Document] = []

    def __iter__(self) -> Iterator[Document]:
        number = 0
        while True:
            (planted,) = self._random.choices(PLANTED, cum_weights=self._planted_limits)
            yield self._document(f"d{number:09d}", planted)
            number += 1

    def _document(self, identifier: str, planted: Planted) -> Document:
        if planted in ("exact", "near") and self._earlier:
            original = self._random.choice(self._earlier)
            text = original.text if planted == "exact" else self._near_copy(original)
            return original._replace(id=identifier, text=text, planted=planted)
        pool = self._pool()
        text = self._text(pool)
        if planted == "language":
            others = [code for code in LANGUAGES if code != pool.language]
            return Document(identifier, text, pool.label, self._random.choice(others), planted)
        if planted == "quality":
            return Document(identifier, self._spoilt(text, pool), pool.label, pool.language, planted)
        document = Document(identifier, text, pool.label, pool.language, "none")
        self._remember(document)
        return document

    def _remember(self, document: Document) -> None:
        if len(_units(document)) < UNITS_PER_EDIT:
            return
        if len(self._earlier) < REMEMBERED:
            self._earlier.append(document)
        else:
            self._earlier[int(self._random.random() * REMEMBERED)] = document

    def _pool(self) -> Pool:
        (language,) = self._random.choices(LANGUAGES, cum_weights=self._language_limits)
        return self._random.choice(self._pools[language])

    def _text(self, pool: Pool) -> str:
        """Return paragraphs from different rows of a pool, up to a length that is drawn."""
        draw = self._random.random
        wanted = MIN_CHARACTERS * (MAX_CHARACTERS / MIN_CHARACTERS) ** draw()
        if pool.language in UNSPACED:
            wanted /= CHARACTERS_PER_HAN
        paragraphs: list[str] = []
        used: set[int] = set()
        length = 0
        while (length < wanted or len(paragraphs) < MIN_PARAGRAPHS) and len(used) < len(pool.rows):
            place = int(draw() * len(pool.rows))
            if place in used:
                continue
            used.add(place)
            row = pool.rows[place]
            start = int(draw() * len(row))
            paragraph = pool.joint.join(row[start : start + 1 + int(draw() * 4)])
            paragraphs.append(paragraph)
            length += len(paragraph)
        return "\n\n".join(paragraphs)

    def _near_copy(self, original: Document) -> str:
        """Return the text with one word or character in `UNITS_PER_EDIT` or fewer replaced, left out or repeated."""
        units = _units(original)
        short = [
            place for place, unit in enumerate(units) if unit.strip() == unit and len(unit) <= MAX_EDITED_CHARACTERS
        ]
        edited = list(units)
        for _ in range(1 + int(self._random.random() * (len(units) // UNITS_PER_EDIT))):
            place, other = self._random.choice(short), units[self._random.choice(short)]
            edited[place] = self._random.choice((other, "", f"{units[place]}{_joint(original)}{other}"))
        text = _joint(original).join(edited)
        return text if text != original.text else text + "."

    def _spoilt(self, text: str, pool: Pool) -> str:
        """Return a text that breaks one of the rules of Gopher, made from a good one."""
        lines = [line for line in text.split("\n") if line]
        words = text.split() if pool.language not in UNSPACED else list(text)
        ways = (
            lambda: "\n".join([lines[0]] * 12),
            lambda: "\n".join(f"{line}..." for line in lines * 2),
            lambda: " ".join(f"#{word}" for word in words),
            lambda: pool.joint.join(words[:20]),
            lambda: " ".join(str(int(self._random.random() * 1e6)) if n % 4 else word for n, word in enumerate(words)),
        )
        return self._random.choice(ways)()


def _units(document: Document) -> list[str]:
    return list(document.text) if document.language in UNSPACED else document.text.split(" ")


def _joint(document: Document) -> str:
    return "" if document.language in UNSPACED else " "
