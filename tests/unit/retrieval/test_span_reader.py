"""A tiny reading model that learned one answer."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.support.tiny_reader import save_checkpoint, tiny_encoder, tiny_reader, word_tokenizer

from polyloop.errors import ModelError
from polyloop.retrieval.span_reader import ReadingSettings, SpanReader, load_span_reader
from polyloop.retrieval.windows import WindowSize

WORDS = {
    *["who", "built", "the", "tower", "anna", "in", "berlin", "it", "is", "high", "and", "old"],
    *["nothing", "here", "since", "many", "years"],
}
TOKENIZER = word_tokenizer([*sorted(WORDS), "?", "."])
TEXT = "It is old. Anna built the tower in Berlin. And it is high."
OTHER = "nothing here since many years"
SETTINGS = ReadingSettings(window=WindowSize(max_tokens=32, overlap_tokens=4))


def trained_reader() -> SpanReader:
    """A reader that learned that "Anna" answers and that [CLS] does where she is not mentioned."""
    model = tiny_reader(TOKENIZER).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    questions = ["who built the tower ?"] * 2
    batch = TOKENIZER(questions, [TEXT, OTHER], padding=True, return_tensors="pt")
    anna = batch["input_ids"][0].tolist().index(TOKENIZER.convert_tokens_to_ids("anna"))
    places = torch.tensor([anna, 0])
    for _ in range(60):
        optimizer.zero_grad()
        model(**batch, start_positions=places, end_positions=places).loss.backward()
        optimizer.step()
    return SpanReader(model, TOKENIZER, SETTINGS)


def test_the_answer_is_found() -> None:
    decision = trained_reader().decide("Who built the tower?", [OTHER, TEXT])
    best = decision.spans[0]
    assert (best.passage, TEXT[best.start : best.end]) == (1, "Anna")
    assert decision.margin > 0
    assert decision.chances[0] > 0.5


def test_where_the_answer_is_not_there_none_is_likelier() -> None:
    decision = trained_reader().decide("Who built the tower?", [OTHER])
    assert decision.margin < 0
    assert decision.chances[0] < 0.5


@pytest.mark.parametrize("question", ["", "  \n"])
def test_an_empty_question_has_no_answer(question: str) -> None:
    assert SpanReader(tiny_reader(TOKENIZER), TOKENIZER, SETTINGS).decide(question, [TEXT]).spans == ()


def test_without_passages_there_is_no_answer() -> None:
    assert SpanReader(tiny_reader(TOKENIZER), TOKENIZER, SETTINGS).decide("Who?", []).spans == ()


def test_batches_and_padding_change_nothing() -> None:
    texts = [TEXT, OTHER, "Anna", TEXT * 5]
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
    assert loaded.decide("Who built the tower?", [TEXT]) == reader.decide("Who built the tower?", [TEXT])


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
