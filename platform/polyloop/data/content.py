"""Digests of a dataset's content: the same rows give the same digest, whatever files, order or CPUs they came through.

A split's digest is a two-level hash tree. A leaf is the rows whose ids begin with the same three hexadecimal digits,
in the order of ids; buckets are made of whole leaves (`polyloop.data.passes.buckets`), so leaves can be hashed side by
side.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from itertools import groupby

import pyarrow as pa

from polyloop.data.rows import SPLITS, Split
from polyloop.data.storage import json_sha256

LEAF_DIGITS = 3
CONTENT_COLUMNS = ("id", "locale", "target_locale", "input", "target", "weight", "corpus")
"""What is hashed of a row; the token ids follow from these and the tokenizer."""


def leaf_digests(rows: pa.Table) -> Iterator[tuple[str, str]]:
    """Yield first digits and SHA-256 (hex) of each leaf; `rows` are of one split, sorted by id."""
    columns = zip(*(rows[name].to_pylist() for name in CONTENT_COLUMNS), strict=True)
    for prefix, leaf in groupby(columns, key=lambda row: row[0][:LEAF_DIGITS]):
        sha256 = hashlib.sha256()
        for row in leaf:
            sha256.update(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        yield prefix, sha256.hexdigest()


def split_digests(leaves: Iterable[tuple[Split, str, str]]) -> dict[Split, str]:
    """Return the digest of each split from all its leaves (split, first digits, digest), in any order."""
    ordered = sorted(leaves)
    return {split: json_sha256([leaf[1:] for leaf in ordered if leaf[0] == split]) for split in SPLITS}
