"""The HTML report of a dataset: one file that needs no network and no script, for light and dark screens and for paper.

Inputs: the manifest, statistics, samples of dropped rows and, where there is one, the label noise report. Output: the
page. Pure: the same inputs give the same page. Every text is escaped; text of the data keeps its own direction.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from markupsafe import Markup

from polyloop.data.label_noise import LabelNoise
from polyloop.data.manifest import DROPS_NAME, Manifest
from polyloop.data.report import content, history
from polyloop.data.report.people import people
from polyloop.data.rows import SPLITS
from polyloop.data.statistics import Statistics
from polyloop.pages.blocks import Section
from polyloop.pages.page import Notice, Page, render_page

REPORT_NAME = "report.html"

# Before the last two sections, which are about where rows come from.
_NOISE_PLACE = -2


def render_report(
    manifest: Manifest,
    statistics: Statistics,
    drops: Sequence[Mapping[str, Any]],
    label_noise: LabelNoise | None = None,
    suspect_texts: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return the page; `drops` are the lines of drops.jsonl as plain data, `suspect_texts` inputs by their ids."""
    sections = _sections(manifest, statistics, drops)
    if label_noise is not None:
        sections.insert(_NOISE_PLACE, history.label_noise(label_noise, suspect_texts))
    built = Markup("dataset <code>{}</code>, built {:%Y-%m-%d %H:%M} UTC by version {}").format(
        manifest.digest[:12], manifest.created_at, manifest.code_version
    )
    return render_page(
        Page(
            title=f"{manifest.task}: dataset {manifest.digest[:12]}",
            brand="Polyloop dataset report",
            heading=manifest.task,
            aside=built,
            tiles=_tiles(manifest, statistics),
            notice=Notice(title="Warnings", lines=manifest.warnings) if manifest.warnings else None,
            sections=sections,
        )
    )


def read_drops(folder: Path) -> list[dict[str, Any]]:
    """Return the samples of dropped rows of a dataset's folder."""
    text = (folder / DROPS_NAME).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def _sections(manifest: Manifest, statistics: Statistics, drops: Sequence[Mapping[str, Any]]) -> list[Section]:
    sections = [
        content.sizes(statistics),
        history.steps(manifest),
        history.dropped(manifest, drops),
        history.repeated(manifest),
        content.labels(statistics),
        content.lengths(statistics),
        content.languages(manifest, statistics),
        people(statistics),
        history.personal_data(manifest),
        history.sources(manifest, statistics),
        history.provenance(manifest),
    ]
    return [section for section in sections if section is not None]


def _tiles(manifest: Manifest, statistics: Statistics) -> list[tuple[str, str]]:
    """Return the figures that stand at the top, each with what it is."""
    directions = {(locale, target) for _, locale, target in statistics.directions}
    size_mb = sum(file.size_bytes for file in manifest.files) / 1e6
    splits = [(split, f"{manifest.num_rows(split):,}") for split in SPLITS]
    return [
        *((f"{split} rows", rows) for split, rows in splits),
        ("locales", ", ".join(sorted(content.direction(*pair) for pair in directions)[:9])),
        ("of the rows read dropped", history.dropped_share(manifest)),
        ("MB on disk", f"{size_mb:,.1f}"),
    ]
