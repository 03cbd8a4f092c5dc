"""Tests of the encoder with hashed n-grams beside it."""

import math
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.support.small_tasks import small_task, small_tokenizer
from transformers import AutoModelForSequenceClassification

from polyloop.errors import ModelError
from polyloop.models import ngrams
from polyloop.models.build import build_model, finished_model
from polyloop.models.contract import PredictInput
from polyloop.models.ngram_features import token_characters
from polyloop.models.ngrams import NgramBertForSequenceClassification
from polyloop.models.predict import Predictor
from polyloop.spec.models import TaskSpec
from polyloop.tasks import kind_of

TASK = small_task("classify", model={"ngrams": {"characters": 3, "tokens": 2}})
EVEN, ODD = ("two", "four", "six", "eight"), ("one", "three", "five", "nine")
ROWS = {f"{first} {second}": label for label, words in enumerate((EVEN, ODD)) for first in words for second in words}


@pytest.fixture
def tokenizer(tmp_path: Path) -> Any:
    return small_tokenizer(tmp_path / "tokenizer", TASK)


def built(tokenizer: Any, task: TaskSpec = TASK) -> NgramBertForSequenceClassification:
    torch.manual_seed(1)
    model = build_model(task, tokenizer, dropout=0.1).eval()
    assert isinstance(model, NgramBertForSequenceClassification)
    return model


def inputs_of(tokenizer: Any, texts: Iterable[str]) -> tuple[torch.Tensor, torch.Tensor]:
    rows = kind_of(TASK).encode_inputs(tokenizer, list(texts), ["en"] * len(list(texts)))
    longest = max(map(len, rows))
    ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows])
    return ids, torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])


def logits_of(model: Any, tokenizer: Any, texts: list[str]) -> torch.Tensor:
    ids, mask = inputs_of(tokenizer, texts)
    with torch.no_grad():
        result: torch.Tensor = model(input_ids=ids, attention_mask=mask).logits
    return result


def linear_of(model: NgramBertForSequenceClassification, tokenizer: Any, texts: list[str]) -> torch.Tensor:
    return model.linear_logits(*inputs_of(tokenizer, texts))


def observe(model: NgramBertForSequenceClassification, tokenizer: Any, rows: dict[str, int]) -> None:
    """Show the model texts with their labels, one a batch."""
    has_label = np.eye(2, dtype=np.bool_)[list(rows.values())]
    model.observe((inputs_of(tokenizer, [text]) for text in rows), has_label, np.ones(len(rows), np.float32))


def test_an_answer_does_not_depend_on_its_company(tokenizer: Any) -> None:
    model = built(tokenizer)
    texts = ["one two", "three", "seven seven seven one nine"]
    together = logits_of(model, tokenizer, texts)
    alone = torch.cat([logits_of(model, tokenizer, [text]) for text in texts])
    assert torch.allclose(together, alone, atol=1e-5)


def test_a_saved_model_is_loaded_with_its_table(tokenizer: Any, tmp_path: Path) -> None:
    model = built(tokenizer)
    model.save_pretrained(tmp_path / "model")
    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path / "model").eval()
    texts = ["one two", "nine"]
    assert torch.equal(logits_of(model, tokenizer, texts), logits_of(loaded, tokenizer, texts))
    assert torch.equal(loaded.token_characters, token_characters(tokenizer))


def test_ngrams_weigh_by_their_rarity_and_those_of_one_row_do_not_count(tokenizer: Any) -> None:
    model = built(tokenizer)
    observe(model, tokenizer, {"one": 0, "one two": 1, "one two six": 1, "one nine": 0})
    values = model.ngram_rarity.unique().tolist()
    assert values == pytest.approx([math.log(5 / rows) for rows in (5, 4, 3)])
    assert len(model.ngram_keys) == len(model.ngram_table) == model.config.ngram_features
    assert torch.equal(linear_of(model, tokenizer, ["one two xyz"]), linear_of(model, tokenizer, ["one two"]))


def test_the_linear_part_tells_labels_apart_by_what_stands_in_them(tokenizer: Any) -> None:
    model = built(tokenizer)
    observe(model, tokenizer, ROWS)
    logits = linear_of(model, tokenizer, ["seven two four", "seven three nine"])
    assert logits.argmax(1).tolist() == [0, 1]


def test_the_encoder_learns_alone_and_both_answer(tokenizer: Any) -> None:
    model = built(tokenizer)
    observe(model, tokenizer, ROWS)
    both = logits_of(model, tokenizer, ["two four"])
    linear = linear_of(model, tokenizer, ["two four"])
    model.dropout.p = 0.0
    model.train()
    model.bert.eval()
    encoder = logits_of(model, tokenizer, ["two four"])
    assert linear.abs().max() > 0.1
    assert torch.allclose(both, (encoder + linear) / 2, atol=1e-5)


