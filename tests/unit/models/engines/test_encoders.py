"""A classifier with a converted encoder gives the answers that it gives with its own, whatever its family and head."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.support.processors import needs_exact_int8
from tests.support.small_tasks import bert_tokenizer, number_words, small_task, small_tokenizer
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    CamembertConfig,
    CamembertForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    ModernBertConfig,
    ModernBertForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

from polyloop.errors import ArtefactError, ModelError
from polyloop.models.build import build_model
from polyloop.models.contract import PredictInput, Prediction
from polyloop.models.decision import CONFIG_KEY, DecisionRule, rule_in
from polyloop.models.engines.computing import Computing
from polyloop.models.engines.convert import convert
from polyloop.models.engines.encoders import converted_labels
from polyloop.models.engines.probe import MAX_DIFFERENCE
from polyloop.models.labels import Labels
from polyloop.models.loaded import LoadedModel
from polyloop.models.ngrams import NgramBertForSequenceClassification
from polyloop.models.predict import contract_of
from polyloop.spec.models import TaskSpec
from polyloop.tasks import kind_of

SIZE: dict[str, Any] = {
    "vocab_size": 20,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 66,
    "pad_token_id": 0,
}
BEHIND_PADDING = SIZE | {"pad_token_id": 1}
"""RoBERTa's positions begin behind the id of its padding token."""
CHECKPOINTS: dict[str, Callable[[], Any]] = {
    "bert": lambda: BertForSequenceClassification(BertConfig(**SIZE, type_vocab_size=2)),
    "bert with relu": lambda: BertForSequenceClassification(BertConfig(**SIZE, hidden_act="relu", layer_norm_eps=0.01)),
    "roberta": lambda: RobertaForSequenceClassification(RobertaConfig(**BEHIND_PADDING)),
    "camembert": lambda: CamembertForSequenceClassification(CamembertConfig(**BEHIND_PADDING)),
    "xlm-roberta": lambda: XLMRobertaForSequenceClassification(XLMRobertaConfig(**BEHIND_PADDING)),
    "distilbert": lambda: DistilBertForSequenceClassification(
        DistilBertConfig(vocab_size=20, dim=32, hidden_dim=64, n_layers=2, n_heads=2, max_position_embeddings=66)
    ),
}
RECIPES: dict[str, TaskSpec] = {
    "recipe": small_task("classify"),
    "recipe with n-grams": small_task("classify", model={"ngrams": {}}),
    "recipe with label sets": small_task("classify", multi_label=True),
}
INPUTS = [
    PredictInput(text=text, locale="en", target_locale="en")
    for text in ("", "seven", *(number_words(13 ** (index % 6) + index) for index in range(30)))
]


@dataclass(frozen=True)
class Classifier:
    """A saved classifier, and what it was converted to."""

    path: Path
    task: TaskSpec

    @property
    def converted(self) -> Path:
        return self.path.parent / "converted"

    def by_pytorch(self) -> Labels:
        contract = contract_of(self.task, ("en",))
        return Labels(LoadedModel(self.path, kind_of(self.task), contract, torch.device("cpu")))

    def by_ctranslate2(self, compute_type: Any = "float32") -> Labels:
        computing = Computing(compute_type=compute_type, threads=1)
        return converted_labels(
            self.path, self.converted, kind_of(self.task), contract_of(self.task, ("en",)), computing
        )


def saved(name: str, folder: Path) -> Classifier:
    """Save a classifier whose weights are so large that its answers depend on the whole input."""
    path = folder / "model"
    torch.manual_seed(3)
    if name in RECIPES:
        task = RECIPES[name]
        model: Any = build_model(task, small_tokenizer(path, task), dropout=0.0)
        if isinstance(model, NgramBertForSequenceClassification):
            _know_ngrams(model)
    else:
        task, model = small_task("classify"), CHECKPOINTS[name]()
        tokenizer = bert_tokenizer()
        if model.config.pad_token_id:
            tokenizer.pad_token = tokenizer.convert_ids_to_tokens(model.config.pad_token_id)
        tokenizer.save_pretrained(path)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=1.5 * parameter.shape[-1] ** -0.5)
    setattr(model.config, CONFIG_KEY, DecisionRule(has_label_sets=task.multi_label).to_config())
    model.save_pretrained(path)
    return Classifier(path=path, task=task)


