"""A predictor answers by the engine that its version names, and by PyTorch where that engine cannot."""

import gc
import logging
import shutil
import sys
import weakref
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.converted_models import ConvertedModel, converted_model, inputs_of
from tests.support.engine_versions import note, publish_converted, pytorch_trial, trial
from tests.support.processors import SAPPHIRE_RAPIDS, ZEN2, processor

from polyloop.errors import ArtefactError, RequestError
from polyloop.models.engines import writers
from polyloop.models.engines.choice import EngineWish
from polyloop.models.engines.computing import Computing, load_converted
from polyloop.models.predict import PredictInput, Prediction, Predictor

FLOAT32 = note(trial("float32"), trial("int8"))
"""Of a version that CTranslate2 answers for in float32, so that answers are letter for letter PyTorch's."""
PYTORCH = EngineWish(engine="pytorch")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ConvertedModel:
    return converted_model("recipe-translate", tmp_path_factory.mktemp("recipe"))


@pytest.fixture(scope="module")
def version(model: ConvertedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish_converted(model, tmp_path_factory.mktemp("published") / "v1", FLOAT32)


@pytest.fixture(scope="module")
def inputs(model: ConvertedModel) -> list[PredictInput]:
    return inputs_of(model.kind, 8)


@pytest.fixture(scope="module")
def wanted(version: Path, inputs: list[PredictInput]) -> list[Prediction]:
    return Predictor(version, threads=1, wish=PYTORCH).predict(inputs)


def count_modules() -> int:
    """Return how many of PyTorch's modules there are in this process, weights and all."""
    return sum(issubclass(type(one), torch.nn.Module) for one in gc.get_objects())


def engine_of(predictor: Predictor) -> str:
    return str(predictor.engine)


def test_the_engine_that_the_manifest_names_gives_pytorchs_answers(
    version: Path, inputs: list[PredictInput], wanted: list[Prediction], caplog: pytest.LogCaptureFixture
) -> None:
    predictor = Predictor(version, threads=1)
    assert engine_of(predictor) == "ctranslate2 float32"
    predictor.warm_up()
    assert predictor.predict(inputs) == wanted
    assert predictor.count_tokens(inputs[3]) == wanted[3].num_input_tokens
    assert caplog.records == []


@pytest.mark.parametrize("wish", [EngineWish(), PYTORCH], ids=["ctranslate2", "pytorch"])
def test_a_version_that_is_let_go_is_freed_without_a_pass_for_cycles(
    version: Path, inputs: list[PredictInput], wish: EngineWish
) -> None:
    Predictor(version, threads=1, wish=wish).predict(inputs)  # what transformers keeps of a first load stays
    gc.collect()
    num_modules = count_modules()
    gc.disable()
    try:
        predictor = Predictor(version, threads=1, wish=wish)
        predictor.predict(inputs)
        freed = weakref.ref(predictor._family)
        del predictor
        assert freed() is None
        assert count_modules() == num_modules
    finally:
        gc.enable()


def test_scores_of_given_texts_are_the_engines_own(version: Path, inputs: list[PredictInput]) -> None:
    targets = ["1", "2 3", "", "4", "5", "6", "7", "8"]
    by_engine, by_pytorch = (Predictor(version, threads=1, wish=wish) for wish in (EngineWish(), PYTORCH))
    assert by_engine.nlls_nats(inputs, targets) == pytest.approx(by_pytorch.nlls_nats(inputs, targets), rel=1e-4)


@pytest.mark.parametrize(
    ("wish", "found"),
    [(PYTORCH, "pytorch float32"), (EngineWish(compute_type="int8"), "ctranslate2 int8")],
)
def test_the_spec_may_ask_for_another(version: Path, tmp_path: Path, wish: EngineWish, found: str) -> None:
    with processor(SAPPHIRE_RAPIDS, tmp_path):
        assert engine_of(Predictor(version, threads=1, wish=wish)) == found


def test_float32_answers_where_the_processor_computes_int8_wrongly_and_the_log_says_so(
    model: ConvertedModel,
    tmp_path: Path,
    inputs: list[PredictInput],
    wanted: list[Prediction],
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = publish_converted(model, tmp_path / "v1", note())
    with processor(ZEN2, tmp_path):
        predictor = Predictor(path, threads=1)
        assert predictor.predict(inputs) == wanted
    assert engine_of(predictor) == "ctranslate2 float32"
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "answers by ctranslate2 float32 instead of ctranslate2 int8: this processor has neither" in record.message


def test_a_stream_gives_the_pieces_of_the_answer(version: Path, inputs: list[PredictInput]) -> None:
    predictor = Predictor(version, threads=1, max_streams=2)
    assert predictor.can_stream
    for item in inputs:
        *pieces, prediction = predictor.stream(item)
        assert isinstance(prediction, Prediction)
        assert prediction == predictor.predict([item])[0]
        assert "".join(map(str, pieces)) == prediction.output
    with closing(predictor.stream(inputs[-1])) as parts:
        next(parts)
    with pytest.raises(RequestError, match="takes at most 32"):
        predictor.stream(PredictInput(text="one " * 100, locale="en", target_locale="de"))


def test_pytorch_gives_no_stream(version: Path) -> None:
    assert not Predictor(version, threads=1, wish=PYTORCH).can_stream


def _flip_a_bit(folder: Path) -> None:
    weights = bytearray((folder / "model.bin").read_bytes())
    weights[len(weights) // 2] ^= 1
    (folder / "model.bin").write_bytes(weights)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder)


def _add(folder: Path) -> None:
    (folder / "more.json").write_text("{}")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (_flip_a_bit, "model.bin is not the file that was published"),
        (_remove, "is missing"),
        (_add, "more.json does not belong to the artefact"),
    ],
)
def test_where_its_files_are_damaged_pytorch_answers_and_the_log_says_so(
    version: Path,
    tmp_path: Path,
    inputs: list[PredictInput],
    wanted: list[Prediction],
    caplog: pytest.LogCaptureFixture,
    damage: Callable[[Path], None],
    reason: str,
) -> None:
    shutil.copytree(version, tmp_path / "v1")
    damage(tmp_path / "v1" / "ctranslate2")
    predictor = Predictor(tmp_path / "v1", threads=1)
    assert engine_of(predictor) == "pytorch float32"
    assert predictor.predict(inputs) == wanted
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "answers by PyTorch, for CTranslate2 cannot" in record.message
    assert reason in record.message


