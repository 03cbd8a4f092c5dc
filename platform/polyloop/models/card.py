"""The model card of a version: README.md with the metadata header that the Hugging Face Hub reads.

Input: the version's facts. Output: Markdown text. Pure: the same facts give the same card.
"""

import yaml

from polyloop.models.decision import MEMBER_PROBABILITY
from polyloop.models.manifest import DecisionNote, EngineNote, GroupRow, MetricRow, VersionFacts

PIPELINES = {
    "classify": "text-classification",
    "translate": "translation",
    "summarize": "summarization",
    "generate": "text-generation",
    "chat": "text-generation",
    "answer": "question-answering",
}
"""Hub names of what a kind does (https://huggingface.co/docs/hub/models-tasks)."""

LIMITS_OF_KIND: dict[str, tuple[str, ...]] = {
    "translate": (
        "A translation may be fluent and wrong: names, numbers and negations are where to look first.",
        "It translates text by text, without what came before; pairs that are not listed were not learned.",
    ),
    "summarize": ("A summary may say what the text does not; check it against the text before it is passed on.",),
    "generate": (
        "What it writes may be false, or close to what it learned from; it has no means to check what it says.",
    ),
    "chat": (
        "Replies may be false or out of place; it keeps to its persona as far as its data did, and it is no adviser.",
    ),
}
"""What users of a kind should know, besides what the facts of a version say."""


def render_card(facts: VersionFacts) -> str:
    """Return the card as Markdown with a YAML header."""
    sections = [
        _header(facts),
        f"# {facts.task} {facts.version}",
        _intended_use(facts),
        _data(facts),
        *([_results(facts)] if facts.metrics else []),
        *([_groups(facts)] if facts.groups else []),
        *([_suites(facts)] if facts.suites else []),
        *([_decision(facts.decision)] if facts.decision else []),
        *([_engine(facts.engine, facts)] if facts.engine and facts.engine.trials else []),
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
        "library_name": "polyloop" if facts.architecture == "retrieval" else "transformers",
        "pipeline_tag": PIPELINES[facts.kind],
        "tags": ["polyloop"],
    }
    if facts.base_model:
        metadata["base_model"] = facts.base_model
    return f"---\n{yaml.safe_dump(metadata, allow_unicode=True, sort_keys=False)}---"


def _intended_use(facts: VersionFacts) -> str:
    locales = f"Locales: {', '.join(facts.locales)}."
    uses = {
        "classify": f"{_choice(facts)}: {', '.join(facts.labels)}. {locales}",
        "translate": f"Translates: {', '.join(pair.replace('>', ' to ') for pair in facts.pairs)}.",
        "summarize": f"Shortens a text in its own language. {locales}",
        "generate": f"Writes a text for a prompt. {locales}",
        "chat": f"Replies in a conversation. {locales}",
        "answer": f"Answers questions out of its documents, with citations, or says that they hold none. {locales}",
    }
    use = uses[facts.kind]
    return f"## Intended use\n\n{use} Made for the task `{facts.task}`; other texts are outside what was measured."


def _choice(facts: VersionFacts) -> str:
    has_label_sets = facts.decision is not None and facts.decision.has_label_sets
    return "Says which of these labels fit a text, if any" if has_label_sets else "Puts a text into one of"


def _data(facts: VersionFacts) -> str:
    lines = ["## Data and licences", "", "| corpus | licence | source |", "| --- | --- | --- |"]
    lines += [f"| {_cell(c.name)} | {_cell(c.licence)} | {_cell(c.source)} |" for c in facts.corpora]
    lines += ["", "The weights are derived from this data; heed its licences when you pass them on."]
    return "\n".join(lines)


def _results(facts: VersionFacts) -> str:
    """Return a row for each locale and a column for each metric, with intervals."""
    metrics = list(dict.fromkeys(row.metric for row in facts.metrics))
    locales = dict.fromkeys(row.locale for row in facts.metrics)
    found = {(row.locale, row.metric): row for row in facts.metrics}
    rows = []
    for locale in locales:
        of_locale = [found.get((locale, metric)) for metric in metrics]
        num_rows = next(row.num_rows for row in of_locale if row is not None)
        rows.append([locale, f"{num_rows:,}", *("-" if row is None else _interval(row) for row in of_locale)])
    note = (
        f"In points (0 to 100) unless a metric has a unit of its own; intervals at {facts.confidence:.0%} confidence. "
        "The first metric is the one that the gate decides on."
    )
    return "\n".join(
        ["## Results on the holdout", "", note, "", *_table(["locale", "rows", *metrics], rows, num_texts=1)]
    )


def _groups(facts: VersionFacts) -> str:
    rows = [[row.dimension, _cell(row.name), f"{row.num_rows:,}", _interval(row)] for row in facts.groups]
    metric = facts.groups[0].metric
    return "\n".join(["## Results by group", "", *_table(["by", "group", "rows", metric], rows, num_texts=2)])


