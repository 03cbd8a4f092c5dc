"""From raw rows to candidates: labels, locales, lists, text, splits, and the reason of each row that is dropped."""

import pickle
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from polyloop.data.clean import Candidate, Cleaner
from polyloop.data.read.row import RawRow
from polyloop.data.rows import CANDIDATE_SCHEMA, Drop
from polyloop.data.rules import FEEDBACK_SOURCE, CorpusRules, FeedbackRules, TaskRules
from polyloop.data.split import auto_split
from polyloop.data.steps.base import Draft, Step
from polyloop.errors import DataError
from polyloop.spec.cleaning import CleaningSpec, LanguageSpec
from polyloop.spec.corpora import Corpus
from polyloop.tasks.example import example_id
from polyloop.tasks.question import Question, read_question

MOOD = TaskRules(task="mood", labels=frozenset({"good", "bad"}), directions=frozenset({("en", "en"), ("de", "de")}))
TRANSLATE = TaskRules(task="t", labels=frozenset(), directions=frozenset({("en", "de"), ("en", "zh-Hans")}))


def rules(task: TaskRules, **changes: Any) -> CorpusRules:
    data: dict[str, Any] = {
        "paths": ["x.jsonl"],
        "columns": {"input": "text", "target": "label"},
        "locale": "en",
        "licence": "CC0-1.0",
        **changes,
    }
    return CorpusRules(name="c", corpus=Corpus.model_validate(data), task=task)


def clean(corpus: CorpusRules, **values: object) -> list[Candidate | Drop]:
    return list(Cleaner(rules=corpus).clean(RawRow(7, values), "x.jsonl:7"))


def only(rows: list[Candidate | Drop]) -> Candidate:
    (row,) = rows
    assert isinstance(row, Candidate)
    return row


def reasons(rows: list[Candidate | Drop]) -> list[str]:
    return [row.reason for row in rows if isinstance(row, Drop)]


def test_a_row_becomes_a_candidate_with_the_id_of_its_normalised_input() -> None:
    row = only(clean(rules(MOOD), text="  Cafe\u0301\u200b \t fine ", label="good"))
    assert (row.input, row.target, row.locale, row.target_locale) == ("Café fine", "good", "en", "en")
    assert row.id == example_id("mood", "en", "en", "Café fine")
    assert (row.weight, row.corpus, row.where) == (1.0, "c", "x.jsonl:7")


def test_the_fields_of_a_candidate_are_the_columns_of_its_schema() -> None:
    assert list(Candidate._fields) == CANDIDATE_SCHEMA.names


def test_a_row_may_have_several_labels_or_none_where_the_task_says_so() -> None:
    task = TaskRules(
        task="mood", labels=frozenset({"joy", "fear"}), has_label_sets=True, directions=frozenset({("en", "en")})
    )
    corpus = rules(task, labels={"1": "joy", "2": "fear"})
    given: list[object] = [[2, 1], [], "joy", '["fear"]', 1]
    targets = [only(clean(corpus, text="so it is", label=label)).target for label in given]
    assert targets == ['["fear", "joy"]', "[]", '["joy"]', '["fear"]', '["joy"]']
    assert reasons(clean(corpus, text="so it is", label=["hate"])) == ["unknown_label"]
    assert reasons(clean(corpus, text="so it is", label=[None])) == ["not_text"]


def test_translate_normalises_the_target_and_takes_its_locale_from_the_corpus() -> None:
    row = only(clean(rules(TRANSLATE, target_locale="de"), text="one  day", label=" ein\u00a0Tag\n"))
    assert (row.target, row.locale, row.target_locale) == ("ein Tag", "en", "de")


@pytest.mark.parametrize("raw", ["1", 1])
def test_labels_map_the_raw_value_as_text(raw: object) -> None:
    assert only(clean(rules(MOOD, labels={"1": "good"}), text="a", label=raw)).target == "good"


