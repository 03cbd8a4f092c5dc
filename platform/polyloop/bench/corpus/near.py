"""Near-duplicate removal alone, as Polyloop does it in one process: `polyloop.data.near.search` on texts in memory.

Input: a folder of the benchmark's material. Output: as JSON on stdout rows in and out, bytes of text, seconds and the
peak of memory. Run it in a process of its own: `python -m polyloop.bench.corpus.near INPUT [--size-mb N]`, which takes
the first N million bytes of text, row by row from one file after the other, in the order in which they were dealt out.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from polyloop.bench.corpus.material import BYTES_PER_MB, dealt_lines
from polyloop.bench.corpus.memory import PeakMemory
from polyloop.data.near.bands import banding
from polyloop.data.near.search import find_near_duplicates

NAME = "polyloop, find_near_duplicates"
THRESHOLD = 0.8
WARM_UP_TEXTS = 100


def read_texts(source: Path, size_mb: float | None) -> tuple[list[str], int]:
    """Return the first texts of the material, and how many bytes they are in UTF-8."""
    texts: list[str] = []
    size_bytes = 0
    for line in dealt_lines(source):
        if size_mb is not None and size_bytes >= size_mb * BYTES_PER_MB:
            break
        texts.append(json.loads(line)["text"])
        size_bytes += len(texts[-1].encode())
    return texts, size_bytes


def main(arguments: Sequence[str] | None = None) -> None:
    """Find the near duplicates and print what that took, without and with reading."""
    parser = argparse.ArgumentParser(description=NAME)
    parser.add_argument("source", type=Path)
    parser.add_argument("--size-mb", type=float)
    options = parser.parse_args(arguments)
    with PeakMemory() as memory:
        started = time.perf_counter()
        texts, size_bytes = read_texts(options.source, options.size_mb)
        find_near_duplicates(texts[:WARM_UP_TEXTS], THRESHOLD)  # tables that are made once a process
        read = time.perf_counter()
        repeated = find_near_duplicates(texts, THRESHOLD)
        ended = time.perf_counter()
    report = {
        "name": NAME,
        "hashes": banding(THRESHOLD).num_hashes,
        "rows_in": len(texts),
        "rows_out": int((repeated < 0).sum()),
        "text_bytes": size_bytes,
        "seconds": {"read": round(read - started, 3), "find": round(ended - read, 3)},
        "elapsed_s": round(ended - started, 3),
        "peak_memory_bytes": memory.peak_bytes,
    }
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