def _suites(facts: VersionFacts) -> str:
    rows = [
        [
            _cell(row.suite),
            _cell(row.test),
            row.place,
            f"{row.num_cases:,}",
            f"{row.rate:.1f} ({row.low:.1f} to {row.high:.1f})" + (", goal 50" if row.goal == "half" else ""),
        ]
        for row in facts.suites
    ]
    headings = ["suite", "test", "locale", "cases", "% passed"]
    note = "Small sets of cases that each try one thing; what they do not try, they say nothing about."
    return "\n".join(["## Behaviour", "", note, "", *_table(headings, rows, num_texts=3)])


def _decision(note: DecisionNote) -> str:
    scores = "the sigmoid of its logit" if note.has_label_sets else "the softmax of the logits"
    lines = [
        "## How a label is chosen",
        "",
        f"- A label's score is {scores} divided by {note.temperature:.4g}, a temperature fitted on the dev "
        "split so that a score of 0.9 is right about nine times in ten; they are comparable between inputs.",
    ]
    if note.has_label_sets:
        lines.append(
            f"- Every label that scores above {MEMBER_PROBABILITY} is a part of the answer; there may be none."
        )
    elif note.out_of_scope_label is None:
        lines.append("- The label with the highest score is the answer.")
    else:
        lines.append(
            f"- Inputs whose best other label scores below {note.threshold:.4g} get `{note.out_of_scope_label}`: they "
            "are taken for none of the task's business. For all others the label with the highest score is the answer."
        )
    return "\n".join(lines)


def _engine(note: EngineNote, facts: VersionFacts) -> str:
    unit = "label" if facts.labels else "token"
    rates = [f"{unit}s/s alone", f"{unit}s/s in batches"]
    headings = ["engine", "rows", "equal answers", note.trials[0].metric, f"nats a {unit}", *rates]
    rows = [
        [
            trial.name,
            f"{trial.num_rows:,}",
            f"{trial.num_equal:,}",
            f"{trial.score:.2f}",
            f"{trial.nats_per_token:.3f}",
            f"{trial.tokens_per_s_alone:,.0f}",
            f"{trial.tokens_per_s_batched:,.0f}",
        ]
        for trial in note.trials
        if trial.num_rows
    ]
    text = (
        f"It answers by {note.engine} in {note.compute_type}: {note.reason}. Compared on rows of the holdout, without "
        f"chance, with {note.threads} thread{'s' if note.threads > 1 else ''} on the machine that published it."
    )
    left_out = [
        f"- {trial.name} is left out: {_cell('; '.join(trial.refusals))}" for trial in note.trials if trial.refusals
    ]
    differs = [f"- By its nature: {deviation}." for deviation in note.deviations]
    notes = [*left_out, *differs]
    return "\n".join(
        ["## Engine", "", text, "", *_table(headings, rows, num_texts=1), *(["", *notes] if notes else [])]
    )


def _limits(facts: VersionFacts) -> str:
    lines = [
        f"- Inputs of more than {facts.max_input_tokens} tokens are refused.",
        "- The figures hold for the holdout's texts; a locale that has no row in the table was not measured.",
    ]
    if facts.kind == "answer":
        lines.append(
            "- It knows its own documents and nothing else; what changed since it was published it does not know."
        )
    elif facts.kind == "classify":
        if facts.decision is None or not (facts.decision.out_of_scope_label or facts.decision.has_label_sets):
            lines.append("- Every input gets one of the labels, fitting or not; read the scores.")
    else:
        lines.append(f"- Outputs end after {facts.max_target_tokens} tokens at the latest.")
    lines += [f"- {limit}" for limit in LIMITS_OF_KIND.get(facts.kind, ())]
    if not facts.suites:
        lines.append("- It was tried with no behavioural or safety suite; name some under `suites` in the spec.")
    return "\n".join(["## Limits", "", *lines])


def _table(headings: list[str], rows: list[list[str]], *, num_texts: int) -> list[str]:
    """Return the lines of a table whose first columns are texts and whose others are numbers."""
    rule = ["---"] * num_texts + ["---:"] * (len(headings) - num_texts)
    return [f"| {' | '.join(cells)} |" for cells in (headings, rule, *rows)]


def _interval(row: MetricRow | GroupRow) -> str:
    return f"{row.value:.2f} ({row.low:.2f} to {row.high:.2f})"


def _lineage(facts: VersionFacts) -> str:
    rows = {
        "dataset": facts.dataset_digest,
        "holdout": facts.holdout_digest,
        "spec": facts.spec_digest,
        "training": facts.training_digest,
        "code": facts.code_version,
        "trained on from": "nothing is trained"
        if facts.architecture == "retrieval"
        else facts.parent or facts.base_model or "random weights",
        **({"preferences": facts.preferences_digest} if facts.preferences_digest else {}),
        "created": facts.created_at.isoformat(timespec="seconds"),
    }
    return "\n".join(["## Lineage", "", *(f"- {name}: `{value}`" for name, value in rows.items())])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
