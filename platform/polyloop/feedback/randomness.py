"""Random bytes of the operating system, asked for in blocks: asking for each alone takes as long as the rest of an id.

Output: bytes that nobody can foresee, each given once. Safe for threads; a forked process begins a block of its own.
"""

import os
import threading

BLOCK_BYTES = 4_096

_lock = threading.Lock()
_block = b""


def random_bytes(count: int) -> bytes:
    """Return so many random bytes, `BLOCK_BYTES` at most."""
    global _block
    with _lock:
        if len(_block) < count:
            _block = os.urandom(BLOCK_BYTES)
        taken, _block = _block[:count], _block[count:]
    return taken


def _forget() -> None:
    """Begin anew in a forked process, which would give the same bytes as its parent, and whose lock may be held."""
    global _block, _lock
    _block, _lock = b"", threading.Lock()


os.register_at_fork(after_in_child=_forget)