def test_a_label_is_kept_as_the_spec_writes_it() -> None:
    task = TaskRules(task="mood", labels=frozenset({"so  so", "bad"}), directions=MOOD.directions)
    assert only(clean(rules(task), text="a", label="so  so")).target == "so  so"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"text": "", "label": "good"}, "empty_input"),
        ({"text": " \u200b\t", "label": "good"}, "empty_input"),
        ({"text": "\u200d", "label": "good"}, "empty_input"),
        ({"text": "a", "label": " "}, "empty_target"),
        ({"text": "a", "label": "ugly"}, "unknown_label"),
        ({"text": 5, "label": "good"}, "not_text"),
        ({"text": None, "label": "good"}, "not_text"),
        ({"text": "a", "label": None}, "not_text"),
        ({"text": "a", "label": ["good"]}, "not_text"),
        ({"text": "a\udcffb", "label": "good"}, "invalid_utf8"),
        ({"text": "a\ud800", "label": "good"}, "invalid_utf8"),
        ({"text": "a", "label": "\udcff"}, "invalid_utf8"),
    ],
)
def test_a_row_that_cannot_be_used_is_dropped_with_its_reason(values: dict[str, object], reason: str) -> None:
    assert reasons(clean(rules(MOOD), **values)) == [reason]


def test_translate_refuses_a_target_that_is_no_text() -> None:
    assert reasons(clean(rules(TRANSLATE, target_locale="de"), text="a", label=5)) == ["not_text"]


def test_a_row_that_the_reader_refused_keeps_its_reason() -> None:
    (drop,) = Cleaner(rules=rules(MOOD)).clean(RawRow(3, None, "bad_json", "{oops"), "x.jsonl:3")
    assert drop == Drop("c", "bad_json", "x.jsonl:3", "{oops")


def test_a_locale_column_is_mapped_and_locales_of_no_task_are_dropped() -> None:
    corpus = rules(MOOD, locale={"column": "lang", "values": {"german": "de"}})
    assert only(clean(corpus, text="a", label="good", lang="german")).locale == "de"
    assert only(clean(corpus, text="a", label="good", lang="en")).locale == "en"
    assert reasons(clean(corpus, text="a", label="good", lang="fr")) == ["other_locale"]
    assert reasons(clean(corpus, text="a", label="good", lang="gibber ish")) == ["other_locale"]
    assert reasons(clean(corpus, text="a", label="good", lang=None)) == ["not_text"]


def test_a_direction_that_the_task_does_not_have_is_dropped() -> None:
    corpus = rules(TRANSLATE, locale={"column": "lang"}, target_locale="de")
    assert only(clean(corpus, text="a", label="b", lang="en")).target_locale == "de"
    assert reasons(clean(corpus, text="a", label="b", lang="zh-Hans")) == ["other_locale"]


def test_lists_explode_into_one_candidate_for_each_pair() -> None:
    rows = clean(rules(MOOD, explode=True, labels={"0": "bad"}), text=["a", "b", ""], label=["good", 0, "good"])
    assert [(row.input, row.target) for row in rows if isinstance(row, Candidate)] == [("a", "good"), ("b", "bad")]
    assert reasons(rows) == ["empty_input"]


@pytest.mark.parametrize(
    ("text", "label", "reason"),
    [(["a", "b"], ["good"], "unequal_lists"), ("a", "good", "not_list"), (["a"], None, "not_list")],
)
def test_lists_that_do_not_match_are_dropped_whole(text: object, label: object, reason: str) -> None:
    assert reasons(clean(rules(MOOD, explode=True), text=text, label=label)) == [reason]


def test_an_explicit_split_is_taken_and_auto_hashes_the_id() -> None:
    assert only(clean(rules(MOOD, split="dev"), text="a", label="good")).split == "dev"
    row = only(clean(rules(MOOD), text="a", label="good"))
    assert row.split == auto_split(row.id)


def test_rows_that_share_a_source_id_share_their_split() -> None:
    columns = {"input": "text", "target": "label", "id": "dialogue"}
    corpus = rules(MOOD, columns=columns, explode=True)
    texts = [f"text {number}" for number in range(50)]
    rows = clean(corpus, text=texts, label=["good"] * 50, dialogue=12)
    assert {row.split for row in rows if isinstance(row, Candidate)} == {auto_split("12")}
    assert len({auto_split(row.id) for row in rows if isinstance(row, Candidate)}) > 1


def test_only_the_columns_that_are_named_are_needed() -> None:
    columns = {"input": "text", "target": "label", "id": "dialogue"}
    assert rules(MOOD, columns=columns, locale={"column": "lang"}).columns == ["text", "label", "dialogue", "lang"]


