"""The data card of a dataset: README.md with the metadata header that the Hugging Face Hub reads.

Inputs: the manifest and statistics. Output: Markdown text. Pure: the same inputs give the same card. The header's keys
are those of https://huggingface.co/docs/hub/datasets-cards.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import yaml

from polyloop.data.manifest import Manifest
from polyloop.data.report import history
from polyloop.data.report.bias import ALIKE, coverage, label_differences, label_skew
from polyloop.data.report.content import direction, found_by_corpus, texts_by_locale
from polyloop.data.report.page import REPORT_NAME
from polyloop.data.report.people import group_name
from polyloop.data.rows import SPLITS
from polyloop.data.statistics import PUBLISHED_SOURCES, STATISTICS_NAME, Statistics

CARD_NAME = "README.md"

HUB_LICENCES = frozenset(
    {
        *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "gpl-3.0", "lgpl-3.0", "unlicense"),
        *("cc0-1.0", "cc-by-2.0", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nd-4.0"),
        *("cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nc-nd-4.0"),
        *("cdla-permissive-2.0", "odbl", "odc-by", "pddl"),
    }
)
"""Licences that data often comes under, as the Hub calls them
(https://huggingface.co/docs/hub/repositories-licenses)."""

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_LARGER_SIZES = ((10_000_000, "1M<n<10M"), (100_000_000, "10M<n<100M"), (1_000_000_000, "100M<n<1B"))

_FIELDS = {
    "id": "hash of the task, the locales and the input",
    "task": "name of the task",
    "locale": "BCP-47 tag of the input",
    "target_locale": "BCP-47 tag of the target",
    "input": "the text that the model reads",
    "target": "what it should give: a label or a text",
    "weight": "how much the row counts in training",
    "corpus": "the corpus that it is from; `feedback` for users' corrections",
    "split": "train, dev or holdout",
    "input_ids": "token ids of the input",
    "target_ids": "token ids of the target, or the label's number",
    "licence": "licence of the row",
    "source": "where the row comes from",
}


def render_card(manifest: Manifest, statistics: Statistics) -> str:
    """Return the card as Markdown with a YAML header."""
    sections = [
        _header(manifest, statistics),
        f"# {manifest.task}",
        _summary(manifest, statistics),
        _splits(statistics),
        _fields(),
        _making(manifest),
        _sources(manifest, statistics),
        _personal_data(manifest),
        _bias(statistics),
        _limits(manifest, statistics),
        _provenance(manifest),
    ]
    return "\n\n".join(sections) + "\n"


def _header(manifest: Manifest, statistics: Statistics) -> str:
    locales = {key.locale for key in statistics.texts}
    languages = sorted({locale.partition("-")[0] for locale in locales})
    metadata: dict[str, Any] = {
        "pretty_name": manifest.task,
        "language": languages,
        **_licence(_licences(manifest, statistics)),
        "task_categories": [_category(statistics)],
        "size_categories": [_size(sum(manifest.num_rows(split) for split in SPLITS))],
        "multilinguality": [_multilinguality(languages, statistics)],
        "tags": ["polyloop"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": split, "path": f"{split}/*.parquet"} for split in SPLITS if manifest.num_rows(split)
                ],
            }
        ],
    }
    return f"---\n{yaml.safe_dump(metadata, allow_unicode=True, sort_keys=False)}---"


def _licences(manifest: Manifest, statistics: Statistics) -> list[str]:
    """Return the licences of the rows, or those of the corpora where rows do not say."""
    said = set(statistics.licences) or {record.licence for record in manifest.corpora.values()}
    return sorted(said - {""})


def _licence(licences: Sequence[str]) -> dict[str, Any]:
    known = [licence.lower() for licence in licences if licence.lower() in HUB_LICENCES]
    if not licences:
        return {"license": "unknown"}
    if len(known) == len(licences):
        return {"license": known}
    return {"license": "other", "license_name": ", ".join(licences)}


def _category(statistics: Statistics) -> str:
    if statistics.has_labels:
        return "text-classification"
    translates = any(locale != target for _, locale, target in statistics.directions)
    return "translation" if translates else "text-generation"


def _multilinguality(languages: Sequence[str], statistics: Statistics) -> str:
    if _category(statistics) == "translation":
        return "translation"
    return "multilingual" if len(languages) > 1 else "monolingual"


def _size(rows: int) -> str:
    return next((name for limit, name in (*_SIZES, *_LARGER_SIZES) if rows < limit), "n>1B")


def _summary(manifest: Manifest, statistics: Statistics) -> str:
    rows = sum(manifest.num_rows(split) for split in SPLITS)
    kind = "texts with one label each" if statistics.has_labels else "pairs of an input and a target text"
    pairs = sorted({direction(locale, target) for _, locale, target in statistics.directions})
    return (
        f"{rows:,} {kind}, in {', '.join(pairs)}, cleaned and deduplicated by Polyloop {manifest.code_version} from "
        f"{len(manifest.corpora)} corpora; {history.dropped_share(manifest)} of the rows read were left out. Plots and "
        f"samples of what was left out are in `{REPORT_NAME}`, all counts in `{STATISTICS_NAME}`."
    )


def _splits(statistics: Statistics) -> str:
    rows: dict[str, Counter[str]] = {}
    for (split, locale, target), count in sorted(statistics.directions.items()):
        rows.setdefault(direction(locale, target), Counter())[split] += count
    body = [(name, *(f"{counts[split]:,}" for split in SPLITS)) for name, counts in rows.items()]
    lengths = [
        (locale, side, f"{text.characters.mean:,.0f}", f"{text.tokens.mean:,.0f}", f"{text.characters.maximum or 0:,}")
        for side in sorted({key.side for key in statistics.texts})
        for locale, text in texts_by_locale(statistics, side).items()
    ]
    return "\n\n".join(
        [
            "## Splits",
            "The holdout is frozen: no row moves into or out of it between builds, and no feedback of users enters it.",
            _table(("locale", *SPLITS), body),
            _table(("locale", "side", "mean characters", "mean tokens", "longest, characters"), lengths),
        ]
    )


def _fields() -> str:
    return f"## Fields\n\n{_table(('field', 'meaning'), [(f'`{name}`', text) for name, text in _FIELDS.items()])}"


def _making(manifest: Manifest) -> str:
    rows = [
        (step.name, f"{step.rows_in:,}", f"{step.rows_changed:,}", f"{step.rows_out:,}", _dropped(step.dropped))
        for step in manifest.steps
    ]
    steps = _table(("step", "rows in", "changed", "rows out", "dropped"), rows)
    return f"## How it was made\n\nEach step saw what the one before it let through.\n\n{steps}"


def _dropped(dropped: dict[str, int]) -> str:
    return ", ".join(f"{reason} {rows:,}" for reason, rows in sorted(dropped.items(), key=lambda item: -item[1]))


def _sources(manifest: Manifest, statistics: Statistics) -> str:
    corpora = [
        (name, record.licence or "none said", record.source or record.hub or "not said", f"{record.rows_kept:,}")
        for name, record in manifest.corpora.items()
    ]
    parts = ["## Sources and licences", _table(("corpus", "licence", "source", "rows"), corpora)]
    if len(statistics.licences) > 1:
        licences = [(name or "none said", f"{rows:,}") for name, rows in statistics.licences.most_common()]
        parts.append(_table(("licence of the row", "rows"), licences))
    top = statistics.sources.top(PUBLISHED_SOURCES).listed
    if len(top) > 1:
        parts.append(f"The most frequent of the rows' sources: {', '.join(_plain(name) for name in list(top)[:10])}.")
    return "\n\n".join(parts)


def _personal_data(manifest: Manifest) -> str:
    totals = sum(found_by_corpus(manifest, history.PII_NOTE).values(), Counter[str]())
    if not totals:
        text = "No search for personal data was made, or none was found; texts may hold some."
    else:
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in totals.most_common())
        text = (
            f"Found while cleaning: {kinds}. The spec says whether it was masked, dropped or only counted. Names and "
            "addresses are not searched for by patterns, so texts may still hold some."
        )
    return f"## Personal data\n\n{text}"


def _bias(statistics: Statistics) -> str:
    lines = [
        "## Biases",
        "",
        "Counted over the train split, with short lists of neutral words for groups of people.",
        "",
    ]
    lines += [
        f"- Labels of {skew.locale}: {100 * skew.distance:.1f} % would have to change to be like all locales together."
        for skew in label_skew(statistics)
        if skew.distance >= ALIKE
    ]
    clear = [one for one in label_differences(statistics) if one.verdict == "clear"]
    lines += [
        f"- {one.locale}, {group_name(one.group)} ({one.rows:,} rows): `{_plain(one.label)}` {one.points:+.1f} points "
        "against all rows of the locale."
        for one in sorted(clear, key=lambda one: -abs(one.points))[:10]
    ]
    genders: dict[str, list[str]] = {}
    for one in coverage(statistics):
        if one.group in ("gender/women", "gender/men"):
            genders.setdefault(f"{one.locale}, {one.side}s", []).append(f"{group_name(one.group)} {one.rows:,}")
    lines += [f"- {place}: rows with words for {', '.join(counts)}." for place, counts in genders.items()]
    return "\n".join(lines)


def _limits(manifest: Manifest, statistics: Statistics) -> str:
    limits = [
        "What cleaning found and dropped goes by rules and models that err; texts were not read by people.",
        "Word lists find words as written: they miss paraphrase, and count homographs.",
        *(f"Warning of the build: {warning}." for warning in manifest.warnings),
    ]
    if statistics.has_labels:
        limits.append("Labels are those of the corpora; some will be wrong.")
    return "\n".join(["## Limits", "", *(f"- {_plain(limit)}" for limit in limits)])


def _provenance(manifest: Manifest) -> str:
    facts = {
        "dataset": manifest.digest,
        "holdout": manifest.holdout_digest,
        "build key": manifest.build_key,
        "spec": manifest.spec_digest,
        "tokenizer": manifest.tokenizer.sha256,
        "code": manifest.code_version,
        "created": manifest.created_at.isoformat(timespec="seconds"),
    }
    return "\n".join(["## Provenance", "", *(f"- {name}: `{value}`" for name, value in facts.items())])


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(map(_plain, line))} |" for line in lines)


def _plain(text: str) -> str:
    """Return a text that neither ends a table's cell nor begins a tag."""
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
