"""Benchmark `corpus`: cleaning and deduplication of text, beside datatrove's and datasketch's on the same files.

Input: the public datasets, of which material is made. Output: figures. Everything that is measured runs in a process of
its own, one at a time, in a temporary folder; the full run writes 2.2 GB there and takes about 15 minutes on two cores.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from polyloop.bench.corpus.material import BYTES_PER_MB as MB
from polyloop.bench.corpus.material import dealt_lines, write_material
from polyloop.bench.figures import Figure
from polyloop.bench.processes import Printed, run_module
from polyloop.errors import SpecError
from polyloop.spec.settings import settings

PACKAGE = "polyloop.bench.corpus"
FILES = 8

PIPELINE_BAR = 1.5
"""Least ratio of rows a second to datatrove's."""

NEAR_BAR = 5.0
"""Least ratio of rows a second to a loop over datasketch."""

WORKERS_BAR = 1.7
"""Least ratio of two workers to one."""

FLAT_BAR = 1.3
"""Largest ratio of the dearest to the cheapest size, and of the peaks of memory of the larger and the smaller input."""

DATASKETCH_PERMUTATIONS = 128
"""What datasketch itself takes if it is not told."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Millions of bytes of input."""

    pipeline_mb: float
    near_mb: float
    """What the datasketch loop is given too."""
    near_sizes_mb: tuple[float, ...]
    streaming_mb: tuple[float, float]


STANDARD = Sizes(pipeline_mb=200, near_mb=50, near_sizes_mb=(100, 500, 2000), streaming_mb=(250, 1000))
QUICK = Sizes(pipeline_mb=20, near_mb=5, near_sizes_mb=(5, 20), streaming_mb=(5, 20))


def run(*, quick: bool) -> list[Figure]:
    """Return the figures; SpecError if it is not said where the datasets are, ClusterError if a process fails."""
    datasets = settings().datasets
    if datasets is None:
        raise SpecError("benchmark material is made from the public datasets: set POLYLOOP_DATASETS to their folder")
    with tempfile.TemporaryDirectory(prefix="polyloop-bench-") as folder:
        return measure(QUICK if quick else STANDARD, datasets.resolve(), Path(folder))


def measure(sizes: Sizes, datasets: Path, work: Path) -> list[Figure]:
    """Return the figures for these sizes; `work` is a folder for material and results."""
    small, large = work / "material", work / "large"
    write_material(small, datasets, size_mb=sizes.pipeline_mb, num_files=FILES)
    datatrove = run_part("datatrove_peer", small, work / "datatrove", "--workers", 2)
    # by turns, and the better of two each, since the speed of a shared machine changes between one run and the next
    turns = [
        [run_part("ours", small, work / f"{name}-{workers}", "--workers", workers) for workers in (2, 1)]
        for name in ("first", "second")
    ]
    two, one = (min(runs, key=lambda run: run["elapsed_s"]) for runs in zip(*turns, strict=True))
    sample = first_rows(small, sizes.near_mb, work / "near-sample")
    near = run_part("near", sample)
    loops = [
        run_part("datasketch_peer", sample, "--permutations", permutations)
        for permutations in (DATASKETCH_PERMUTATIONS, near["hashes"])
    ]
    largest_mb = max(*sizes.near_sizes_mb, *sizes.streaming_mb)
    num_files = round(largest_mb / sizes.streaming_mb[0] * FILES)
    write_material(large, datasets, size_mb=largest_mb, num_files=num_files)
    by_size = [run_part("near", large, "--size-mb", size) for size in sizes.near_sizes_mb]
    streamed = []
    for size in sizes.streaming_mb:
        part = linked(large, round(size / largest_mb * num_files), work / f"stream-{size:g}")
        streamed.append(run_part("ours", part, work / f"streamed-{size:g}", "--workers", 2, "--clean-only", "--memory"))
    return [
        *pipeline_figures(two, datatrove, sizes.pipeline_mb),
        workers_figure(two, one),
        *(near_figure(near, loop, sizes.near_mb) for loop in loops),
        cost_figure(dict(zip(sizes.near_sizes_mb, by_size, strict=True))),
        memory_figure(dict(zip(sizes.streaming_mb, streamed, strict=True))),
    ]