def test_columns_of_expressions_and_of_what_a_row_says_of_itself_are_needed_too() -> None:
    columns = {"input": "= title ~ body", "target": "label", "licence": "rights", "source": "= url"}
    corpus = rules(MOOD, columns=columns, where="votes|int >= 2 and label", locale={"column": "lang"})
    assert corpus.columns == ["body", "title", "label", "rights", "url", "lang", "votes"]


def test_a_column_may_be_an_expression_over_columns() -> None:
    columns = {"input": "= title ~ ': ' ~ body|lower", "target": "= 'good' if stars|int > 3 else 'bad'"}
    corpus = rules(MOOD, columns=columns)
    row = only(clean(corpus, title="Film", body="GREAT", stars="5"))
    assert (row.input, row.target) == ("Film: great", "good")
    assert only(clean(corpus, title="Film", body="", stars="1")).target == "bad"


def test_an_expression_that_does_not_fit_a_row_drops_it_with_the_reason_and_details() -> None:
    corpus = rules(MOOD, columns={"input": "= text[0].name", "target": "label"})
    (drop,) = clean(corpus, text=5, label="good")
    assert isinstance(drop, Drop)
    assert (drop.reason, drop.where) == ("bad_expression", "x.jsonl:7")
    assert drop.detail
    assert reasons(clean(corpus, label="good")) == ["missing_column"]


@pytest.mark.parametrize(
    ("votes", "outcome"), [("3", []), (2, []), ("1", ["filtered"]), ("", ["filtered"]), (None, ["filtered"])]
)
def test_where_keeps_the_rows_for_which_it_is_true(votes: object, outcome: list[str]) -> None:
    assert reasons(clean(rules(MOOD, where="votes|int >= 2"), text="a", label="good", votes=votes)) == outcome


def test_a_row_of_which_where_cannot_be_asked_is_dropped() -> None:
    corpus = rules(MOOD, where="votes + 1 > 2")
    assert reasons(clean(corpus, text="a", label="good", votes="two")) == ["bad_expression"]
    assert reasons(clean(corpus, text="a", label="good")) == ["missing_column"]


