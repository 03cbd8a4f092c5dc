"""Tests of generation configurations in the terms of CTranslate2."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.converted_models import trained_model
from transformers import GenerationConfig

from polyloop.errors import ArtefactError, ModelError
from polyloop.models.engines.decoding import Decoding, decoding_of, read_decoding


def _of(**settings: Any) -> Decoding:
    make: Any = GenerationConfig
    return decoding_of(make(**{"eos_token_id": 1} | settings))


def test_what_a_training_writes_is_read(tmp_path: Path) -> None:
    path, _ = trained_model("recipe-translate", tmp_path)
    assert read_decoding(path) == Decoding(end_ids=(1,), top_k=50)


def test_settings_are_taken_over() -> None:
    beams = _of(num_beams=4, early_stopping=True, length_penalty=0.6, eos_token_id=[1, 2], bad_words_ids=[[0], [3, 4]])
    assert beams.options() == {
        "beam_size": 4,
        "length_penalty": 0.6,
        "repetition_penalty": 1.0,
        "no_repeat_ngram_size": 0,
        "suppress_sequences": [["0"], ["3", "4"]],
        "end_token": [1, 2],
        "return_end_token": True,
    }
    drawn = _of(do_sample=True, temperature=0.7, top_p=0.9, top_k=0).options()
    assert (drawn["sampling_temperature"], drawn["sampling_topp"], drawn["sampling_topk"]) == (0.7, 0.9, 0)
    assert _of(do_sample=True).top_k == 50
    assert "sampling_topk" not in _of(temperature=0.7).options()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"forced_eos_token_id": 1}, "forced_eos_token_id"),
        ({"min_length": 3, "typical_p": 0.9}, "min_length, typical_p"),
        ({"num_beams": 2, "early_stopping": False}, "early_stopping"),
        ({"num_beams": 2, "early_stopping": True, "do_sample": True}, "do_sample"),
        ({"eos_token_id": None}, "eos_token_id"),
    ],
)
def test_a_setting_without_an_equal_is_refused_by_name(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ModelError, match=named):
        _of(**settings)


def test_settings_that_change_nothing_are_no_reason_to_refuse() -> None:
    assert _of(min_length=0, typical_p=1.0, num_return_sequences=1, output_scores=False, max_length=7) == _of()


@pytest.mark.parametrize(
    ("settings", "num_deviations"),
    [
        ({}, 0),
        ({"num_beams": 2, "early_stopping": True}, 0),
        ({"no_repeat_ngram_size": 2}, 1),
        ({"repetition_penalty": 1.2}, 1),
        ({"no_repeat_ngram_size": 2, "num_beams": 2, "early_stopping": True}, 3),
        ({"no_repeat_ngram_size": 2, "num_beams": 2, "early_stopping": True, "renormalize_logits": True}, 2),
        ({"bad_words_ids": [[0]], "num_beams": 2, "early_stopping": True}, 1),
    ],
)
def test_deviations_are_told(settings: dict[str, Any], num_deviations: int) -> None:
    assert len(_of(**settings).deviations) == num_deviations


def test_a_folder_that_does_not_say_how_it_decodes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match=r"generation_config\.json cannot be read"):
        read_decoding(tmp_path)
