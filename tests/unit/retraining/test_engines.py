"""A model that writes is published with the engine that answers as PyTorch does and faster, and without any other."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.converted_models import inputs_of, trained_model
from tests.support.processors import SAPPHIRE_RAPIDS, ZEN2, processor
from tests.support.small_tasks import number_words, small_dataset, small_task, version_facts
from transformers import GenerationConfig

from polyloop.data.dataset import Dataset
from polyloop.data.tokenizer import copy_tokenizer, load_tokenizer
from polyloop.models.artefact import publish, verify
from polyloop.models.build import build_model
from polyloop.models.contract import PredictInput
from polyloop.models.decision import CONFIG_KEY, DecisionRule
from polyloop.models.engines import convert, verdict
from polyloop.models.engines.choice import EngineWish
from polyloop.models.manifest import EngineNote, EngineTrial
from polyloop.models.predict import Predictor
from polyloop.retraining import engines
from polyloop.retraining.engines import settle_engine
from polyloop.spec.models import TaskSpec
from polyloop.tasks import kind_of

LOCALES = ("en", "de", "fr")
CONVERT = convert.convert


class Trained:
    """A trained model in the folder of its run, with a dataset whose holdout has a few rows."""

    def __init__(self, family: str, folder: Path) -> None:
        self.path, self.task = trained_model(family, folder)
        self.dataset: Dataset = small_dataset(folder / "dataset", self.task, range(70), tokenizer_dir=self.path)
        self.told: list[str] = []

    def settle(self, **serving: Any) -> EngineNote:
        """Settle the engine, with changes to the task's serving."""
        task = TaskSpec.model_validate({**self.task.model_dump(exclude_defaults=True), "serving": serving})
        return settle_engine(task, self.dataset, self.path, LOCALES, self.told.append)

    def decode(self, **settings: Any) -> None:
        """Change how the model writes."""
        config = GenerationConfig.from_pretrained(self.path)
        for key, value in settings.items():
            setattr(config, key, value)
        config.save_pretrained(self.path)

    @property
    def files(self) -> list[str]:
        """What is in the folder besides files of the model."""
        return sorted(one.name for one in self.path.iterdir() if one.is_dir())


@pytest.fixture(autouse=True)
def _a_processor_with_exact_sums(tmp_path: Path) -> Iterator[None]:
    with processor(SAPPHIRE_RAPIDS, tmp_path):
        yield


@pytest.fixture
def trained(tmp_path: Path) -> Callable[[str], Trained]:
    return lambda family: Trained(family, tmp_path / "run")


