"""Tests of the readers of answer tasks behind their one face."""

import math
from pathlib import Path

import torch
from tests.support.small_tasks import small_task, small_tokenizer
from tests.support.tiny_reader import tiny_reader, word_tokenizer

from polyloop.models.build import build_model
from polyloop.models.loaded import LoadedModel
from polyloop.models.predict import contract_of
from polyloop.models.readers import ExtractiveReader, SentenceReader, WritingReader, passages_with
from polyloop.retrieval.documents import Document, split_passages
from polyloop.retrieval.index import Hit, build_index
from polyloop.retrieval.span_reader import ReadingSettings, SpanReader
from polyloop.tasks import kind_of
from polyloop.tasks.answer import GenerativeAnswer

DOCUMENTS = (
    Document(id="tower", locale="en", source="guide", text="  The tower was built in 1901. Anna designed the stairs."),
    Document(id="bread", locale="en", text="Bakers bake bread early."),
)
INDEX = build_index(DOCUMENTS)
HITS = [Hit(passage=passage, score=1.0) for passage in INDEX.passages]


def test_the_sentence_reader_gives_its_best_sentence_however_unsure() -> None:
    reader = SentenceReader(INDEX, 1)
    candidate = reader.read("Who designed the moon and the stairs?", HITS)
    assert candidate.text == "Anna designed the stairs."
    assert 0 < candidate.score < 1
    assert len(candidate.citations) == 1
    assert reader.read("雪", HITS).text == ""
    assert reader.read("Who?", []).text == ""


def test_the_sentence_reader_cites_the_best_places_in_their_documents() -> None:
    document = DOCUMENTS[0]
    candidate = SentenceReader(INDEX, 2).read("When was the tower built by Anna?", HITS)
    best, other = candidate.citations
    assert (best.document_id, best.source, best.locale) == ("tower", "guide", "en")
    assert document.text[best.start : best.end] == candidate.text
    assert (best.passage_start, best.passage_end) == (2, len(document.text))
    assert candidate.score == best.score >= other.score


def test_the_extractive_reader_scores_by_what_a_span_has_more_than_none() -> None:
    tokenizer = word_tokenizer(
        ["the", "tower", "was", "built", "in", "1901", "anna", "designed", "stairs", "bakers", "bake", "bread", "early"]
    )
    settings = ReadingSettings(num_candidates=2)
    reader = SpanReader(tiny_reader(tokenizer), tokenizer, settings)
    candidate = ExtractiveReader(reader).read("the tower", HITS)
    decision = reader.decide("the tower", [hit.passage.text for hit in HITS])
    assert candidate.score == decision.margin
    first = candidate.citations[0]
    document = next(one for one in DOCUMENTS if one.id == first.document_id)
    assert document.text[first.start : first.end] == candidate.text
    assert candidate.text == candidate.text.strip()
    assert len(candidate.citations) <= 2
    assert ExtractiveReader(reader).read("the tower", []).text == ""


def test_the_writing_reader_reads_as_much_as_its_model_takes(tmp_path: Path) -> None:
    task = small_task("answer", answer={"reader": "generative"}, model={"max_input_tokens": 40})
    tokenizer = small_tokenizer(tmp_path, task)
    torch.manual_seed(1)
    build_model(task, tokenizer, dropout=0.0).save_pretrained(tmp_path)
    kind = kind_of(task)
    assert isinstance(kind, GenerativeAnswer)
    loaded = LoadedModel(tmp_path, kind, contract_of(task, ("en",)), torch.device("cpu"))
    document = Document(id="numbers", text=" ".join(f"The {number} is here." for number in range(100)))
    hits = [Hit(passage=passage, score=1.0) for passage in split_passages(document)]
    candidate = WritingReader(loaded, kind, 2).read("four two", hits)
    assert candidate.num_input_tokens <= 40
    assert WritingReader(loaded, kind, 2).read("four two", []).text == ""
    assert bool(candidate.text) == bool(candidate.citations)
    assert math.isfinite(candidate.score)


def test_a_text_is_cited_from_the_passages_that_hold_it_or_from_all_that_were_read() -> None:
    assert [one.document_id for one in passages_with("BREAD", INDEX.passages)] == ["bread"]
    assert [one.document_id for one in passages_with("cake", INDEX.passages)] == ["tower", "bread"]
