"""Tests of answering inputs with a model version."""

from pathlib import Path

import pytest
import torch
from tests.support.small_tasks import number_words, small_task, small_tokenizer, version_facts

from polyloop.errors import ArtefactError, ModelError, RequestError
from polyloop.models.artefact import publish
from polyloop.models.build import build_model
from polyloop.models.predict import PredictInput, Predictor, pad_rows


def _publish(tmp_path: Path, kind: str, **model: object) -> Path:
    task = small_task(kind, model=model)
    torch.manual_seed(3)
    tokenizer = small_tokenizer(tmp_path / "trained", task)
    model_ = build_model(task, tokenizer, dropout=0.1)
    model_.save_pretrained(tmp_path / "trained")
    publish(tmp_path / "trained", tmp_path / "v1", version_facts(task))
    return tmp_path / "v1"


def _inputs(kind: str, count: int = 40) -> list[PredictInput]:
    targets = ("en",) if kind == "classify" else ("de", "fr")
    return [
        PredictInput(text=number_words(7 ** (index % 8)), locale="en", target_locale=targets[index % len(targets)])
        for index in range(count)
    ]


@pytest.mark.parametrize("kind", ["classify", "translate"])
def test_an_answer_does_not_depend_on_its_company(tmp_path: Path, kind: str) -> None:
    predictor = Predictor(_publish(tmp_path, kind), threads=1)
    inputs = _inputs(kind)
    together = predictor.predict(inputs)
    for one, answer in zip(inputs, together, strict=True):
        alone = predictor.predict([one])[0]
        assert alone.output == answer.output
        assert (alone.num_input_tokens, alone.num_output_tokens) == (answer.num_input_tokens, answer.num_output_tokens)
        if alone.scores is not None:
            assert alone.scores == pytest.approx(answer.scores, abs=1e-5)


def test_classify_gives_the_most_probable_label_and_all_probabilities(tmp_path: Path) -> None:
    for answer in Predictor(_publish(tmp_path, "classify"), threads=1).predict(_inputs("classify", 5)):
        scores = answer.scores or {}
        assert set(scores) == {"even", "odd"}
        assert sum(scores.values()) == pytest.approx(1.0)
        assert scores[answer.output] == max(scores.values())
        assert answer.num_output_tokens == 0


def test_translate_stops_at_the_target_limit(tmp_path: Path) -> None:
    predictor = Predictor(_publish(tmp_path, "translate", max_target_tokens=7), threads=1)
    answers = predictor.predict(_inputs("translate", 6))
    assert all(1 <= answer.num_output_tokens <= 7 for answer in answers)
    assert all(answer.scores is None for answer in answers)


def test_an_input_that_is_too_long_is_refused_with_count_and_limit(tmp_path: Path) -> None:
    predictor = Predictor(_publish(tmp_path, "classify"), threads=1)
    item = PredictInput(text="one " * 100, locale="en", target_locale="en")
    for ask in (lambda: predictor.predict([item]), lambda: predictor.count_tokens(item)):
        with pytest.raises(RequestError, match=r"has \d{3} tokens, but this task takes at most 32") as caught:
            ask()
        assert (caught.value.status, caught.value.code) == (422, "input_too_long")


def test_tokens_are_counted_with_the_special_ones(tmp_path: Path) -> None:
    predictor = Predictor(_publish(tmp_path, "translate"), threads=1)
    item = PredictInput(text="1", locale="en", target_locale="de")
    assert predictor.count_tokens(item) == predictor.predict([item])[0].num_input_tokens == 3


def test_a_target_locale_that_the_version_was_not_made_for_is_refused(tmp_path: Path) -> None:
    predictor = Predictor(_publish(tmp_path, "translate"), threads=1)
    with pytest.raises(ModelError, match="<2ja>"):
        predictor.predict([PredictInput(text="one", locale="en", target_locale="ja")])


@pytest.mark.parametrize("kind", ["classify", "translate"])
def test_warming_up_works_and_no_input_gives_no_answer(tmp_path: Path, kind: str) -> None:
    predictor = Predictor(_publish(tmp_path, kind), threads=1)
    predictor.warm_up()
    assert predictor.predict([]) == []


def test_an_empty_text_is_answered(tmp_path: Path) -> None:
    predictor = Predictor(_publish(tmp_path, "classify"), threads=1)
    assert predictor.predict([PredictInput(text="", locale="en", target_locale="en")])[0].num_input_tokens == 1


def test_a_changed_artefact_is_not_loaded(tmp_path: Path) -> None:
    path = _publish(tmp_path, "classify")
    (path / "config.json").write_text((path / "config.json").read_text() + " ")
    with pytest.raises(ArtefactError, match=r"config\.json is not the file that was published"):
        Predictor(path)


def test_damaged_weights_are_an_artefact_error_even_unverified(tmp_path: Path) -> None:
    path = _publish(tmp_path, "classify")
    (path / "model.safetensors").write_bytes(b"\0" * 64)
    with pytest.raises(ArtefactError, match="cannot be loaded"):
        Predictor(path, verify=False)


def test_a_trained_model_answers_before_it_is_published(tmp_path: Path) -> None:
    published = Predictor(_publish(tmp_path, "translate"), threads=1)
    trained = Predictor.of_trained(tmp_path / "trained", small_task("translate"), ("en", "de", "fr"), threads=1)
    assert trained.predict(_inputs("translate", 4)) == published.predict(_inputs("translate", 4))


def test_threads_are_set_when_asked(tmp_path: Path) -> None:
    before = torch.get_num_threads()
    try:
        Predictor(_publish(tmp_path, "classify"), threads=3)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_rows_are_padded_on_the_right_and_masked() -> None:
    ids, mask = pad_rows([[5, 6], [7]], 9)
    assert ids.tolist() == [[5, 6], [7, 9]]
    assert mask.tolist() == [[1, 1], [1, 0]]
