"""Where the sockets of a node's replicas are: in a folder that none but their owner can open.

Input: a spec's path and the name of a task. Output: a folder in the system's folder for temporary files, the same for
all processes of one Ray node and no others: it is named after the node, since those of other nodes may see the same
files.
"""

import hashlib
import logging
import os
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

import ray

from polyloop.errors import ClusterError

logger = logging.getLogger("polyloop.serving")

ENDING = ".sock"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def socket_folder(spec_path: str, task: str) -> Path:
    """Return the folder for the sockets of a task's replicas on this node, which is made if there is none.

    ClusterError where it cannot be made, or is another's or open to others: who can open a socket in it can ask, and
    answer, in the place of a replica.
    """
    base = Path(tempfile.gettempdir()) / f"polyloop-{os.getuid()}"
    node = ray.get_runtime_context().get_node_id()
    folder = base / hashlib.sha256(f"{node}\0{spec_path}\0{task}".encode()).hexdigest()[:16]
    try:
        for one in (base, folder):
            one.mkdir(mode=0o700, exist_ok=True)
            found = one.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & _OTHERS:
                raise ClusterError(f"{one} is not a folder that none but its owner can open; remove it")
    except OSError as error:
        raise ClusterError(f"there can be no folder {folder} for sockets: {error}") from error
    return folder


def socket_folders(spec_path: str, tasks: Sequence[str]) -> dict[str, Path]:
    """Return these folders by task, and none where there can be none: all replicas are asked over Serve then."""
    try:
        return {task: socket_folder(spec_path, task) for task in tasks}
    except ClusterError as error:
        logger.warning("replicas of this node are asked over Serve: %s", error)
        return {}
