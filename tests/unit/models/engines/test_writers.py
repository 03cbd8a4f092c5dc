"""Tests of writing ids: token for token what transformers' generate writes, at once or one by one."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import pytest
import torch
from tests.support.converted_models import ALL, ENCODER_DECODERS, ConvertedModel
from tests.support.processors import needs_exact_int8

from polyloop.errors import ArtefactError, ModelError
from polyloop.models.engines.computing import Computing
from polyloop.models.engines.decoding import Decoding, read_decoding
from polyloop.models.engines.writers import Writer, load_writer
from polyloop.models.texts import until_end, write

Converted = Callable[[str], ConvertedModel]

NUM_ROWS = 40
LIMIT = 12
START = 0
"""Id that the encoder-decoders here begin their outputs with."""

BEAMS = {"num_beams": 4, "early_stopping": True}
EXACT: dict[str, dict[str, Any]] = {
    "greedy": {},
    "two beams": {"num_beams": 2, "early_stopping": True, "length_penalty": 1.0},
    "four beams, short": BEAMS | {"length_penalty": 0.3},
    "four beams, long": BEAMS | {"length_penalty": 2.0},
}
LOOKING_BACK: dict[str, dict[str, Any]] = {
    "no repetition": {"no_repeat_ngram_size": 2},
    "a penalty": {"repetition_penalty": 1.3},
    "both": {"no_repeat_ngram_size": 3, "repetition_penalty": 1.1},
}


def _rows(model: ConvertedModel) -> list[list[int]]:
    """Return rows of ids of many lengths, down to one token."""
    draw = random.Random(3)
    size = len(model.tokenizer)
    return [[5], [7], *([draw.randrange(3, size) for _ in range(1 + index % 20)] for index in range(NUM_ROWS - 2))]


def _writer(model: ConvertedModel) -> Writer:
    is_decoder = model.kind.architecture == "decoder"
    return load_writer(model.converted, read_decoding(model.path), Computing(threads=1), is_decoder=is_decoder)


def _end(model: ConvertedModel) -> int:
    return int(model.tokenizer.eos_token_id)


@pytest.mark.parametrize("settings", EXACT.values(), ids=EXACT.keys())
@pytest.mark.parametrize("family", ALL)
def test_the_ids_are_those_of_transformers(
    converted: Converted, tmp_path: Path, family: str, settings: dict[str, Any]
) -> None:
    model = converted(family).decoding_with(tmp_path / "model", **settings)
    rows = _rows(model)
    wanted = write(model.loaded(), model.kind, rows)
    assert model.engine().write(rows) == wanted
    lengths = [len(ids) for ids in wanted]
    ended = [ids[-1] == _end(model) for ids in wanted]
    assert len(set(map(tuple, wanted))) > NUM_ROWS / 3
    assert any(ended)
    assert not all(ended)
    assert max(lengths) > min(lengths)


def _equal_but_for_the_first_token(model: ConvertedModel) -> int:
    """Return how many outputs are transformers'; all must be in which the token does not occur that is not seen."""
    rows = _rows(model)
    wanted = write(model.loaded(), model.kind, rows)
    found = model.engine().write(rows)
    is_decoder = model.kind.architecture == "decoder"
    for ids, one, other in zip(rows, wanted, found, strict=True):
        assert one == other or (ids[0] if is_decoder else START) in one + other
    return sum(one == other for one, other in zip(wanted, found, strict=True))


@pytest.mark.parametrize("settings", LOOKING_BACK.values(), ids=LOOKING_BACK.keys())
@pytest.mark.parametrize("family", ALL)
def test_looking_back_sees_what_transformers_sees_but_for_the_first_token(
    converted: Converted, tmp_path: Path, family: str, settings: dict[str, Any]
) -> None:
    model = converted(family).decoding_with(tmp_path / "model", **settings)
    assert _equal_but_for_the_first_token(model) > NUM_ROWS * 0.8
    assert model.engine().write(_rows(model)) != converted(family).engine().write(_rows(model))


