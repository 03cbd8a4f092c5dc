"""Tests of answering with a converted model: the same predictions as with PyTorch, whole or in pieces."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.support.converted_models import ALL, ENCODER_DECODERS, ConvertedModel, inputs_of

from polyloop.errors import ArtefactError, ModelError, RequestError
from polyloop.models.contract import PredictInput, Prediction

Converted = Callable[[str], ConvertedModel]


@pytest.mark.parametrize("family", ALL)
def test_predictions_are_those_of_torch(converted: Converted, family: str) -> None:
    model = converted(family)
    inputs = inputs_of(model.kind)
    found = model.engine().predict(inputs)
    assert found == model.by_torch().predict(inputs)
    assert len({answer.output for answer in found}) > len(inputs) / 4
    assert len({answer.num_output_tokens for answer in found}) > 1


@pytest.mark.parametrize("family", ENCODER_DECODERS)
def test_the_tag_of_the_locale_changes_the_answer(converted: Converted, family: str) -> None:
    engine = converted(family).engine()
    texts = ["one two three", "nine", "four five six seven"]
    german, french = (
        engine.predict([PredictInput(text=text, locale="en", target_locale=locale) for text in texts])
        for locale in ("de", "fr")
    )
    assert [one.output for one in german] != [other.output for other in french]


@pytest.mark.parametrize("text", ["</s> one <pad>", "<2fr> one", "<unk>", "<2de></s>"])
@pytest.mark.parametrize("family", ["t5", "marian", "recipe-translate"])
def test_special_tokens_that_are_written_out_are_ordinary_characters(
    converted: Converted, family: str, text: str
) -> None:
    model = converted(family)
    item = PredictInput(text=text, locale="en", target_locale="de")
    answer = model.engine().predict([item])[0]
    assert answer == model.by_torch().predict([item])[0]
    assert answer.num_input_tokens > len(text) / 2


@pytest.mark.parametrize("family", ALL)
def test_an_answer_does_not_depend_on_its_company(converted: Converted, family: str) -> None:
    engine = converted(family).engine()
    inputs = inputs_of(converted(family).kind, 12)
    assert [engine.predict([item])[0] for item in inputs] == engine.predict(inputs)


@pytest.mark.parametrize("settings", [{}, {"num_beams": 2, "early_stopping": True}, {"repetition_penalty": 1.3}])
@pytest.mark.parametrize("family", ALL)
def test_a_stream_is_the_pieces_of_the_output_and_then_the_prediction(
    converted: Converted, tmp_path: Path, family: str, settings: dict[str, Any]
) -> None:
    model = converted(family).decoding_with(tmp_path / "model", **settings)
    engine = model.engine()
    most_pieces = 0
    for item in inputs_of(model.kind, 12):
        *pieces, prediction = engine.stream(item)
        assert isinstance(prediction, Prediction)
        assert prediction == engine.predict([item])[0]
        assert "".join(map(str, pieces)) == prediction.output
        assert all(pieces)
        most_pieces = max(most_pieces, len(pieces))
    assert most_pieces == 1 if "num_beams" in settings else most_pieces > 3
    assert engine.can_stream == ("num_beams" not in settings)


@pytest.mark.parametrize("family", ALL)
def test_given_texts_are_found_as_likely_as_by_torch(converted: Converted, family: str) -> None:
    model = converted(family)
    inputs = inputs_of(model.kind, 12)
    targets = ["", "7", *("9 8 7 6 5"[: 1 + index] for index in range(10))]
    found = model.engine().nlls_nats(inputs, targets)
    assert found == pytest.approx(model.by_torch().nlls_nats(inputs, targets), rel=1e-4)
    assert len(set(found)) == 12
    assert model.engine().nlls_nats([], []) == []


@pytest.mark.parametrize("family", ["t5", "llama"])
def test_without_chance_the_likeliest_is_written_where_tokens_are_drawn_otherwise(
    converted: Converted, tmp_path: Path, family: str
) -> None:
    model = converted(family)
    drawing = model.decoding_with(tmp_path / "model", do_sample=True, temperature=2.0, top_k=0)
    inputs = inputs_of(model.kind, 12)
    assert drawing.engine(draws=False).predict(inputs) == model.engine().predict(inputs)
    assert drawing.engine().predict(inputs) != model.engine().predict(inputs)


@pytest.mark.parametrize("family", ["t5", "llama"])
def test_streams_and_batches_go_side_by_side(converted: Converted, family: str) -> None:
    engine = converted(family).engine(calls=3)
    inputs = inputs_of(converted(family).kind, 12)
    wanted = engine.predict(inputs)

    def streamed(item: PredictInput) -> str | Prediction:
        return list(engine.stream(item))[-1]

    with ThreadPoolExecutor(3) as pool:
        lasts = pool.map(streamed, inputs)
        assert engine.predict(inputs) == wanted
        assert list(lasts) == wanted


@pytest.mark.parametrize("family", ["t5", "llama"])
def test_a_stream_can_be_left(converted: Converted, family: str) -> None:
    engine = converted(family).engine()
    inputs = inputs_of(converted(family).kind)
    item = max(inputs, key=lambda item: len(engine.predict([item])[0].output))
    stream = engine.stream(item)
    first = next(stream)
    stream.close()
    assert isinstance(first, str)
    assert engine.predict([item])[0].output.startswith(first)


def test_an_input_that_is_too_long_is_refused_at_once(converted: Converted) -> None:
    engine = converted("t5").engine()
    item = PredictInput(text="one " * 100, locale="en", target_locale="de")
    for ask in (lambda: engine.predict([item]), lambda: engine.count_tokens(item), lambda: engine.stream(item)):
        with pytest.raises(RequestError, match=r"has \d{3} tokens, but this task takes at most 32") as caught:
            ask()
        assert (caught.value.status, caught.value.code) == (422, "input_too_long")


def test_a_locale_without_a_tag_is_refused_and_not_answerable(converted: Converted) -> None:
    engine = converted("t5").engine()
    with pytest.raises(ModelError, match="<2ja>"):
        engine.predict([PredictInput(text="one", locale="en", target_locale="ja")])
    assert engine.answerable_locales() == converted("t5").by_torch().answerable_locales() == ["de", "fr"]


def test_tokens_are_counted_and_no_input_gives_no_answer(converted: Converted) -> None:
    engine = converted("recipe-translate").engine()
    item = PredictInput(text="1", locale="en", target_locale="de")
    assert engine.count_tokens(item) == engine.predict([item])[0].num_input_tokens == 3
    assert engine.predict([]) == []


def test_settings_that_cannot_be_decoded_with_are_refused_when_loading(converted: Converted, tmp_path: Path) -> None:
    model = converted("bart").decoding_with(tmp_path / "model", forced_eos_token_id=1)
    with pytest.raises(ModelError, match="forced_eos_token_id"):
        model.engine()


def test_a_folder_without_a_tokenizer_is_refused(converted: Converted, tmp_path: Path) -> None:
    model = converted("t5")
    with pytest.raises(ArtefactError, match=r"tokenizer at .* cannot be loaded"):
        ConvertedModel(path=tmp_path, converted=model.converted, task=model.task).engine()