def test_where_is_asked_once_for_all_elements_of_a_list() -> None:
    corpus = rules(MOOD, explode=True, where="label|length < 3")
    assert len(clean(corpus, text=["a", "b"], label=["good", "bad"])) == 2
    assert reasons(clean(corpus, text=["a", "b", "c"], label=["good"] * 3)) == ["filtered"]


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"where": "votes >"}, r"corpora\.c\.where: the expression 'votes >' is malformed"),
        ({"columns": {"input": "= (", "target": "label"}}, r"corpora\.c\.columns\.input: the expression '= \('"),
        ({"columns": {"input": "a", "target": "b", "source": "= |"}}, r"corpora\.c\.columns\.source: "),
        ({"cleaning": {"pii": {"action": "mask", "entities": "no_such_module:find"}}}, "no_such_module"),
    ],
)
def test_what_can_never_work_is_an_error_before_any_row_is_read(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(DataError, match=key):
        rules(MOOD, **changes).check()
    rules(MOOD).check()


def test_a_finder_that_is_not_used_is_not_asked_for() -> None:
    rules(MOOD, cleaning={"pii": {"action": "off", "entities": "no_such_module:find"}}).check()


def test_a_row_says_its_own_licence_and_source_or_has_the_corpuss() -> None:
    columns = {"input": "text", "target": "label", "licence": "rights", "source": "url"}
    corpus = rules(MOOD, columns=columns, source="the archive")
    row = only(clean(corpus, text="a", label="good", rights="MIT", url="https://a.example"))
    assert (row.licence, row.source) == ("MIT", "https://a.example")
    for nothing in (None, "", ["MIT"], "\udcff"):
        row = only(clean(corpus, text="a", label="good", rights=nothing, url=nothing))
        assert (row.licence, row.source) == ("CC0-1.0", "the archive")
    row = only(clean(rules(MOOD), text="a", label="good"))
    assert (row.licence, row.source) == ("CC0-1.0", "")


def test_the_steps_of_the_corpus_clean_a_row_before_its_id_is_taken() -> None:
    row = only(clean(rules(TRANSLATE, target_locale="de"), text="Caf\u00c3\u00a9 &amp; Ｂar", label="schÃ¶n"))
    assert (row.input, row.target) == ("Café & Bar", "schön")
    assert row.id == example_id("t", "en", "de", "Café & Bar")
    kept = {"repair": False, "entities": False, "width": False, "language": {"action": "off"}}
    row = only(clean(rules(TRANSLATE, target_locale="de", cleaning=kept), text="A&amp;Ｂ", label="b"))
    assert row.input == "A&amp;Ｂ"


def test_a_label_is_never_cleaned_as_text() -> None:
    task = TaskRules(task="mood", labels=frozenset({"good &amp; cheap", "bad"}), directions=MOOD.directions)
    row = only(clean(rules(task), text="a &amp; b", label="good &amp; cheap"))
    assert (row.input, row.target) == ("a & b", "good &amp; cheap")


def test_a_step_that_drops_a_row_gives_its_reason_and_the_text_as_it_was_read() -> None:
    corpus = rules(MOOD, cleaning={"quality": {"min_characters": 6}})
    (drop,) = clean(corpus, text="a &amp; b", label="good")
    assert drop == Drop("c", "too_short", "x.jsonl:7", "a &amp; b")


ENGLISH = "The weather was so cold that nobody wanted to leave the house."
GERMAN = "Das Wetter war so kalt, dass niemand das Haus verlassen wollte."
FRENCH = "Il faisait si froid que personne ne voulait sortir de la maison."


def test_a_row_may_be_relabelled_into_a_locale_of_the_task_and_not_out_of_it() -> None:
    relabel = rules(MOOD, cleaning={"language": {"action": "relabel"}}, locale={"column": "lang"})
    row = only(clean(relabel, text=GERMAN, label="good", lang="en"))
    assert (row.locale, row.target_locale) == ("de", "de")
    assert row.id == example_id("mood", "de", "de", GERMAN)
    assert only(clean(relabel, text=GERMAN, label="good", lang="fr")).locale == "de"
    assert reasons(clean(relabel, text=FRENCH, label="good", lang="en")) == ["wrong_language"]
    assert reasons(clean(relabel, text="ok", label="good", lang="fr")) == ["other_locale"]


def test_a_pair_whose_new_locales_are_no_direction_of_the_task_is_dropped() -> None:
    relabel = rules(TRANSLATE, cleaning={"language": {"action": "relabel"}}, target_locale="de")
    assert only(clean(relabel, text=ENGLISH, label=GERMAN)).target_locale == "de"
    assert reasons(clean(relabel, text=GERMAN, label=ENGLISH)) == ["other_locale"]


def test_what_steps_saw_is_counted_over_all_rows() -> None:
    cleaner = Cleaner(rules=rules(MOOD, cleaning={"pii": {"action": "report"}}))
    for text in (ENGLISH, ENGLISH, "Write to anna.smith@example.org, they said to me."):
        list(cleaner.clean(RawRow(1, {"text": text, "label": "good"}), "f:1"))
    assert cleaner.found == {"language:en": 3, "pii:email": 1}
    assert {account.rows_in for account in cleaner.accounts.values()} == {3}


@dataclass(frozen=True)
class Stumbles(Step):
    """Fails at one text."""

    name: ClassVar[str] = "stumbles"
    reads: ClassVar[frozenset[str]] = frozenset({"input"})

    def apply(self, draft: Draft) -> None:
        if draft.input == "strange":
            raise RuntimeError("no idea what this is")


def test_a_row_that_a_step_cannot_bear_is_put_aside_and_the_next_one_goes_on() -> None:
    cleaner = Cleaner(rules=rules(MOOD))
    cleaner.chain.steps = (Stumbles(),)
    cleaner.chain.__post_init__()
    strange, fine = (
        list(cleaner.clean(RawRow(1, {"text": text, "label": "good"}), "f:1")) for text in ("strange", "a")
    )
    (drop,) = strange
    assert isinstance(drop, Drop)
    assert (drop.reason, drop.sample) == ("step_failed", "strange")
    assert "RuntimeError: no idea what this is" in drop.detail
    assert only(fine).input == "a"


def test_rules_travel_to_other_processes_after_they_were_used() -> None:
    corpus = rules(MOOD, columns={"input": "= text|upper", "target": "label"}, where="text")
    used = clean(corpus, text="a", label="good")
    assert clean(pickle.loads(pickle.dumps(corpus)), text="a", label="good") == used


FEEDBACK: dict[str, object] = {
    "task": "mood",
    "locale": "de",
    "target_locale": "de",
    "input": " gut ",
    "target": "good",
    "weight": 2.5,
}


BELIEVED = CleaningSpec(language=LanguageSpec(action="off"))


def clean_feedback(changes: dict[str, object], cleaning: CleaningSpec = BELIEVED) -> Candidate | Drop:
    feedback = FeedbackRules(task=MOOD, cleaning=cleaning)
    (row,) = Cleaner(rules=feedback).clean(RawRow(1, FEEDBACK | changes), "f:1")
    return row


def test_feedback_goes_into_train_with_its_weight_and_an_id_of_its_own_making() -> None:
    row = clean_feedback({"id": "forged", "split": "holdout"})
    assert isinstance(row, Candidate)
    assert row == Candidate(
        id=example_id("mood", "de", "de", "gut"),
        task="mood",
        locale="de",
        target_locale="de",
        input="gut",
        target="good",
        weight=2.5,
        corpus="feedback",
        licence="",
        source=FEEDBACK_SOURCE,
        split="train",
        where="f:1",
    )


def test_feedback_is_cleaned_as_the_spec_says() -> None:
    row = clean_feedback({"input": "schÃ¶n &amp; gut"})
    assert isinstance(row, Candidate)
    assert row.input == "schön & gut"
    row = clean_feedback({"input": "kurz"}, CleaningSpec.model_validate({"quality": {"min_characters": 50}}))
    assert isinstance(row, Drop)
    assert (row.corpus, row.reason) == ("feedback", "too_short")


def test_a_row_of_feedback_that_cannot_be_read_keeps_its_reason() -> None:
    feedback = FeedbackRules(task=MOOD, cleaning=CleaningSpec())
    (drop,) = Cleaner(rules=feedback).clean(RawRow(3, None, "bad_row", "x"), "f:3")
    assert drop == Drop("feedback", "bad_row", "f:3", "x")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"task": "other"}, "other_task"),
        ({"input": None}, "not_text"),
        ({"weight": 0.0}, "bad_weight"),
        ({"weight": float("nan")}, "bad_weight"),
        ({"weight": None}, "bad_weight"),
        ({"target": "ugly"}, "unknown_label"),
        ({"locale": "fr", "target_locale": "fr"}, "other_locale"),
        ({"locale": "en"}, "other_locale"),
        ({"input": " "}, "empty_input"),
    ],
)
def test_feedback_that_cannot_be_used_is_dropped_with_its_reason(change: dict[str, object], reason: str) -> None:
    row = clean_feedback(change)
    assert isinstance(row, Drop)
    assert (row.corpus, row.reason) == ("feedback", reason)


ASK = TaskRules(task="ask", labels=frozenset(), directions=frozenset({("en", "en")}), asks_documents=True)
ASKED = {"input": "question", "target": "answer", "context": "text", "document": "doc"}


def asked(**values: object) -> list[Candidate | Drop]:
    row = {"question": "When?", "answer": "1901", "text": None, "doc": None, **values}
    return clean(rules(ASK, columns=ASKED), **row)


def test_a_question_is_held_with_its_passage_and_known_by_itself() -> None:
    row = only(asked(text="Built  &amp; opened in 1901.", doc="tower"))
    held = Question(question="When?", context="Built & opened in 1901.", document="tower")
    assert read_question(row.input) == held
    assert row.id == example_id("ask", "en", "en", "When?") == only(asked()).id
    assert only(asked()).input == "When?"


def test_a_question_may_have_no_answer() -> None:
    assert only(asked(answer=" ")).target == ""
    assert reasons(asked(answer=None)) == ["not_text"]


def test_quotes_in_a_passage_survive_cleaning() -> None:
    row = only(asked(text="She said &quot;1901&quot;."))
    assert read_question(row.input).context == 'She said "1901".'
