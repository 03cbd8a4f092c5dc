"""Tests of training from the command line, in this process."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.small_tasks import small_dataset, small_task

from polyloop.training.config import TrainConfig
from polyloop.training.launch import main
from polyloop.training.lock import only_driver


def _config(tmp_path: Path, numbers: range) -> Path:
    task = small_task("classify", training={"epochs": 1})
    config = TrainConfig(
        task_name="numbers",
        task=task,
        dataset_dir=small_dataset(tmp_path / "dataset", task, numbers).path,
        run_dir=tmp_path / "run",
    )
    (tmp_path / "config.json").write_text(config.model_dump_json())
    return tmp_path / "config.json"


def test_the_models_folder_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(_config(tmp_path, range(100)))]) == 0
    printed = capsys.readouterr()
    assert printed.out.strip() == str(tmp_path / "run" / "model")
    assert (tmp_path / "run" / "model" / "model.safetensors").exists()


def test_a_second_process_waits_and_finds_the_first_ones_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [str(_config(tmp_path, range(100)))]
    with ThreadPoolExecutor(1) as pool:
        with only_driver(tmp_path / "run"):
            second = pool.submit(main, command)
            with pytest.raises(TimeoutError):
                second.result(timeout=0.5)
            (tmp_path / "run" / "model").mkdir()
        assert second.result(timeout=60) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "run" / "model")
    assert list((tmp_path / "run" / "model").iterdir()) == []


def test_a_failure_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(_config(tmp_path, range(0)))]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("training 'numbers' stopped: the train split of")


def test_a_wrong_command_line_or_config_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    (tmp_path / "config.json").write_text('{"task_name": 7}')
    assert main([str(tmp_path / "config.json")]) == 2
    assert main([str(tmp_path / "absent.json")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 3
