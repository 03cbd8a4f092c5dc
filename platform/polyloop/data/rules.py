"""How raw rows become drafts: which column holds what, lists, labels, locales, where a row comes from; pure.

Input: a `RawRow`. Output: drafts for the cleaning steps, each with its `Origin`, or drops with a reason: not_text,
not_list, unequal_lists, bad_expression, missing_column, filtered; of feedback also other_task and bad_weight.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from polyloop.data.pii.entities import load_entity_finder
from polyloop.data.read.expressions import Expression, is_expression
from polyloop.data.read.row import RawRow, Values, is_text
from polyloop.data.rows import FEEDBACK_CORPUS, Drop, Split
from polyloop.data.steps.base import Draft
from polyloop.spec.cleaning import CleaningSpec
from polyloop.spec.corpora import Corpus, LocaleColumn
from polyloop.spec.models import TaskSpec, split_pair, task_locales
from polyloop.tasks.labels import is_answer, label_set_text, read_label_set

FEEDBACK_COLUMNS = ("task", "locale", "target_locale", "input", "target", "weight")
FEEDBACK_SOURCE = "users' feedback on served answers"


class Origin(NamedTuple):
    """What a row brings along that no step reads."""

    corpus: str
    licence: str
    source: str
    weight: float
    split: Split | None
    """None where a hash decides."""
    split_key: str | None
    """What is hashed; the example's id if None."""
    where: str
    context: str = ""
    """Passage that holds a question's answer, as it was read."""
    document: str = ""
    """Id of the document that holds a question's answer."""


@dataclass(frozen=True, kw_only=True)
class TaskRules:
    """What a task asks of a row."""

    task: str
    labels: frozenset[str]
    """Empty for tasks whose target is free text."""
    directions: frozenset[tuple[str, str]]
    """(locale of the input, locale of the target) that the task deals with."""
    has_label_sets: bool = False
    """True if a row may have several labels; its target is then the text of `polyloop.tasks.labels`."""
    compares_paragraphs: bool = False
    """True if it is to be known where the lines of inputs were."""
    asks_documents: bool = False
    """True if inputs are questions that rows may know a passage or a document of, and that may have no answer."""

    @classmethod
    def of(cls, name: str, task: TaskSpec, project_locales: tuple[str, ...]) -> "TaskRules":
        """Return the rules of a task of the spec."""
        if task.pairs:
            directions = frozenset(split_pair(pair) for pair in task.pairs)
        else:
            directions = frozenset((locale, locale) for locale in task_locales(task, project_locales))
        return cls(
            task=name,
            labels=frozenset(task.labels),
            has_label_sets=task.multi_label,
            directions=directions,
            compares_paragraphs=task.dedup.paragraphs,
            asks_documents=task.kind == "answer",
        )

    def target_text(self, raw: object, names: Mapping[str, str]) -> str | None:
        """Return the target of a row as text, a source's own names of labels replaced; None for what is no target."""
        if self.has_label_sets:
            given = raw if isinstance(raw, list) else read_label_set(raw) if isinstance(raw, str) else [raw]
            texts = [scalar_text(one) for one in given]
            return None if None in texts else label_set_text(names.get(str(one), str(one)) for one in texts)
        text = scalar_text(raw) if self.labels else raw
        return names.get(text, text) if isinstance(text, str) else None

    def knows(self, target: str) -> bool:
        """Return whether a target is one that the task may have."""
        return not self.labels or is_answer(target, self.labels, has_label_sets=self.has_label_sets)


