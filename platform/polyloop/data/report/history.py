"""The part of a report that tells how a dataset was made: steps, dropped rows, personal data, sources and provenance.

Inputs: the manifest, statistics, samples of dropped rows and, where there is one, the label noise report. Output:
sections, None where there is nothing to tell. Pure.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from polyloop.data.label_noise import LabelNoise
from polyloop.data.manifest import Manifest
from polyloop.data.report.content import MAX_BARS, found_by_corpus, found_table
from polyloop.data.rows import SAMPLE_CHARACTERS
from polyloop.data.statistics import PUBLISHED_SOURCES, Statistics
from polyloop.pages.blocks import (
    Block,
    Cell,
    CellValue,
    Pair,
    Paragraph,
    Quote,
    Quotes,
    Section,
    percent,
    percent_text,
    quoted,
    shown,
    table,
)
from polyloop.pages.charts import Bar, bar_chart

PII_NOTE = "pii:"
"""How the notes of the step for personal data begin."""

REPETITION_WORDS = ("duplicate", "in_holdout", "in_dev", "near_", "contaminat", "conflicting", "repeat")
"""Parts of the names of reasons that are about rows which repeat something."""

MAX_SUSPECTS = 50
"""Suspects of wrong labels that a page shows."""

_ID_DIGITS = 12


def steps(manifest: Manifest) -> Section | None:
    """Return what each step of the build let through."""
    if not manifest.steps:
        return None
    bars = [
        Bar(
            name=step.name,
            parts={"kept": step.rows_out, "dropped": step.rows_in - step.rows_out},
            text=f"{step.rows_out:,}",
        )
        for step in manifest.steps
    ]
    rows: list[Sequence[CellValue]] = [
        (
            step.name,
            step.rows_in,
            step.rows_changed,
            step.rows_in - step.rows_out,
            step.rows_out,
            _reasons(step.dropped),
        )
        for step in manifest.steps
    ]
    headings = ("step", "rows in", "changed", "dropped", "rows out", "why dropped")
    return Section(
        key="steps",
        title="From rows read to rows kept",
        blocks=(
            Pair(
                chart=bar_chart("Rows after each step", bars, ("kept", "dropped")),
                table=table("Steps of the build, in order", headings, rows),
            ),
        ),
    )


def _reasons(dropped: Mapping[str, int]) -> str:
    ranked = sorted(dropped.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{reason} {rows:,}" for reason, rows in ranked)


def dropped(manifest: Manifest, drops: Sequence[Mapping[str, Any]]) -> Section:
    """Return why rows were dropped, by corpus, with samples of each reason."""
    if not manifest.dropped:
        return Section(key="dropped", title="Dropped rows", blocks=(Paragraph(text="No row was dropped."),))
    bars = [Bar(name=reason, parts={"": n}, text=f"{n:,}") for reason, n in list(manifest.dropped.items())[:MAX_BARS]]
    rows: list[Sequence[CellValue]] = [
        (name, reason, count, percent(count / max(record.rows_read, 1)))
        for name, record in manifest.corpora.items()
        for reason, count in record.dropped.items()
    ]
    return Section(
        key="dropped",
        title="Dropped rows",
        blocks=(
            Pair(
                chart=bar_chart("Rows dropped, by reason", bars, ("",)),
                table=table("Reasons by corpus", ("corpus", "reason", "rows", "of the corpus"), rows),
            ),
            *(_samples(reason, count, drops) for reason, count in manifest.dropped.items()),
        ),
    )


def _samples(reason: str, count: int, drops: Sequence[Mapping[str, Any]]) -> Block:
    samples = [drop for drop in drops if drop["reason"] == reason]
    quotes = tuple(
        Quote(
            shown(str(drop["sample"])),
            tuple((name, shown(str(value))) for name, value in drop.items() if name not in ("reason", "sample")),
        )
        for drop in samples
    )
    return Quotes(caption=f"{reason}: {len(quotes):,} of {count:,} rows", quotes=quotes)


def repeated(manifest: Manifest) -> Section | None:
    """Return the rows that were dropped since they repeat others, or what versions are judged on."""
    counts = {
        name: Counter({why: n for why, n in record.dropped.items() if any(part in why for part in REPETITION_WORDS)})
        for name, record in manifest.corpora.items()
    }
    counts = {name: found for name, found in counts.items() if found}
    if not counts:
        return None
    text = "Rows that repeat another row, or that share text with what versions are judged on, were left out."
    return Section(
        key="repeated",
        title="Duplicates and leakage",
        blocks=(Paragraph(text=text), found_table("Rows left out as repetition, by corpus", "reason", counts)),
    )


def personal_data(manifest: Manifest) -> Section:
    """Return which personal data the step for it found."""
    found = found_by_corpus(manifest, PII_NOTE)
    blocks: tuple[Block, ...] = (
        Paragraph(
            text="None was found, or none was looked for: see “pii” under “cleaning” of each corpus in the spec."
        ),
    )
    if found:
        text = (
            "Found by pattern and checksum, so names and addresses are not among it. Whether it was masked, dropped or "
            "only counted is said by “pii” under “cleaning” of each corpus in the spec."
        )
        blocks = (Paragraph(text=text), found_table("Personal data found, by corpus", "kind", found))
    return Section(key="personal-data", title="Personal data", blocks=blocks)


def sources(manifest: Manifest, statistics: Statistics) -> Section:
    """Return where rows come from, and under which licences."""
    corpora: list[Sequence[CellValue]] = [
        (
            name,
            record.licence or "none said",
            record.source or record.hub or "not said",
            record.rows_read,
            record.rows_kept,
            percent(1 - record.rows_kept / max(record.rows_read, 1)),
        )
        for name, record in manifest.corpora.items()
    ]
    headings = ("corpus", "licence", "source", "rows read", "rows kept", "dropped")
    blocks: list[Block] = [table("Corpora", headings, corpora)]
    total = max(statistics.licences.total(), 1)
    if statistics.licences:
        rows = [(name or "none said", rows, percent(rows / total)) for name, rows in statistics.licences.most_common()]
        blocks.append(table("Rows by licence", ("licence", "rows", "share"), rows))
    top = statistics.sources.top(PUBLISHED_SOURCES)
    listed: list[Sequence[CellValue]] = [(name or "not said", count) for name, count in top.listed.most_common()]
    if top.unlisted_rows:
        listed.append(("all others", top.unlisted_rows))
    if len(listed) > 1:
        blocks.append(table("Rows by source", ("source", "rows"), listed, is_folded=len(listed) > MAX_BARS))
    return Section(key="sources", title="Sources and licences", blocks=tuple(blocks))


def label_noise(noise: LabelNoise, texts: Mapping[str, str]) -> Section:
    """Return rows whose label may be wrong; `texts` gives the inputs of the suspects by their ids, as far as known."""
    text = (
        f"A simple model that had not seen a row gave {noise.num_rows:,} rows their label; it was that of the row for "
        f"{percent_text(noise.hit_rate)}. Rows that it is sure belong to another label may be wrong: look at them. "
        "What the model cannot tell apart looks the same, so the shares are upper bounds."
    )
    rates: list[Sequence[CellValue]] = [
        (label, percent(rate, heat=True))
        for label, rate in sorted(noise.rates.items(), key=lambda item: (-item[1], item[0]))
    ]
    suspects: list[Sequence[CellValue]] = [
        (
            Cell(one.id[:_ID_DIGITS], "code"),
            one.locale,
            one.given,
            one.suggested,
            percent(one.confidence),
            quoted(texts.get(one.id, "")[:SAMPLE_CHARACTERS]),
        )
        for one in noise.suspects[:MAX_SUSPECTS]
    ]
    caption = f"Most probable of the suspects ({len(suspects):,} of {len(noise.suspects):,})"
    headings = ("id", "locale", "label", "more probable", "probability", "text")
    return Section(
        key="label-noise",
        title="Labels that may be wrong",
        blocks=(
            Paragraph(text=text),
            table("Share of each label's rows that seem to belong elsewhere, at most", ("label", "share"), rates),
            table(caption, headings, suspects, is_folded=True),
        ),
    )


def provenance(manifest: Manifest) -> Section:
    """Return what the dataset was made from, and with what."""
    facts: list[Sequence[CellValue]] = [
        ("digest", Cell(manifest.digest, "code")),
        ("holdout digest", Cell(manifest.holdout_digest, "code")),
        ("build key", Cell(manifest.build_key, "code")),
        ("spec digest", Cell(manifest.spec_digest, "code")),
        ("feedback digest", Cell(manifest.feedback_digest or "no feedback", "code")),
        ("tokenizer", f"{manifest.tokenizer.kind}, {manifest.tokenizer.vocab_size:,} tokens"),
        ("tokenizer digest", Cell(manifest.tokenizer.sha256, "code")),
        ("code version", manifest.code_version),
        ("built", f"{manifest.created_at:%Y-%m-%d %H:%M} UTC"),
        ("duration", f"{manifest.duration_s:,.1f} s, {manifest.rows_per_s:,.0f} rows read a second"),
    ]
    read = [
        (name, Cell(file.path, "code"), file.size_bytes, Cell(file.sha256, "code"))
        for name, record in manifest.corpora.items()
        for file in record.files
    ]
    made = [(Cell(file.name, "code"), file.size_bytes, Cell(file.sha256, "code")) for file in manifest.files]
    return Section(
        key="provenance",
        title="Provenance",
        blocks=(
            table("How to tell this dataset from another", ("fact", "value"), facts),
            table(f"Files read ({len(read):,})", ("corpus", "path", "bytes", "SHA-256"), read, is_folded=True),
            table(f"Files of the dataset ({len(made):,})", ("name", "bytes", "SHA-256"), made, is_folded=True),
        ),
    )


def dropped_share(manifest: Manifest) -> str:
    """Return the part of the rows read that was dropped, in per cent."""
    rows_read = sum(record.rows_read for record in manifest.corpora.values())
    return percent_text(sum(manifest.dropped.values()) / max(rows_read, 1))
