"""Changed values in YAML text: the rest stays to the letter, or the file is written anew."""

from pathlib import Path
from typing import Any

import pytest

from polyloop.spec.yaml_edit import edit, scalar_text
from polyloop.spec.yaml_source import parse

PATH = Path("polyloop.yaml")
TEXT = """\
# A project.
tasks:
  mood:
    kind: classify  # one of two
    labels: [good, bad]
    model: {recipe: nano, vocab_size: 300}  # small
    training:
      # slow but good
      learning_rate: 0.001  # tried 0.01

      epochs: 5
    # the gate comes last
    gate: {margin: 2.0}
  other: {kind: classify, model: {recipe: tiny}}
"""


def data(text: str) -> Any:
    return parse(text.encode(), PATH).data


def changed(text: str, changes: dict[tuple[str, ...], Any]) -> str:
    found = edit(text, changes, PATH)
    assert found.keeps_comments
    return found.text


def test_only_the_value_changes() -> None:
    keys = ("tasks", "mood", "training", "learning_rate")
    assert changed(TEXT, {keys: 3e-4}) == TEXT.replace("learning_rate: 0.001", "learning_rate: 0.0003")


def test_values_in_brackets_change_in_place() -> None:
    text = changed(TEXT, {("tasks", "mood", "model", "recipe"): "tiny"})
    assert text == TEXT.replace("recipe: nano, vocab", "recipe: tiny, vocab")


def test_new_keys_stand_behind_the_others() -> None:
    text = changed(TEXT, {("tasks", "mood", "training", "dropout"): 0.2, ("tasks", "mood", "training", "seed"): 7})
    assert text == TEXT.replace("epochs: 5\n", "epochs: 5\n      dropout: 0.2\n      seed: 7\n")


def test_new_keys_in_brackets_and_new_parts() -> None:
    changes = {("tasks", "mood", "model", "ngrams", "tokens"): 3, ("tasks", "other", "training", "epochs"): 2}
    text = changed(TEXT, changes)
    assert "model: {recipe: nano, vocab_size: 300, ngrams: {tokens: 3}}  # small" in text
    assert "other: {kind: classify, model: {recipe: tiny}, training: {epochs: 2}}" in text


def test_a_new_part_of_a_block_stands_at_its_end() -> None:
    text = "tasks:\n  mood:\n    kind: classify  # here\n"
    found = changed(text, {("tasks", "mood", "training", "epochs"): 2, ("tasks", "mood", "training", "seed"): 3})
    assert found == text + "    training:\n      epochs: 2\n      seed: 3\n"


def test_a_file_without_a_last_line_break_gets_one() -> None:
    assert changed("a:\n  b: 1", {("a", "c"): 2}) == "a:\n  b: 1\n  c: 2\n"


@pytest.mark.parametrize("value", [None, True, 1, 1e-05, 0.25, "no", "a: b", "12:30", "#x", ""])
def test_every_scalar_reads_back(value: Any) -> None:
    assert data(changed("a: {b: 1, c: 2}\n", {("a", "b"): value})) == {"a": {"b": value, "c": 2}}
    assert data(f"a: {scalar_text(value)}\n") == {"a": value}


def test_an_empty_value_is_filled() -> None:
    assert changed("a:\n  b:\n  c: 1\n", {("a", "b"): 2}) == "a:\n  b: 2\n  c: 1\n"


@pytest.mark.parametrize(
    "text",
    [
        "base: &base {epochs: 1}  # shared\none: {training: *base}\ntwo: {training: *base}\n",
        "one:\n  training: &base {epochs: 1}  # shared\ntwo:\n  training: *base\n",
        "one: {training: {}}  # nothing yet\n",
        "one:\n  training:\n    epochs: |-\n      many\n",
    ],
)
def test_a_layout_that_cannot_be_edited_is_written_anew_and_means_what_it_should(text: str) -> None:
    expected = data(text)
    expected["one"]["training"] = {**expected["one"]["training"], "seed": 9}
    found = edit(text, {("one", "training", "seed"): 9}, PATH)
    assert data(found.text) == expected
    assert not found.keeps_comments