@pytest.mark.parametrize("family", ENCODER_DECODERS)
def test_beams_without_repetition_are_those_that_transformers_scores_anew(
    converted: Converted, tmp_path: Path, family: str
) -> None:
    settings = BEAMS | {"no_repeat_ngram_size": 2}
    anew = converted(family).decoding_with(tmp_path / "anew", **settings, renormalize_logits=True)
    assert _equal_but_for_the_first_token(anew) > NUM_ROWS * 0.8
    model, rows = converted(family).decoding_with(tmp_path / "model", **settings), _rows(anew)
    assert model.engine().write(rows) != write(model.loaded(), model.kind, rows)
    assert len(model.engine().decoding.deviations) == 3


@pytest.mark.parametrize("settings", [{}, {"no_repeat_ngram_size": 2}, {"repetition_penalty": 1.3}])
@pytest.mark.parametrize("family", ALL)
def test_one_by_one_comes_what_comes_at_once(
    converted: Converted, tmp_path: Path, family: str, settings: dict[str, Any]
) -> None:
    model = converted(family).decoding_with(tmp_path / "model", **settings)
    writer, end = _writer(model), _end(model)
    for ids in _rows(model)[:12]:
        at_once = until_end(writer.write([ids], [LIMIT])[0], end, LIMIT)
        assert list(writer.stream(ids, LIMIT)) == at_once
        assert 1 <= len(at_once) <= LIMIT


@pytest.mark.parametrize("family", ["t5", "llama"])
def test_a_stream_that_is_closed_stops_the_call(converted: Converted, family: str) -> None:
    writer = _writer(converted(family))
    stream = writer.stream([5, 6, 7], 100_000 if family == "t5" else 40)
    first = next(stream)
    stream.close()
    assert next(writer.stream([5, 6, 7], LIMIT)) == first


@pytest.mark.parametrize("family", ["t5", "llama"])
def test_a_stream_whose_call_fails_raises(converted: Converted, family: str) -> None:
    writer = _writer(converted(family))
    with pytest.raises((ValueError, RuntimeError), match="maximum decoding length must be > 0"):
        next(writer.stream([5, 6], 0))


def test_a_forced_first_token_begins_each_output(converted: Converted, tmp_path: Path) -> None:
    model = converted("bart").decoding_with(tmp_path / "model", forced_bos_token_id=9)
    rows = _rows(model)
    found = model.engine().write(rows)
    assert {ids[0] for ids in found} == {9}
    assert found == write(model.loaded(), model.kind, rows)


def test_suppressed_tokens_are_never_written(converted: Converted, tmp_path: Path) -> None:
    model = converted("marian")
    rows = _rows(model)
    written = {token_id for ids in model.engine().write(rows) for token_id in ids} - {_end(model)}
    unwanted = sorted(written)[:3]
    limited = model.decoding_with(tmp_path / "model", bad_words_ids=[[token_id] for token_id in unwanted])
    found = limited.engine().write(rows)
    assert not {token_id for ids in found for token_id in ids} & set(unwanted)
    assert found == write(limited.loaded(), limited.kind, rows)


def test_any_of_several_end_tokens_ends(converted: Converted) -> None:
    model = converted("llama")
    free = load_writer(model.converted, Decoding(end_ids=(1,)), Computing(threads=1), is_decoder=True)
    ids, written = next(
        (ids, written)
        for ids in _rows(model)
        if len(written := free.write([ids], [LIMIT])[0]) > 3 and written[2] not in written[:2]
    )
    both = load_writer(model.converted, Decoding(end_ids=(1, written[2])), Computing(threads=1), is_decoder=True)
    assert both.write([ids], [LIMIT])[0] == written[:3]