def pipeline_figures(ours: Printed, theirs: Printed, size_mb: float) -> list[Figure]:
    """Compare the common pipeline with datatrove's, without and with what it takes to start."""
    # Ray's start is told apart, and so is datatrove's: its stage that does nothing.
    their_rate = theirs["rows_in"] / (theirs["elapsed_s"] - theirs["seconds"]["start"])
    return [
        Figure(
            name=f"common pipeline, {size_mb:g} MB, 2 workers",
            value=ours["rows_in"] / ours["elapsed_s"],
            unit="rows/s",
            peer=theirs["name"],
            peer_value=their_rate,
            bar=PIPELINE_BAR,
            details={"ours": ours, "peer": theirs},
        ),
        Figure(
            name=f"the same with its start: {ours['start_s']:.1f} s for Ray",
            value=ours["rows_in"] / (ours["elapsed_s"] + ours["start_s"]),
            unit="rows/s",
            peer=theirs["name"],
            peer_value=theirs["rows_in"] / theirs["elapsed_s"],
        ),
    ]


def workers_figure(two: Printed, one: Printed) -> Figure:
    """Compare the common pipeline in two workers with that in one."""
    return Figure(
        name="2 workers beside 1",
        value=two["rows_in"] / two["elapsed_s"],
        unit="rows/s",
        peer="1 worker",
        peer_value=one["rows_in"] / one["elapsed_s"],
        bar=WORKERS_BAR,
        details={"one_worker": one},
    )


def near_figure(ours: Printed, loop: Printed, size_mb: float) -> Figure:
    """Compare near-duplicate removal, reading included, with a loop over datasketch."""
    return Figure(
        name=f"near duplicates alone, {size_mb:g} MB, 1 process",
        value=ours["rows_in"] / ours["elapsed_s"],
        unit="rows/s",
        peer=f"{loop['name']}, {loop['permutations']} permutations",
        peer_value=loop["rows_in"] / loop["elapsed_s"],
        bar=NEAR_BAR,
        details={"ours": ours, "peer": loop},
    )


def cost_figure(runs: dict[float, Printed]) -> Figure:
    """Tell how much more a byte costs in near-duplicate removal at the dearest size (MB) than at the cheapest."""
    costs = {f"{size:g} MB": one["seconds"]["find"] / (one["text_bytes"] / MB) for size, one in runs.items()}
    return Figure(
        name=f"near duplicates: cost of a byte, dearest over cheapest of {', '.join(costs)}",
        value=max(costs.values()) / min(costs.values()),
        unit="times",
        bar=FLAT_BAR,
        at_most=True,
        details={"seconds_per_mb": costs, "runs": list(runs.values())},
    )


def memory_figure(runs: dict[float, Printed]) -> Figure:
    """Tell how the streaming pass's peak of memory grows with the input (MB), that of the idle Ray left out."""
    peaks = {f"{size:g} MB": one["peak_memory_bytes"] - one["idle_memory_bytes"] for size, one in runs.items()}
    smaller, larger = peaks.values()
    return Figure(
        name=f"memory of the streaming pass, {' to '.join(peaks)}",
        value=larger / MB,
        unit="MB",
        peer="the smaller input",
        peer_value=smaller / MB,
        bar=FLAT_BAR,
        at_most=True,
        details={"peak_above_idle_bytes": peaks, "runs": list(runs.values())},
    )


def run_part(module: str, *arguments: object) -> Printed:
    """Run a module of this package in a process of its own and return what it printed; ClusterError if it fails."""
    return run_module(f"{PACKAGE}.{module}", *arguments)


def first_rows(source: Path, size_mb: float, folder: Path) -> Path:
    """Return a new folder with the first rows of material, in their order, in one file."""
    folder.mkdir()
    left = size_mb * MB
    with (folder / "part.jsonl").open("wb") as stream:
        for line in dealt_lines(source):
            left -= stream.write(line)
            if left <= 0:
                break
    return folder


def linked(source: Path, num_files: int, folder: Path) -> Path:
    """Return a new folder with the first files of another."""
    folder.mkdir()
    for path in sorted(source.glob("*.jsonl"))[:num_files]:
        (folder / path.name).symlink_to(path)
    return folder
