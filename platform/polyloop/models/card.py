"""The model card of a version: README.md with the metadata header that the Hugging Face Hub reads.

Input: the version's facts. Output: Markdown text. Pure: the same facts give the same card.
"""

import yaml

from polyloop.models.manifest import MetricRow, VersionFacts

PIPELINES = {
    "classify": "text-classification",
    "translate": "translation",
    "summarize": "summarization",
    "generate": "text-generation",
    "chat": "text-generation",
}
"""Hub names of what a kind does (https://huggingface.co/docs/hub/models-tasks)."""


def render_card(facts: VersionFacts) -> str:
    """Return the card as Markdown with a YAML header."""
    sections = [
        _header(facts),
        f"# {facts.task} {facts.version}",
        _intended_use(facts),
        _data(facts),
        _results(facts.metrics),
        _limits(facts),
        _lineage(facts),
    ]
    return "\n\n".join(sections) + "\n"


def _header(facts: VersionFacts) -> str:
    licences = sorted({corpus.licence for corpus in facts.corpora})
    metadata = {
        "language": sorted({locale.split("-")[0] for locale in facts.locales}),
        "license": "other",
        "license_name": ", ".join(licences) or "unknown",
        "datasets": [corpus.name for corpus in facts.corpora],
        "metrics": sorted({row.metric for row in facts.metrics}),
        "library_name": "transformers",
        "pipeline_tag": PIPELINES[facts.kind],
        "tags": ["polyloop"],
    }
    if facts.base_model:
        metadata["base_model"] = facts.base_model
    return f"---\n{yaml.safe_dump(metadata, allow_unicode=True, sort_keys=False)}---"


def _intended_use(facts: VersionFacts) -> str:
    locales = f"Locales: {', '.join(facts.locales)}."
    uses = {
        "classify": f"Puts a text into one of: {', '.join(facts.labels)}. {locales}",
        "translate": f"Translates: {', '.join(pair.replace('>', ' to ') for pair in facts.pairs)}.",
        "summarize": f"Shortens a text in its own language. {locales}",
        "generate": f"Writes a text for a prompt. {locales}",
        "chat": f"Replies in a conversation. {locales}",
    }
    use = uses[facts.kind]
    return f"## Intended use\n\n{use} Made for the task `{facts.task}`; other texts are outside what was measured."


def _data(facts: VersionFacts) -> str:
    lines = ["## Data and licences", "", "| corpus | licence | source |", "| --- | --- | --- |"]
    lines += [f"| {_cell(c.name)} | {_cell(c.licence)} | {_cell(c.source)} |" for c in facts.corpora]
    lines += ["", "The weights are derived from this data; heed its licences when you pass them on."]
    return "\n".join(lines)


def _results(rows: tuple[MetricRow, ...]) -> str:
    lines = ["## Results on the holdout", "", "| locale | metric | points | interval | rows |"]
    lines += ["| --- | --- | ---: | ---: | ---: |"]
    lines += [
        f"| {row.locale} | {row.metric} | {row.value:.1f} | {row.low:.1f} to {row.high:.1f} | {row.num_rows} |"
        for row in rows
    ]
    return "\n".join(lines)


def _limits(facts: VersionFacts) -> str:
    lines = [
        "## Limits",
        "",
        f"- Inputs of more than {facts.max_input_tokens} tokens are refused.",
        "- The figures hold for the holdout's texts; a locale that has no row in the table was not measured.",
    ]
    if facts.kind != "classify":
        lines.append(f"- Outputs end after {facts.max_target_tokens} tokens at the latest.")
    else:
        lines.append("- Every input gets one of the labels, fitting or not; read the scores.")
    return "\n".join(lines)


def _lineage(facts: VersionFacts) -> str:
    rows = {
        "dataset": facts.dataset_digest,
        "holdout": facts.holdout_digest,
        "spec": facts.spec_digest,
        "training": facts.training_digest,
        "code": facts.code_version,
        "trained on from": facts.parent or facts.base_model or "random weights",
        **({"preferences": facts.preferences_digest} if facts.preferences_digest else {}),
        "created": facts.created_at.isoformat(timespec="seconds"),
    }
    return "\n".join(["## Lineage", "", *(f"- {name}: `{value}`" for name, value in rows.items())])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