@pytest.mark.parametrize("settings", [{"top_k": 0}, {"top_k": 0, "top_p": 0.5}, {"top_k": 3, "top_p": 0.9}])
@pytest.mark.parametrize("family", ["t5", "llama"])
def test_tokens_are_drawn_as_transformers_draws_them(
    converted: Converted, tmp_path: Path, family: str, settings: dict[str, Any]
) -> None:
    sampling = {"do_sample": True, "temperature": 2.5} | settings
    model = converted(family).decoding_with(tmp_path / "model", **sampling)
    rows, num_drawn = [[5, 9, 30, 12]] * 1_500, 1_500
    loaded = model.loaded()
    torch.manual_seed(1)
    wanted = loaded.model.generate(torch.tensor(rows), max_new_tokens=1, max_length=None)[:, -1].tolist()
    ctranslate2.set_random_seed(1)
    found = [ids[0] for ids in _writer(model).write(rows, [1] * num_drawn)]
    size = len(model.tokenizer)
    counts = [np.bincount(ids, minlength=size) for ids in (wanted, found)]
    expected_noise = np.sqrt(np.minimum(*counts).clip(1) * 2).sum() / num_drawn / 2
    assert np.abs(counts[0] - counts[1]).sum() / num_drawn / 2 < expected_noise
    if settings["top_k"]:
        assert set(wanted) == set(found)
        assert 1 < len(set(found)) <= 3


@needs_exact_int8
def test_int8_writes_nearly_the_same(converted: Converted) -> None:
    model = converted("recipe-translate")
    rows = _rows(model)
    exact, rounded = model.engine().write(rows), model.engine("int8").write(rows)
    assert sum(one[0] == other[0] for one, other in zip(exact, rounded, strict=True)) > NUM_ROWS * 0.7
    assert exact != rounded


@pytest.mark.parametrize("family", ["t5", "llama"])
def test_calls_from_several_threads_do_not_mix(converted: Converted, family: str) -> None:
    model = converted(family)
    engine, rows = model.engine(calls=2), _rows(model)
    wanted = [engine.write([ids])[0] for ids in rows]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda ids: engine.write([ids])[0], rows)) == wanted


def test_a_compute_type_that_the_machine_lacks_is_refused_with_those_it_has(converted: Converted) -> None:
    lacking = sorted({"float16", "bfloat16"} - ctranslate2.get_supported_compute_types("cpu"))
    assert lacking, "this machine computes in everything"
    with pytest.raises(ModelError, match=f"cannot compute in '{lacking[0]}' on cpu, only in .*float32"):
        converted("t5").engine(lacking[0])


def test_a_folder_without_a_converted_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match=r"converted model at .* cannot be loaded"):
        load_writer(tmp_path, Decoding(end_ids=(1,)), Computing(threads=1), is_decoder=True)


def test_a_decoder_with_a_forced_first_token_is_refused(converted: Converted) -> None:
    decoding = Decoding(end_ids=(1,), forced_first_id=4)
    with pytest.raises(ModelError, match="forced_bos_token_id"):
        load_writer(converted("llama").converted, decoding, Computing(threads=1), is_decoder=True)


def test_prompts_of_a_decoder_are_grouped_only_where_they_must_be(converted: Converted, tmp_path: Path) -> None:
    lengths = [1, 4, 2, 4, 1]
    assert _writer(converted("llama")).groups(lengths) == [[0, 4], [1, 2, 3]]
    beams = converted("llama").decoding_with(tmp_path / "model", **BEAMS)
    assert _writer(beams).groups(lengths) == [[0, 4], [1, 3], [2]]
    assert _writer(converted("t5")).groups(lengths) == [[0, 1, 2, 3, 4]]


def test_long_inputs_are_read_to_their_end(converted: Converted) -> None:
    model = converted("recipe-translate")
    row = [5 + index % 200 for index in range(1_500)]
    rows = [row, [*row[:1_200], *reversed(row[1_200:])]]
    found = model.engine().write(rows)
    assert found[0] != found[1]
    assert found == write(model.loaded(), model.kind, rows)