def by_type(note: EngineNote) -> dict[str, EngineTrial]:
    return {trial.compute_type: trial for trial in note.trials[1:]}


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the module has warned of."""
    return [one.message for one in caplog.records if one.name == engines.logger.name]


@pytest.mark.parametrize("family", ["recipe-translate", "qwen"])
def test_a_model_that_writes_is_published_with_its_converted_self_and_what_was_compared(
    trained: Callable[[str], Trained], tmp_path: Path, family: str
) -> None:
    model = trained(family)
    threads_before = torch.get_num_threads()
    note = model.settle()
    assert torch.get_num_threads() == threads_before
    assert (note.engine, note.threads) == ("ctranslate2", 1)
    pytorch, exact = note.trials[0], by_type(note)["float32"]
    assert (pytorch.engine, pytorch.compute_type, pytorch.num_equal) == ("pytorch", "float32", pytorch.num_rows)
    assert pytorch.num_rows == model.dataset.table("holdout").num_rows > 6
    assert (exact.num_rows, exact.num_equal, exact.score) == (pytorch.num_rows, pytorch.num_rows, pytorch.score)
    assert exact.nats_per_token == pytest.approx(pytorch.nats_per_token, rel=1e-4)
    assert exact.may_serve
    for trial in note.trials:
        assert sum(one.num_rows for one in trial.locales) == trial.num_rows
        assert trial.tokens_per_s_alone > 0
        assert trial.tokens_per_s_batched > 0
    assert f"{note.engine} {note.compute_type} is to answer: {note.reason}" in model.told
    facts = version_facts(model.task, locales=LOCALES, engine=note)
    manifest = publish(model.path, tmp_path / "v1", facts)
    assert verify(tmp_path / "v1").engine == note
    assert {"ctranslate2/model.bin", "ctranslate2/config.json"} < manifest.files.keys()
    predictor = Predictor(tmp_path / "v1", threads=1)
    assert str(predictor.engine) == f"ctranslate2 {note.compute_type}"
    kind: Any = kind_of(model.task)
    assert len(predictor.predict(inputs_of(kind, 4))) == 4


def test_a_type_whose_answers_differ_is_left_out_loudly(
    trained: Callable[[str], Trained], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(verdict, "MAX_NATS_DIFFERENCE", 1e-5)
    model = trained("recipe-translate")
    note = model.settle()
    assert (note.engine, note.compute_type) == ("ctranslate2", "float32")
    (refusal,) = by_type(note)["int8"].refusals
    assert "a wanted token costs" in refusal
    assert f"ctranslate2 int8 is left out: {refusal}" in model.told
    assert warnings_of(caplog) == [model.told[0]]


def test_int8_is_left_out_where_the_processor_computes_it_wrongly(
    trained: Callable[[str], Trained], tmp_path: Path
) -> None:
    with processor(ZEN2, tmp_path):
        note = trained("recipe-translate").settle()
    assert (note.engine, note.compute_type) == ("ctranslate2", "float32")
    (refusal,) = by_type(note)["int8"].refusals
    assert "neither VNNI nor AMX" in refusal


def test_a_version_whose_engine_fails_in_all_types_is_published_without_it(
    trained: Callable[[str], Trained],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(verdict, "MAX_SCORE_DIFFERENCE", -1.0)
    model = trained("recipe-translate")
    note = model.settle()
    assert (note.engine, note.compute_type) == ("pytorch", "float32")
    assert all(trial.refusals for trial in by_type(note).values())
    assert model.files == []
    assert len(model.told) == 3
    assert len(warnings_of(caplog)) == 2
    manifest = publish(model.path, tmp_path / "v1", version_facts(model.task, locales=LOCALES, engine=note))
    assert not any("ctranslate2" in name for name in manifest.files)
    assert str(Predictor(tmp_path / "v1", threads=1).engine) == "pytorch float32"


def test_a_model_that_cannot_be_converted_is_published_without_it(
    trained: Callable[[str], Trained], caplog: pytest.LogCaptureFixture
) -> None:
    model = trained("gpt2")
    config = json.loads((model.path / "config.json").read_text())
    (model.path / "config.json").write_text(json.dumps(config | {"scale_attn_by_inverse_layer_idx": True}))
    note = model.settle()
    assert (note.engine, note.trials) == ("pytorch", ())
    assert "attention scaled in its own way cannot be converted" in note.reason
    assert note.reason in warnings_of(caplog)[0]
    assert note.reason in model.told[0]
    assert model.files == []


def test_settings_that_cannot_be_decoded_with_speak_against_it(trained: Callable[[str], Trained]) -> None:
    model = trained("bart")
    model.decode(forced_eos_token_id=1)
    note = model.settle()
    assert note.engine == "pytorch"
    assert all("forced_eos_token_id" in trial.refusals[0] for trial in by_type(note).values())


def test_outputs_that_are_drawn_are_compared_without_chance(trained: Callable[[str], Trained]) -> None:
    model = trained("recipe-generate")
    model.decode(do_sample=True, temperature=1.5, top_k=0, top_p=0.9)
    exact = by_type(model.settle())["float32"]
    assert exact.num_equal == exact.num_rows > 0
    assert exact.may_serve


def test_no_row_that_is_short_enough_is_a_reason_to_leave_it_out(trained: Callable[[str], Trained]) -> None:
    model = trained("recipe-translate")
    model.task = small_task("translate", model={"max_target_tokens": 2})
    folder = model.path.parent / "long"
    model.dataset = small_dataset(folder, model.task, range(12_000, 12_040), tokenizer_dir=model.path)
    assert model.settle().reason == "no row of the holdout is short enough to compare engines on"
    assert model.files == []


@pytest.mark.parametrize("serving", [{"engine": "pytorch"}, {"num_gpus": 1}])
def test_a_spec_that_has_pytorch_answer_converts_nothing(
    trained: Callable[[str], Trained], serving: dict[str, Any]
) -> None:
    model = trained("recipe-translate")
    note = model.settle(**serving)
    assert (note.engine, note.reason) == ("pytorch", "the spec has PyTorch answer")
    assert model.files == []


def test_answers_out_of_documents_are_not_converted(tmp_path: Path) -> None:
    task = small_task("answer")
    dataset = small_dataset(tmp_path / "dataset", task, range(20))
    note = settle_engine(task, dataset, tmp_path / "model", LOCALES, lambda _: None)
    assert (note.engine, note.reason) == ("pytorch", "a version of kind answer is not converted")


@pytest.mark.parametrize("changes", [{}, {"multi_label": True}, {"out_of_scope": {"label": "odd", "threshold": 0.6}}])
def test_a_classifier_is_published_with_its_converted_encoder_and_what_was_compared(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    task = small_task("classify", serving={"engine": "ctranslate2"}, **changes)
    dataset = small_dataset(tmp_path / "dataset", task, range(200))
    trained = tmp_path / "run" / "model"
    tokenizer = load_tokenizer(copy_of(dataset, trained))
    torch.manual_seed(2)
    model = build_model(task, tokenizer, dropout=0.0)
    setattr(model.config, CONFIG_KEY, DecisionRule(has_label_sets=task.multi_label).to_config())
    model.save_pretrained(trained)

    note = settle_engine(task, dataset, trained, ("en",), lambda _: None)

    pytorch, exact = note.trials[0], by_type(note)["float32"]
    assert (note.engine, pytorch.metric) == ("ctranslate2", "accuracy")
    assert exact.may_serve
    assert pytorch.num_rows == exact.num_rows == dataset.table("holdout").num_rows
    assert (exact.num_equal, exact.num_agreeing_tokens) == (exact.num_rows, exact.num_rows)
    assert exact.score == pytorch.score
    assert exact.nats_per_token == pytest.approx(pytorch.nats_per_token, rel=1e-4)
    assert all(trial.tokens_per_s_alone > 0 and trial.tokens_per_s_batched > 0 for trial in note.trials)
    publish(trained, tmp_path / "v1", version_facts(task, engine=note))
    items = [PredictInput(text=number_words(number), locale="en", target_locale="en") for number in range(40)]
    predictor = Predictor(tmp_path / "v1", threads=1)
    by_pytorch = Predictor(tmp_path / "v1", threads=1, wish=EngineWish(engine="pytorch"))
    assert str(predictor.engine) == f"ctranslate2 {note.compute_type}"
    assert len(predictor.predict(items)) == len(by_pytorch.predict(items)) == 40
    assert "labels/s alone" in (tmp_path / "v1" / "README.md").read_text()


def copy_of(dataset: Dataset, folder: Path) -> Path:
    """Put a dataset's tokenizer into a new folder, as a training does."""
    folder.parent.mkdir()
    copy_tokenizer(dataset.path / "tokenizer", folder)
    return folder


