"""Cleans the rows of a corpus: steps, checks and ids; pure.

Input: a `RawRow` and the rules of its corpus and task. Output: candidates (cleaned, with id and split) and drops, each
with a reason: those of reading, of the rules, of the cleaning steps, and invalid_utf8, empty_input, empty_target,
unknown_label and other_locale.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from polyloop.data.paragraphs import find_lines
from polyloop.data.read.row import RawRow, is_text
from polyloop.data.rows import Drop, Split
from polyloop.data.rules import Origin, Rules, TaskRules
from polyloop.data.split import auto_split
from polyloop.data.steps.base import Draft
from polyloop.data.steps.chain import Accounts, Chain, cleaning_steps
from polyloop.tasks.example import example_id
from polyloop.tasks.question import Question, question_of, write_question
from polyloop.tasks.text import KEPT_INVISIBLES, normalise_text

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
    licence: str
    source: str
    split: Split
    where: str
    paragraphs: bytes = b""


@dataclass(kw_only=True)
class Cleaner:
    """Cleans the rows of a corpus, and keeps account of it."""

    rules: Rules
    found: Counter[str] = field(default_factory=Counter)
    """What steps saw in rows, and how often."""
    chain: Chain = field(init=False)
    contexts: Chain = field(init=False)
    """The same steps for passages beside questions, with accounts of their own that nobody asks for."""

    def __post_init__(self) -> None:
        """Make the steps that the corpus asks for."""
        task = self.rules.task
        locales = sorted({locale for direction in task.directions for locale in direction})
        steps = cleaning_steps(
            self.rules.cleaning,
            locales=locales,
            has_labels=bool(task.labels),
            keeps_lines=self.rules.keeps_lines,
        )
        self.chain, self.contexts = Chain(steps=steps), Chain(steps=steps)

    @property
    def accounts(self) -> Accounts:
        """What each step did so far."""
        return self.chain.accounts

    def clean(self, row: RawRow, where: str) -> Iterator[Candidate | Drop]:
        """Yield what becomes of a raw row."""
        for item in self.rules.drafts(row, where):
            yield item if isinstance(item, Drop) else self._candidate(*item)

    def _candidate(self, draft: Draft, origin: Origin) -> Candidate | Drop:
        task, corpus, where = self.rules.task, origin.corpus, origin.where
        if not (is_text(draft.input) and is_text(draft.target) and is_text(draft.locale)):
            return Drop(corpus, "invalid_utf8", where, draft.input)
        relabels = self.rules.cleaning.language.action == "relabel"
        if not relabels and (draft.locale, draft.target_locale) not in task.directions:
            return Drop(corpus, "other_locale", where, _with_locales(draft))
        if not task.knows(draft.target):
            draft.target = normalise_text(draft.target)
        raw_input = draft.input
        refusal = self.chain.run(draft)
        self.found.update(draft.notes)
        if refusal is not None:
            return Drop(corpus, refusal.reason, where, raw_input, refusal.detail)
        if not draft.input.strip(INVISIBLE):
            return Drop(corpus, "empty_input", where, raw_input)
        if not draft.target.strip(INVISIBLE) and not task.asks_documents:
            return Drop(corpus, "empty_target", where, raw_input)
        if relabels and (draft.locale, draft.target_locale) not in task.directions:
            return Drop(corpus, "other_locale", where, _with_locales(draft))
        if not task.knows(draft.target):
            return Drop(corpus, "unknown_label", where, f"{draft.target}: {draft.input}")
        if not task.asks_documents:
            return _finished(task, draft, origin)
        context = self._context(draft, origin)
        if isinstance(context, Drop):
            return context
        question = Question(question=draft.input, context=context, document=origin.document)
        draft.input, draft.target = write_question(question), draft.target.strip(INVISIBLE)
        return _finished(task, draft, origin)

    def _context(self, draft: Draft, origin: Origin) -> str | Drop:
        """Return the passage beside a question, cleaned as the answer was, so that it still holds it word by word."""
        beside = Draft(
            input=origin.context, target="", locale=draft.locale, target_locale=draft.target_locale, has_label=True
        )
        if not origin.context:
            return ""
        if not is_text(origin.context):
            return Drop(origin.corpus, "invalid_utf8", origin.where, origin.context)
        refusal = self.contexts.run(beside)
        if refusal is not None:
            return Drop(origin.corpus, refusal.reason, origin.where, origin.context, refusal.detail)
        return beside.input


def _finished(task: TaskRules, draft: Draft, origin: Origin) -> Candidate:
    said = question_of(draft.input) if task.asks_documents else draft.input
    example = example_id(task.task, draft.locale, draft.target_locale, said)
    return Candidate(
        example,
        task.task,
        draft.locale,
        draft.target_locale,
        draft.input,
        draft.target,
        origin.weight,
        origin.corpus,
        origin.licence,
        origin.source,
        origin.split or auto_split(origin.split_key or example),
        origin.where,
        find_lines(draft.input, draft.lines) if draft.lines else b"",
    )


def _with_locales(draft: Draft) -> str:
    return f"{draft.locale}>{draft.target_locale}: {draft.input}"
