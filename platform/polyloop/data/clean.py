"""Turns raw rows into candidates for a dataset: columns, lists, labels, locales and text; pure.

Input: a `RawRow` and the rules of its corpus and task. Output: candidates (cleaned, with id and split) and drops, each
with one of these reasons: bad_json, bad_csv, wrong_columns, missing_column, invalid_utf8, not_text, not_list,
unequal_lists, empty_input, empty_target, unknown_label, other_locale; of feedback also other_task and bad_weight.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from polyloop.data.readers import RawRow, Values, is_text
from polyloop.data.rows import FEEDBACK_CORPUS, Drop, Split
from polyloop.data.split import auto_split
from polyloop.spec.models import Corpus, LocaleColumn, TaskSpec, split_pair, task_locales
from polyloop.tasks.example import example_id
from polyloop.tasks.text import KEPT_INVISIBLES, normalise_text

FEEDBACK_COLUMNS = ("task", "locale", "target_locale", "input", "target", "weight")
INVISIBLE = " " + "".join(sorted(KEPT_INVISIBLES))


class Candidate(NamedTuple):
    """A cleaned row; the fields are the columns of `CANDIDATE_SCHEMA`, in its order."""

    id: str
    task: str
    locale: str
    target_locale: str
    input: str
    target: str
    weight: float
    corpus: str
    split: Split
    where: str


@dataclass(frozen=True, kw_only=True)
class TaskRules:
    """What a task asks of a row."""

    task: str
    labels: frozenset[str]
    """Empty for tasks whose target is free text."""
    directions: frozenset[tuple[str, str]]
    """(locale of the input, locale of the target) that the task deals with."""

    @classmethod
    def of(cls, name: str, task: TaskSpec, project_locales: tuple[str, ...]) -> "TaskRules":
        """Return the rules of a task of the spec."""
        if task.kind == "translate":
            return cls(task=name, labels=frozenset(), directions=frozenset(split_pair(pair) for pair in task.pairs))
        locales = task_locales(task, project_locales)
        return cls(
            task=name, labels=frozenset(task.labels), directions=frozenset((locale, locale) for locale in locales)
        )


@dataclass(frozen=True, kw_only=True)
class CorpusRules:
    """How the rows of one corpus are read for one task."""

    name: str
    corpus: Corpus
    task: TaskRules

    @property
    def columns(self) -> list[str]:
        """Names of the columns that are needed."""
        named = [self.corpus.columns.input, self.corpus.columns.target]
        if self.corpus.columns.id is not None:
            named.append(self.corpus.columns.id)
        if isinstance(self.corpus.locale, LocaleColumn):
            named.append(self.corpus.locale.column)
        return named

    def clean(self, row: RawRow, where: str) -> Iterator[Candidate | Drop]:
        """Yield what becomes of a row: one candidate or drop, or one for each pair of elements of an exploded row."""
        if row.values is None:
            yield Drop(self.name, row.reason, where, row.sample)
            return
        raw_input = row.values[self.corpus.columns.input]
        raw_target = row.values[self.corpus.columns.target]
        if not self.corpus.explode:
            yield self._one(row.values, raw_input, raw_target, where)
        elif not isinstance(raw_input, list) or not isinstance(raw_target, list):
            yield Drop(self.name, "not_list", where, str(raw_input))
        elif len(raw_input) != len(raw_target):
            yield Drop(self.name, "unequal_lists", where, str(raw_input))
        else:
            for element_input, element_target in zip(raw_input, raw_target, strict=True):
                yield self._one(row.values, element_input, element_target, where)

    def _one(self, values: Values, raw_input: object, raw_target: object, where: str) -> Candidate | Drop:
        target = _scalar_text(raw_target) if self.task.labels else raw_target
        locale = self._locale(values)
        if not isinstance(raw_input, str) or not isinstance(target, str) or locale is None:
            return Drop(self.name, "not_text", where, f"{raw_input!r} -> {raw_target!r}")
        made = make_candidate(
            self.task,
            corpus=self.name,
            locale=locale,
            target_locale=locale if self.task.labels else self.corpus.target_locale or locale,
            raw_input=raw_input,
            raw_target=self.corpus.labels.get(target, target),
            weight=1.0,
            where=where,
        )
        return made if isinstance(made, Drop) else made._replace(split=self._split(values, made.id))

    def _locale(self, values: Values) -> str | None:
        if isinstance(self.corpus.locale, str):
            return self.corpus.locale
        raw = _scalar_text(values[self.corpus.locale.column])
        return None if raw is None else self.corpus.locale.values.get(raw, raw)

    def _split(self, values: Values, example: str) -> Split:
        """Return the corpus's split; `auto` keeps rows that share a source id (such as a dialogue's) together."""
        if self.corpus.split != "auto":
            return self.corpus.split
        source_id = None if self.corpus.columns.id is None else _scalar_text(values[self.corpus.columns.id])
        return auto_split(example if source_id is None or not is_text(source_id) else source_id)


def clean_feedback(task: TaskRules, row: RawRow, where: str) -> Candidate | Drop:
    """Return what becomes of a row of curated feedback; its id is computed again from the cleaned input."""
    if row.values is None:
        return Drop(FEEDBACK_CORPUS, row.reason, where, row.sample)
    values = row.values
    texts = [values[name] for name in ("locale", "target_locale", "input", "target")]
    weight = values["weight"]
    if values["task"] != task.task:
        return Drop(FEEDBACK_CORPUS, "other_task", where, str(values["task"]))
    if not all(isinstance(text, str) for text in texts):
        return Drop(FEEDBACK_CORPUS, "not_text", where, repr(texts))
    if not isinstance(weight, float) or not math.isfinite(weight) or weight <= 0:
        return Drop(FEEDBACK_CORPUS, "bad_weight", where, repr(weight))
    locale, target_locale, raw_input, raw_target = (str(text) for text in texts)
    return make_candidate(
        task,
        corpus=FEEDBACK_CORPUS,
        locale=locale,
        target_locale=target_locale,
        raw_input=raw_input,
        raw_target=raw_target,
        weight=weight,
        where=where,
    )


def make_candidate(
    task: TaskRules,
    *,
    corpus: str,
    locale: str,
    target_locale: str,
    raw_input: str,
    raw_target: str,
    weight: float,
    where: str,
) -> Candidate | Drop:
    """Return the cleaned row, in the train split, or why it cannot be used."""
    if not (is_text(raw_input) and is_text(raw_target) and is_text(locale)):
        return Drop(corpus, "invalid_utf8", where, raw_input)
    if (locale, target_locale) not in task.directions:
        return Drop(corpus, "other_locale", where, f"{locale}>{target_locale}: {raw_input}")
    text = normalise_text(raw_input)
    target = raw_target if raw_target in task.labels else normalise_text(raw_target)
    if not text.strip(INVISIBLE):
        return Drop(corpus, "empty_input", where, raw_input)
    if not target.strip(INVISIBLE):
        return Drop(corpus, "empty_target", where, raw_input)
    if task.labels and target not in task.labels:
        return Drop(corpus, "unknown_label", where, f"{target}: {raw_input}")
    example = example_id(task.task, locale, target_locale, text)
    return Candidate(example, task.task, locale, target_locale, text, target, weight, corpus, "train", where)


def _scalar_text(value: object) -> str | None:
    """Return a text, number or truth value as text; None for anything else."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) else None
