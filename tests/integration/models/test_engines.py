"""Models that have learned something, with an engine: trained, compared, published, asked, streamed, trained again."""

from pathlib import Path

import pytest
from tests.support.small_tasks import number_words, small_dataset, small_task, version_facts

from polyloop.models.artefact import publish, verify
from polyloop.models.engines.choice import EngineWish
from polyloop.models.engines.processors import OVERFLOW, int8_overflows
from polyloop.models.manifest import EngineTrial
from polyloop.models.predict import PredictInput, Predictor
from polyloop.retraining.engines import settle_engine
from polyloop.training.config import TrainConfig
from polyloop.training.function import train
from polyloop.training.session import LocalSession


def assert_near(int8: EngineTrial, pytorch: EngineTrial, *, most_nats: float) -> None:
    """Check int8 against PyTorch, or that it was refused where this processor computes it wrongly."""
    if int8_overflows():
        assert OVERFLOW in "; ".join(int8.refusals)
    else:
        assert abs(int8.nats_per_token - pytorch.nats_per_token) < most_nats


@pytest.mark.parametrize("kind", ["translate", "generate"])
def test_a_trained_model_answers_by_its_engine_as_it_does_by_pytorch(tmp_path: Path, kind: str) -> None:
    task = small_task(kind, training={"epochs": 12, "learning_rate": 3e-3})
    locales = ("en", "de", "fr") if kind == "translate" else ("en", "de")
    dataset = small_dataset(tmp_path / "dataset", task, range(300))
    config = TrainConfig(task_name="numbers", task=task, dataset_dir=dataset.path, run_dir=tmp_path / "run")
    trained = train(config, LocalSession(run_dir=config.run_dir))
    told: list[str] = []
    note = settle_engine(task, dataset, trained, locales, told.append)
    assert note.engine == "ctranslate2", told
    pytorch, int8, float32 = note.trials
    assert pytorch.nats_per_token < 2.5
    assert float32.num_equal == float32.num_rows == dataset.table("holdout").num_rows
    assert float32.nats_per_token == pytest.approx(pytorch.nats_per_token, rel=1e-4)
    assert int8_overflows() or int8.num_equal > int8.num_rows / 2
    assert_near(int8, pytorch, most_nats=0.05)

    publish(trained, tmp_path / "v1", version_facts(task, locales=locales, engine=note))
    assert verify(tmp_path / "v1").engine == note
    target = "de" if kind == "translate" else "en"
    inputs = [PredictInput(text=number_words(number), locale="en", target_locale=target) for number in range(300, 330)]
    by_pytorch = Predictor(tmp_path / "v1", threads=1, wish=EngineWish(engine="pytorch")).predict(inputs)
    engine = Predictor(tmp_path / "v1", threads=1, wish=EngineWish(compute_type="float32"), max_streams=1)
    assert str(engine.engine) == "ctranslate2 float32"
    assert engine.predict(inputs) == by_pytorch
    assert len({one.output for one in by_pytorch}) > 3
    for item, wanted in zip(inputs[:5], by_pytorch, strict=False):
        *pieces, last = engine.stream(item)
        assert ("".join(map(str, pieces)), last) == (wanted.output, wanted)

    again = TrainConfig(
        task_name="numbers", task=task, dataset_dir=dataset.path, run_dir=tmp_path / "again", init_from=tmp_path / "v1"
    )
    assert not (train(again, LocalSession(run_dir=again.run_dir)) / "ctranslate2").exists()


@pytest.mark.parametrize("ngrams", [None, {}])
def test_a_trained_classifier_answers_by_its_engine_as_it_does_by_pytorch(
    tmp_path: Path, ngrams: dict[str, int] | None
) -> None:
    task = small_task(
        "classify",
        training={"epochs": 6, "learning_rate": 3e-3},
        model={"ngrams": ngrams},
        serving={"engine": "ctranslate2"},
    )
    dataset = small_dataset(tmp_path / "dataset", task, range(300))
    config = TrainConfig(task_name="numbers", task=task, dataset_dir=dataset.path, run_dir=tmp_path / "run")
    trained = train(config, LocalSession(run_dir=config.run_dir))
    note = settle_engine(task, dataset, trained, ("en",), lambda _: None)
    pytorch, int8, float32 = note.trials
    assert (note.engine, pytorch.score) == ("ctranslate2", 100.0)
    assert float32.num_equal == float32.num_rows == dataset.table("holdout").num_rows
    assert float32.nats_per_token == pytest.approx(pytorch.nats_per_token, abs=1e-5)
    assert_near(int8, pytorch, most_nats=0.02)

    publish(trained, tmp_path / "v1", version_facts(task, engine=note))
    inputs = [PredictInput(text=number_words(number), locale="en", target_locale="en") for number in range(300, 330)]
    by_pytorch = Predictor(tmp_path / "v1", threads=1, wish=EngineWish(engine="pytorch")).predict(inputs)
    engine = Predictor(tmp_path / "v1", threads=1, wish=EngineWish(compute_type="float32"))
    assert str(engine.engine) == "ctranslate2 float32"
    answers = engine.predict(inputs)
    assert [one.output for one in answers] == [one.output for one in by_pytorch]
    for one, wanted in zip(answers, by_pytorch, strict=True):
        assert one.scores == pytest.approx(wanted.scores, abs=1e-5)
