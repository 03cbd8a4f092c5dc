"""A tiny reading model that learned one answer."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.support.tiny_reader import save_checkpoint, tiny_encoder, tiny_reader, word_tokenizer

from polyloop.errors import ModelError
from polyloop.retrieval.documents import Document, Passage
from polyloop.retrieval.span_reader import ReadingSettings, SpanReader, load_span_reader
from polyloop.retrieval.windows import WindowSize

WORDS = {
    *["who", "built", "the", "tower", "anna", "in", "berlin", "it", "is", "high", "and", "old"],
    *["nothing", "here", "since", "many", "years"],
}
TOKENIZER = word_tokenizer([*sorted(WORDS), "?", "."])
TEXT = "It is old. Anna built the tower in Berlin. And it is high."
PASSAGE = Passage(document=Document(id="tower", text="Old? " + TEXT, locale="en", source="guide"), start=5, end=63)
OTHER = Passage(document=Document(id="other", text="nothing here since many years"), start=0, end=29)
SETTINGS = ReadingSettings(window=WindowSize(max_tokens=32, overlap_tokens=4))


def trained_reader(settings: ReadingSettings = SETTINGS) -> SpanReader:
    """A reader that learned that "Anna" answers and that [CLS] does where she is not mentioned."""
    model = tiny_reader(TOKENIZER).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    questions = ["who built the tower ?"] * 2
    batch = TOKENIZER(questions, [TEXT, OTHER.text], padding=True, return_tensors="pt")
    anna = batch["input_ids"][0].tolist().index(TOKENIZER.convert_tokens_to_ids("anna"))
    places = torch.tensor([anna, 0])
    for _ in range(60):
        optimizer.zero_grad()
        model(**batch, start_positions=places, end_positions=places).loss.backward()
        optimizer.step()
    return SpanReader(model, TOKENIZER, settings)


def test_the_answer_is_found_and_cited_in_its_document() -> None:
    answer = trained_reader().read("Who built the tower?", [OTHER, PASSAGE])
    assert answer.text == "Anna"
    assert answer.score > 0.5
    best = answer.citations[0]
    assert (best.document_id, best.source, best.locale) == ("tower", "guide", "en")
    assert PASSAGE.document.text[best.start : best.end] == "Anna"
    assert (best.passage_start, best.passage_end) == (5, 63)
    assert best.score == answer.score


def test_where_the_answer_is_not_there_none_is_given() -> None:
    answer = trained_reader().read("Who built the tower?", [OTHER])
    assert (answer.text, answer.citations) == (None, ())
    assert answer.score < 0.5


def test_a_margin_makes_the_reader_more_careful() -> None:
    reader = trained_reader()
    decision = reader.decide("Who built the tower?", [TEXT])
    careful = SpanReader(reader.model, TOKENIZER, ReadingSettings(window=SETTINGS.window, margin=decision.margin + 0.1))
    assert decision.answered
    assert not careful.decide("Who built the tower?", [TEXT]).answered


@pytest.mark.parametrize("question", ["", "  \n"])
def test_an_empty_question_is_not_answered(question: str) -> None:
    assert SpanReader(tiny_reader(TOKENIZER), TOKENIZER, SETTINGS).read(question, [PASSAGE]).text is None


def test_without_passages_there_is_no_answer() -> None:
    assert SpanReader(tiny_reader(TOKENIZER), TOKENIZER, SETTINGS).read("Who?", []).text is None


def test_batches_and_padding_change_nothing() -> None:
    texts = [TEXT, OTHER.text, "Anna", TEXT * 5]
    decisions = [
        SpanReader(tiny_reader(TOKENIZER), TOKENIZER, ReadingSettings(window=SETTINGS.window, batch_size=size)).decide(
            "Who built it?", texts
        )
        for size in (1, 8)
    ]
    alone, together = ([(s.passage, s.start, s.end) for s in decision.spans] for decision in decisions)
    assert alone == together
    assert np.allclose([s.score for s in decisions[0].spans], [s.score for s in decisions[1].spans], atol=1e-5)


def test_a_saved_reader_reads_the_same(tmp_path: Path) -> None:
    reader = trained_reader()
    folder = save_checkpoint(tmp_path / "reader", reader.model, TOKENIZER)
    loaded = load_span_reader(folder, SETTINGS)
    assert loaded.read("Who built the tower?", [PASSAGE]) == reader.read("Who built the tower?", [PASSAGE])


def test_a_model_without_a_trained_reading_head_is_refused(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path / "encoder", tiny_encoder(TOKENIZER), TOKENIZER)
    with pytest.raises(ModelError, match=r"no trained weights for 'qa_outputs\.bias'"):
        load_span_reader(folder)


def test_an_absent_reader_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no reading model at"):
        load_span_reader(tmp_path / "none")


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_span_reader(tmp_path)