def test_the_one_that_is_right_about_dev_rows_has_the_larger_part(tokenizer: Any) -> None:
    model = built(tokenizer)
    observe(model, tokenizer, ROWS)
    texts, labels = list(ROWS), np.array(list(ROWS.values()))
    with torch.no_grad():
        model.classifier.bias.copy_(torch.tensor([-100.0, 100.0]))
    model.settle(lambda: (logits_of(model, tokenizer, texts).double().numpy(), labels))
    assert model.config.encoder_share == 0.0


def test_what_was_observed_is_saved_and_taken_up(tokenizer: Any, tmp_path: Path) -> None:
    model = built(tokenizer)
    observe(model, tokenizer, ROWS)
    texts = ["one two", "nine"]
    model.save_pretrained(tmp_path / "model")
    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path / "model").eval()
    assert torch.equal(logits_of(model, tokenizer, texts), logits_of(loaded, tokenizer, texts))
    finished = finished_model(TASK, tokenizer, dict(model.state_dict()), init_from=None).eval()
    assert torch.equal(logits_of(model, tokenizer, texts), logits_of(finished, tokenizer, texts))


def test_what_is_observed_again_replaces_what_was(tokenizer: Any) -> None:
    model = built(tokenizer)
    observe(model, tokenizer, ROWS)
    observe(model, tokenizer, {text: 1 - label for text, label in ROWS.items()})
    assert linear_of(model, tokenizer, ["seven two four"]).argmax(1).tolist() == [1]


@pytest.mark.parametrize("rows", [{"one": 0}, {"one": 0, "two": 1}, {"one two": 1, "one two six": 1}])
def test_few_rows_or_one_label_are_enough_to_go_on(tokenizer: Any, rows: dict[str, int]) -> None:
    model = built(tokenizer)
    observe(model, tokenizer, rows)
    assert torch.isfinite(logits_of(model, tokenizer, ["", "one", *rows])).all()


def test_a_process_that_never_built_one_can_load_it(tokenizer: Any, tmp_path: Path) -> None:
    model = built(tokenizer)
    observe(model, tokenizer, ROWS)
    folder = tmp_path / "model"
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    expected = Predictor.of_trained(folder, TASK, ["en"]).predict(
        [PredictInput(text="two four", locale="en", target_locale="en")]
    )
    code = (
        "import sys; from pathlib import Path; from polyloop.models.predict import Predictor; "
        "from polyloop.models.contract import PredictInput; from polyloop.spec.models import TaskSpec; "
        "predictor = Predictor.of_trained(Path(sys.argv[1]), TaskSpec.model_validate_json(sys.argv[2]), ['en']); "
        "found = predictor.predict([PredictInput(text='two four', locale='en', target_locale='en')]); "
        "print(found[0].scores, 'sklearn' in sys.modules)"
    )
    arguments = [sys.executable, "-c", code, str(folder), TASK.model_dump_json()]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{expected[0].scores} False"


def test_a_version_is_gone_on_from_and_settles_anew(tokenizer: Any, tmp_path: Path) -> None:
    model = built(tokenizer)
    observe(model, tokenizer, ROWS)
    model.config.encoder_share = 0.0
    model.save_pretrained(tmp_path / "model")
    following = build_model(TASK, tokenizer, dropout=0.1, init_from=tmp_path / "model").eval()
    assert isinstance(following, NgramBertForSequenceClassification)
    assert torch.equal(logits_of(model, tokenizer, ["two"]), logits_of(following, tokenizer, ["two"]))
    observe(following, tokenizer, {"one": 0, "two": 1})
    assert following.config.encoder_share == 0.5


def test_a_version_without_common_ngrams_keeps_nothing_of_the_one_before(tokenizer: Any) -> None:
    model = built(tokenizer)
    observe(model, tokenizer, ROWS)
    observe(model, tokenizer, {"": 0})
    assert not model.ngram_bias.any()


def test_what_the_ngrams_say_is_not_rounded_to_the_encoders_half_precision(tokenizer: Any) -> None:
    model = built(tokenizer)
    observe(model, tokenizer, ROWS)
    model.config.encoder_share = 0.0
    expected = logits_of(model, tokenizer, ["two four"])
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(logits_of(model, tokenizer, ["two four"]), expected)


def test_more_ngrams_than_can_be_numbered_are_refused(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ngrams, "MAX_CELLS", 10)
    with pytest.raises(ModelError, match=r"at most 10 can be solved; lower `model\.ngrams\.characters`"):
        observe(built(tokenizer), tokenizer, ROWS)


def test_a_version_with_ngrams_takes_no_adapters(tokenizer: Any, tmp_path: Path) -> None:
    built(tokenizer).save_pretrained(tmp_path / "model")
    task = small_task("classify", model={"recipe": None, "pretrained": str(tmp_path / "model"), "lora": {}})
    with pytest.raises(ModelError, match="without `lora`"):
        build_model(task, tokenizer, dropout=0.0)
