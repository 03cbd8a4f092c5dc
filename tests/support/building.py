"""A process of its own that builds the dataset of `task`, says what goes on, and can be made to stop or die on the way.

Run as `python building.py ADDRESS SPEC [--cpus N] [--small] [--kill-at MESSAGE] [--wait-at MESSAGE]`. ADDRESS is a Ray
cluster's, on which it does one piece of work at a time, or `local` for one of its own. At the first message that begins
so the process kills its group, or waits for a line on its standard input. Its last words are the digest of the dataset.
"""

import argparse
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

SMALL_BYTES = 16_384
"""Slices and buckets so small that a small corpus has many."""


def small_pieces(patch: Any) -> None:
    """Let slices, buckets and partitions be small; `patch` has `setattr(module, name, value)` as monkeypatch has."""
    from polyloop.data.passes import buckets, match
    from polyloop.data.read import scan

    patch.setattr(scan, "SLICE_BYTES", SMALL_BYTES)
    patch.setattr(buckets, "BUCKET_BYTES", SMALL_BYTES)
    patch.setattr(match, "PARTITION_ENTRIES", 2_000)


def start_building(address: str, spec: Path, *options: str) -> "subprocess.Popen[str]":
    """Start such a process, in a group of its own."""
    command = [sys.executable, __file__, address, str(spec), *options]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, start_new_session=True)


def wait_for(process: "subprocess.Popen[str]", message: str) -> list[str]:
    """Return what the process says up to a line that begins so; AssertionError if it ends before."""
    assert process.stdout is not None
    said: list[str] = []
    for line in iter(process.stdout.readline, ""):
        said.append(line.rstrip("\n"))
        if line.startswith(message):
            return said
    raise AssertionError(f"the build never said {message!r}, but {said}")


def _main() -> None:
    import ray
    from ray.data import DataContext, ExecutionResources

    from polyloop.data.build import build_dataset
    from polyloop.data.stages import CPUS_PER_ITEM
    from polyloop.spec.loader import load_spec

    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("spec", type=Path)
    parser.add_argument("--cpus", type=int)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--kill-at")
    parser.add_argument("--wait-at")
    given = parser.parse_args()
    if given.small:
        small_pieces(_Patch)
    waited = False

    def tell(message: str) -> None:
        nonlocal waited
        print(message, flush=True)
        if given.kill_at and message.startswith(given.kill_at):
            os.killpg(0, signal.SIGKILL)
        if given.wait_at and message.startswith(given.wait_at) and not waited:
            waited = True
            sys.stdin.readline()

    cluster: dict[str, Any] = {"num_cpus": given.cpus, "include_dashboard": False} if given.cpus else {}
    if not given.cpus:  # one worker starts faster than four
        DataContext.get_current().execution_options.resource_limits = ExecutionResources(cpu=CPUS_PER_ITEM)
    ray.init(address=given.address, log_to_driver=False, logging_level=logging.ERROR, **cluster)
    print("ready", flush=True)
    print(build_dataset(load_spec(given.spec), "task", progress=tell).digest, flush=True)


class _Patch:
    setattr = staticmethod(setattr)


if __name__ == "__main__":
    _main()
