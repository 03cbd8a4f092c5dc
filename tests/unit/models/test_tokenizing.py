"""Versions with the same tokenizer share one, and no others do."""

import gc
import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.small_tasks import number_words, small_task, small_tokenizer

from polyloop.models import tokenizing
from polyloop.models.tokenizing import digest_of, tokenizing_at


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model's folder without a model."""
    path = tmp_path / "v1"
    small_tokenizer(path, small_task("classify"))
    (path / "config.json").write_text(json.dumps({"model_type": "bert", "hidden_size": 32}))
    (path / "model.safetensors").write_bytes(b"weights")
    return path


def copied(folder: Path) -> Path:
    return Path(shutil.copytree(folder, folder.with_name("v2")))


def _other_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"others")
    (folder / "README.md").write_text("v2")
    (folder / "manifest.json").write_text("{}")
    (folder / "config.json").write_text(json.dumps({"model_type": "bert", "hidden_size": 64}))


def _another_content(folder: Path) -> None:
    with (folder / "tokenizer.json").open("ab") as stream:
        stream.write(b"\n")


def _another_setting(folder: Path) -> None:
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_max_length": 7}))


def _another_file(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text("{{ messages }}")


def _another_class(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps({"model_type": "t5"}))


@pytest.mark.parametrize(
    ("change", "is_shared"),
    [
        (_other_weights, True),
        (_another_content, False),
        (_another_setting, False),
        (_another_file, False),
        (_another_class, False),
    ],
)
def test_a_tokenizer_is_shared_where_its_files_are_the_same(
    folder: Path, change: Callable[[Path], None], is_shared: bool
) -> None:
    other = copied(folder)
    change(other)
    one = tokenizing_at(folder)
    assert tokenizing_at(folder) is one
    assert (tokenizing_at(other) is one) is is_shared


def test_a_tokenizer_that_nobody_has_any_more_is_let_go(folder: Path) -> None:
    one = tokenizing_at(folder)
    assert digest_of(folder) in tokenizing._shared
    del one
    gc.collect()
    assert digest_of(folder) not in tokenizing._shared


def test_threads_that_ask_at_once_get_the_same_and_may_use_it_at_once(folder: Path) -> None:
    texts = [number_words(number) for number in range(200)]
    wanted = small_tokenizer(folder.with_name("own"), small_task("classify"))(texts)["input_ids"]

    def ids(_: int) -> tuple[int, list[list[int]]]:
        one = tokenizing_at(folder)
        with one.lock:
            return id(one), one.tokenizer(texts)["input_ids"]

    kept = tokenizing_at(folder)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(ids, range(20)))
    assert {name for name, _ in found} == {id(kept)}
    assert all(rows == wanted for _, rows in found)