def _know_ngrams(model: NgramBertForSequenceClassification) -> None:
    model.make_room(3)
    model.ngram_keys.copy_(torch.tensor([1, 2, 3]))
    model.ngram_bias.copy_(torch.tensor([0.3, -0.2]))


@pytest.fixture(scope="module", params=[*CHECKPOINTS, *RECIPES])
def classifier(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    one = saved(request.param, tmp_path_factory.mktemp("classifier"))
    assert 0.0 < convert(one.path, one.converted) < MAX_DIFFERENCE / 10
    return one


def scores_of(predictions: list[Prediction]) -> torch.Tensor:
    return torch.tensor([list((one.scores or {}).values()) for one in predictions])


def test_answers_are_those_of_the_models_own_encoder_in_batches_of_many_lengths(classifier: Classifier) -> None:
    wanted, found = classifier.by_pytorch().predict(INPUTS), classifier.by_ctranslate2().predict(INPUTS)

    assert [one.output for one in found] == [one.output for one in wanted]
    assert [one.num_input_tokens for one in found] == [one.num_input_tokens for one in wanted]
    torch.testing.assert_close(scores_of(found), scores_of(wanted), atol=1e-5, rtol=0)
    assert scores_of(wanted)[:, 0].std() > 0.01, "or the texts would not be told apart"


def test_an_answer_does_not_depend_on_its_company(classifier: Classifier) -> None:
    engine = classifier.by_ctranslate2()
    together = engine.predict(INPUTS)
    alone = [engine.predict([item])[0] for item in INPUTS]

    torch.testing.assert_close(scores_of(alone), scores_of(together), atol=1e-5, rtol=0)


@needs_exact_int8
def test_whole_numbers_come_close(classifier: Classifier) -> None:
    wanted, found = classifier.by_pytorch().predict(INPUTS), classifier.by_ctranslate2("int8").predict(INPUTS)

    assert (scores_of(found) - scores_of(wanted)).abs().mean() < 0.05


def test_the_likelihood_of_a_wanted_answer_follows_from_the_scores(classifier: Classifier) -> None:
    engine = classifier.by_ctranslate2()
    one, two = classifier.task.labels
    wanted = f'["{one}"]' if classifier.task.multi_label else one
    scores = engine.predict(INPUTS[:1])[0].scores or {}
    likelihood = scores[one] * (1.0 - scores[two]) if classifier.task.multi_label else scores[one]

    found = rule_in(classifier.path).nll_nats(scores, wanted)

    assert found == pytest.approx(-torch.tensor(likelihood).log().item(), rel=1e-5)


def test_a_family_that_the_library_does_not_compute_is_refused(tmp_path: Path) -> None:
    ids: dict[str, Any] = {f"{name}_token_id": 0 for name in ("bos", "eos", "cls", "sep")}
    ModernBertForSequenceClassification(ModernBertConfig(**SIZE, **ids)).save_pretrained(tmp_path / "model")

    with pytest.raises(ModelError, match="family 'modernbert' cannot be converted"):
        convert(tmp_path / "model", tmp_path / "converted")


def test_an_encoder_that_would_compute_something_else_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = saved("bert", tmp_path)
    monkeypatch.setattr("polyloop.models.engines.convert.layer_norm_epsilon", lambda _: 0.1)

    with pytest.raises(ModelError, match="does not compute what the original does"):
        convert(one.path, one.converted)

    assert not list(tmp_path.glob("*converted*"))


def test_numbers_that_the_machine_lacks_and_a_damaged_folder_are_refused_by_name(tmp_path: Path) -> None:
    one = saved("bert", tmp_path)
    convert(one.path, one.converted)

    with pytest.raises(ModelError, match="cannot compute in 'float16'"):
        one.by_ctranslate2("float16")
    (one.converted / "model.bin").write_bytes(b"")
    with pytest.raises(ArtefactError, match="cannot be loaded"):
        one.by_ctranslate2()
