"""Near-duplicate removal as most people write it: a loop over datasketch's MinHash and its LSH index.

Input: a folder of JSON Lines with id and text, and the function that cuts a text into shingles. Output: as JSON on
stdout rows in and out, seconds of each part and the peak of memory. Run it in a process of its own:
`python -m polyloop.bench.corpus.datasketch_peer INPUT [--shingles module:function]`.

The loop is one process, for the index is one dictionary in memory. A shingle may be bytes, which datasketch hashes
(SHA-1), or a 32-bit hash, which it takes as it is. By default they are the ones that Polyloop compares, so that both
answer the same question; that spares datasketch its hashing, and so makes it faster than `character_grams` does.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from polyloop.bench.corpus.memory import PeakMemory
from polyloop.data.near.shingles import shingle_hashes

NAME = "datasketch 2.0, loop over MinHash and MinHashLSH"
NUM_PERMUTATIONS = 128
THRESHOLD = 0.8
GRAM_CHARACTERS = 5

Shingles = Callable[[str], Iterable[Any]]


@dataclass(kw_only=True)
class Outcome:
    """Ids of the rows that repeat an earlier one, and the seconds that each part of the loop took."""

    num_rows: int = 0
    repeated: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=lambda: {"shingle": 0.0, "sign": 0.0, "index": 0.0})


def character_grams(text: str) -> set[bytes]:
    """Return the different runs of five characters of a text in lower case, white space being one space."""
    plain = " ".join(text.lower().split())
    return {
        plain[start : start + GRAM_CHARACTERS].encode() for start in range(max(1, len(plain) - GRAM_CHARACTERS + 1))
    }


def polyloop_shingles(text: str) -> list[int]:
    """Return the shingles that Polyloop compares, as 32-bit hashes."""
    found: list[int] = shingle_hashes([text]).hashes.tolist()
    return found


def drop_near_duplicates(
    rows: Iterable[tuple[str, str]],
    shingles: Shingles,
    *,
    threshold: float = THRESHOLD,
    num_permutations: int = NUM_PERMUTATIONS,
) -> Outcome:
    """Go through (id, text) once; a row stays if the index holds none that is as similar as `threshold`."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(threshold=threshold, num_perm=num_permutations)
    outcome = Outcome()
    template: Any = None
    for identifier, text in rows:
        outcome.num_rows += 1
        started = time.perf_counter()
        cut = list(shingles(text))
        shingled = time.perf_counter()
        if template is None:
            hashed = bool(cut) and not isinstance(cut[0], bytes)
            template = MinHash(num_perm=num_permutations, **({"hashfunc": int} if hashed else {}))
        signature = template.copy()
        signature.update_batch(cut)
        signed = time.perf_counter()
        if index.query(signature):
            outcome.repeated.append(identifier)
        else:
            index.insert(identifier, signature)
        ended = time.perf_counter()
        outcome.seconds["shingle"] += shingled - started
        outcome.seconds["sign"] += signed - shingled
        outcome.seconds["index"] += ended - signed
    return outcome


def read_texts(source: Path) -> Iterator[tuple[str, str]]:
    """Yield id and text of each row of the JSON Lines files of a folder, in the order of their names."""
    for path in sorted(source.glob("*.jsonl")):
        with path.open(encoding="utf-8") as stream:
            for line in stream:
                row = json.loads(line)
                yield row["id"], row["text"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the loop and print what it did."""
    parser = argparse.ArgumentParser(description=NAME)
    parser.add_argument("source", type=Path)
    parser.add_argument("--shingles", default=f"{__package__}.datasketch_peer:polyloop_shingles")
    parser.add_argument("--threshold", type=float, default=THRESHOLD)
    parser.add_argument("--permutations", type=int, default=NUM_PERMUTATIONS)
    options = parser.parse_args(arguments)
    module, _, function = options.shingles.partition(":")
    shingles: Shingles = getattr(import_module(module), function)
    with PeakMemory() as memory:
        started = time.perf_counter()
        outcome = drop_near_duplicates(
            read_texts(options.source),
            shingles,
            threshold=options.threshold,
            num_permutations=options.permutations,
        )
        elapsed_s = time.perf_counter() - started
    report = {
        "name": NAME,
        "permutations": options.permutations,
        "rows_in": outcome.num_rows,
        "rows_out": outcome.num_rows - len(outcome.repeated),
        "seconds": {part: round(seconds, 3) for part, seconds in outcome.seconds.items()},
        "elapsed_s": round(elapsed_s, 3),
        "peak_memory_bytes": memory.peak_bytes,
    }
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