@dataclass(frozen=True, kw_only=True)
class CorpusRules:
    """How the rows of one corpus are read for one task."""

    name: str
    corpus: Corpus
    task: TaskRules

    @property
    def cleaning(self) -> CleaningSpec:
        """How its texts are cleaned."""
        return self.corpus.cleaning

    @property
    def keeps_lines(self) -> bool:
        """Whether it is kept where the lines of inputs were."""
        return self.task.compares_paragraphs

    @cached_property
    def columns(self) -> list[str]:
        """Names of the columns that are needed, each once."""
        named: list[str] = []
        for value in (getattr(self.corpus.columns, name) for name in self._names):
            if value is not None:
                named += Expression(value, "").columns if is_expression(value) else [value]
        if isinstance(self.corpus.locale, LocaleColumn):
            named.append(self.corpus.locale.column)
        if self._where is not None:
            named += self._where.columns
        return list(dict.fromkeys(named))

    def check(self) -> None:
        """Raise a `DataError` for a malformed expression or an entity finder that cannot be imported."""
        for name in self._names:
            self._getter(name)
        _ = self._where
        if self.cleaning.pii.action != "off" and self.cleaning.pii.entities is not None:
            load_entity_finder(self.cleaning.pii.entities)

    @cached_property
    def _where(self) -> Expression | None:
        return None if self.corpus.where is None else Expression(self.corpus.where, f"corpora.{self.name}.where")

    def _getter(self, name: str) -> Expression | str | None:
        value: str | None = getattr(self.corpus.columns, name)
        if value is not None and is_expression(value):
            return Expression(value, f"corpora.{self.name}.columns.{name}")
        return value

    @cached_property
    def _getters(self) -> dict[str, Expression | str | None]:
        return {name: self._getter(name) for name in self._names}

    @property
    def _names(self) -> tuple[str, ...]:
        """Names of the columns that a row of the task may have."""
        of_all = ("input", "target", "id", "licence", "source")
        return (*of_all, "context", "document") if self.task.asks_documents else of_all

    def drafts(self, row: RawRow, where: str) -> Iterator[tuple[Draft, Origin] | Drop]:
        """Yield what a raw row holds: one draft or drop, or one for each pair of elements of an exploded row."""
        if row.values is None:
            yield Drop(self.name, row.reason, where, row.sample)
            return
        values = row.values
        if self._where is not None:
            outcome = self._where.outcome(values)
            if outcome.reason or not outcome.value:
                yield Drop(self.name, outcome.reason or "filtered", where, str(values), outcome.details)
                return
        found: dict[str, object] = {}
        for name, getter in self._getters.items():
            if isinstance(getter, Expression):
                outcome = getter.outcome(values)
                if outcome.reason:
                    yield Drop(self.name, outcome.reason, where, str(values), outcome.details)
                    return
                found[name] = outcome.value
            elif getter is not None:
                found[name] = values[getter]
        yield from self._pairs(values, found, where)

    def _pairs(self, values: Values, found: dict[str, object], where: str) -> Iterator[tuple[Draft, Origin] | Drop]:
        raw_input, raw_target = found["input"], found["target"]
        if not self.corpus.explode:
            yield self._one(values, found, raw_input, raw_target, where)
        elif not isinstance(raw_input, list) or not isinstance(raw_target, list):
            yield Drop(self.name, "not_list", where, str(raw_input))
        elif len(raw_input) != len(raw_target):
            yield Drop(self.name, "unequal_lists", where, str(raw_input))
        else:
            for element_input, element_target in zip(raw_input, raw_target, strict=True):
                yield self._one(values, found, element_input, element_target, where)

    def _one(
        self, values: Values, found: dict[str, object], raw_input: object, raw_target: object, where: str
    ) -> tuple[Draft, Origin] | Drop:
        target = self.task.target_text(raw_target, self.corpus.labels)
        locale = self._locale(values)
        if not isinstance(raw_input, str) or target is None or locale is None:
            return Drop(self.name, "not_text", where, f"{raw_input!r} -> {raw_target!r}")
        draft = Draft(
            input=raw_input,
            target=target,
            locale=locale,
            target_locale=locale if self.task.labels else self.corpus.target_locale or locale,
            # No step looks at the empty target of a question without an answer.
            has_label=bool(self.task.labels) or (self.task.asks_documents and not target.strip()),
        )
        origin = Origin(
            corpus=self.name,
            licence=_own_text(found.get("licence")) or self.corpus.licence,
            source=_own_text(found.get("source")) or self.corpus.source,
            weight=1.0,
            split=None if self.corpus.split == "auto" else self.corpus.split,
            split_key=_own_text(found.get("id")),
            where=where,
            context=_own_text(found.get("context")) or "",
            document=_own_text(found.get("document")) or "",
        )
        return draft, origin

    def _locale(self, values: Values) -> str | None:
        if isinstance(self.corpus.locale, str):
            return self.corpus.locale
        raw = scalar_text(values[self.corpus.locale.column])
        return None if raw is None else self.corpus.locale.values.get(raw, raw)


@dataclass(frozen=True, kw_only=True)
class FeedbackRules:
    """How rows of curated feedback are read for one task; ids are computed again from the cleaned inputs."""

    task: TaskRules
    cleaning: CleaningSpec

    @property
    def name(self) -> str:
        """What stands for the corpus."""
        return FEEDBACK_CORPUS

    @property
    def keeps_lines(self) -> bool:
        """Whether it is kept where the lines of inputs were; requests come in one line, and are never cut."""
        return False

    @property
    def columns(self) -> list[str]:
        """Names of the columns that are needed."""
        return list(FEEDBACK_COLUMNS)

    def drafts(self, row: RawRow, where: str) -> Iterator[tuple[Draft, Origin] | Drop]:
        """Yield what a row holds."""
        yield self._draft(row, where)

    def _draft(self, row: RawRow, where: str) -> tuple[Draft, Origin] | Drop:
        if row.values is None:
            return Drop(FEEDBACK_CORPUS, row.reason, where, row.sample)
        values = row.values
        texts = [values[name] for name in ("locale", "target_locale", "input", "target")]
        weight = values["weight"]
        if values["task"] != self.task.task:
            return Drop(FEEDBACK_CORPUS, "other_task", where, str(values["task"]))
        if not all(isinstance(text, str) for text in texts):
            return Drop(FEEDBACK_CORPUS, "not_text", where, repr(texts))
        if not isinstance(weight, float) or not math.isfinite(weight) or weight <= 0:
            return Drop(FEEDBACK_CORPUS, "bad_weight", where, repr(weight))
        locale, target_locale, raw_input, raw_target = (str(text) for text in texts)
        draft = Draft(
            input=raw_input,
            target=raw_target,
            locale=locale,
            target_locale=target_locale,
            has_label=bool(self.task.labels),
        )
        return draft, Origin(FEEDBACK_CORPUS, "", FEEDBACK_SOURCE, weight, "train", None, where)


Rules = CorpusRules | FeedbackRules


def _own_text(value: object) -> str | None:
    """Return what a row says of itself, None where that is nothing or cannot be written."""
    text = scalar_text(value)
    return text if text is not None and is_text(text) else None


def scalar_text(value: object) -> str | None:
    """Return a text, number or truth value as text; None for anything else."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) else None