def test_what_was_settled_stays_so_until_its_files_are_gone(
    trained: Callable[[str], Trained], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = trained("recipe-translate")
    conversions: list[Path] = []

    def counted(source_dir: Path, target_dir: Path) -> float:
        conversions.append(target_dir)
        return CONVERT(source_dir, target_dir)

    monkeypatch.setattr(convert, "convert", counted)
    first = model.settle()
    assert model.settle() == first
    assert len(conversions) == 1
    assert model.settle(engine="pytorch").engine == "pytorch"
    assert model.files == []
    again = model.settle()
    assert (again.engine, model.files, len(conversions)) == ("ctranslate2", ["ctranslate2"], 2)


def test_what_a_killed_attempt_left_behind_is_not_in_the_way(trained: Callable[[str], Trained]) -> None:
    model = trained("recipe-translate")
    for folder in (model.path.parent / "converted", model.path / "ctranslate2"):
        folder.mkdir()
        (folder / "half").write_text("")
    assert model.settle().engine == "ctranslate2"
    assert not (model.path / "ctranslate2" / "half").exists()


def test_without_ctranslate2_a_version_is_published_all_the_same(
    trained: Callable[[str], Trained], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = trained("recipe-translate")

    def missing(source_dir: Path, target_dir: Path) -> float:
        raise ImportError("No module named 'ctranslate2'")

    monkeypatch.setattr(convert, "convert", missing)
    note = model.settle()
    assert (note.engine, note.reason) == ("pytorch", "CTranslate2: No module named 'ctranslate2'")


def test_an_engine_that_fails_under_way_is_left_out(
    trained: Callable[[str], Trained], monkeypatch: pytest.MonkeyPatch
) -> None:
    from polyloop.models.engines.texts import ConvertedTexts

    def fail(self: ConvertedTexts, rows: Sequence[list[int]]) -> list[list[int]]:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(ConvertedTexts, "write", fail)
    note = trained("recipe-translate").settle()
    assert note.engine == "pytorch"
    assert [trial.refusals for trial in note.trials[1:]] == [("out of memory",)] * 2
