"""Which split a row belongs to, decided by a hash alone, so that it never changes from build to build.

Input: a text that stays the same for a row (its id). Output: train, dev or holdout.
"""

import hashlib

from polyloop.data.rows import Split

HOLDOUT_FRACTION = 0.10
"""Part of an `auto` corpus on which versions are judged."""

DEV_FRACTION = 0.05
"""Part of an `auto` corpus that training looks at to see how it does."""

_RANGE = 2**64


def auto_split(key: str) -> Split:
    """Return the split of a key: 10 % holdout, 5 % dev, the rest train, by BLAKE2b of the key.

    Growing, shrinking or reordering a corpus moves no row. Changing the constants or the hash would move rows into and
    out of the holdout: never do it without a new format version of datasets.
    """
    digest = hashlib.blake2b(key.encode("utf-8"), digest_size=8, person=b"polyloop-split").digest()
    position = int.from_bytes(digest, "big") / _RANGE
    if position < HOLDOUT_FRACTION:
        return "holdout"
    return "dev" if position < HOLDOUT_FRACTION + DEV_FRACTION else "train"