def test_files_that_are_no_converted_model_are_found_when_loading_even_unverified(
    version: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(version, tmp_path / "v1")
    (tmp_path / "v1" / "ctranslate2" / "model.bin").write_bytes(b"\x06\0\0\0")
    assert engine_of(Predictor(tmp_path / "v1", threads=1, verify=False)) == "pytorch float32"
    assert "converted model at" in caplog.records[0].message


def test_damage_to_the_model_itself_is_refused_whatever_answers(version: Path, tmp_path: Path) -> None:
    shutil.copytree(version, tmp_path / "v1")
    (tmp_path / "v1" / "generation_config.json").write_text("{}")
    with pytest.raises(ArtefactError, match=r"generation_config\.json is not the file that was published"):
        Predictor(tmp_path / "v1", threads=1)


def test_where_ctranslate2_cannot_be_imported_pytorch_answers_and_the_log_says_so(
    version: Path,
    inputs: list[PredictInput],
    wanted: list[Prediction],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name in [one for one in sys.modules if one.split(".")[0] == "ctranslate2"]:
        monkeypatch.delitem(sys.modules, name)
    for name in ("texts", "writers"):
        monkeypatch.delitem(sys.modules, f"polyloop.models.engines.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    predictor = Predictor(version, threads=1)
    assert engine_of(predictor) == "pytorch float32"
    assert predictor.predict(inputs) == wanted
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "ctranslate2" in caplog.records[0].message


def test_what_the_spec_asks_for_in_vain_is_logged(
    model: ConvertedModel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    refused = note(trial("float32"), trial("int8", refusals=("bleu is 3.00",)))
    path = publish_converted(model, tmp_path / "v1", refused)
    assert engine_of(Predictor(path, threads=1, wish=EngineWish(compute_type="int8"))) == "ctranslate2 float32"
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "not as the spec asks: the version may not compute in int8: bleu is 3.00" in caplog.records[0].message


@pytest.mark.parametrize("engine", [None, note(pytorch_trial())])
def test_versions_without_an_engine_are_answered_by_pytorch_and_nothing_is_logged(
    model: ConvertedModel, tmp_path: Path, caplog: pytest.LogCaptureFixture, engine: Any
) -> None:
    assert engine_of(Predictor(publish_converted(model, tmp_path / "v1", engine), threads=1)) == "pytorch float32"
    assert caplog.records == []


def test_a_trained_model_is_asked_by_the_engine_that_it_will_have(
    version: Path, model: ConvertedModel, inputs: list[PredictInput], wanted: list[Prediction]
) -> None:
    trained = version.with_name("v1-trained")
    predictor = Predictor.of_trained(trained, model.task, ("en", "de", "fr"), engine=FLOAT32)
    assert engine_of(predictor) == "ctranslate2 float32"
    assert predictor.predict(inputs) == wanted


def test_a_call_has_the_threads_that_are_given_and_each_stream_a_call_of_its_own(
    version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[Computing] = []

    def load(model_class: Any, folder: Path, computing: Computing) -> Any:
        loaded.append(computing)
        return load_converted(model_class, folder, computing)

    monkeypatch.setattr(writers, "load_converted", load)
    before = torch.get_num_threads()
    try:
        Predictor(version, threads=3, max_streams=4)
        Predictor(version)
    finally:
        torch.set_num_threads(before)
    assert [(one.threads, one.calls) for one in loaded] == [(3, 5), (3, 1)]
