"""The commands of docs/training.md that train without Ray run as they stand there, in a project of `polyloop init`."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from polyloop.spec.template import starter_files

REPOSITORY = Path(__file__).resolve().parents[3]
GUIDE = REPOSITORY / "docs" / "training.md"
PROGRAMS = {
    "polyloop": [sys.executable, "-m", "polyloop"],
    "python": [sys.executable],
    "accelerate": [sys.executable, "-m", "accelerate.commands.accelerate_cli"],
}


def commands() -> list[list[str]]:
    """Return the commands of the guide's block about running without Ray."""
    block = GUIDE.read_text(encoding="utf-8").split("## Without Ray")[1].split("\n\n")[2]
    lines = [shlex.split(line) for line in block.replace("\\\n", " ").splitlines()]
    return [[*PROGRAMS[words[0]], *words[1:]] for words in lines]


def run(command: list[str], folder: Path) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.alone  # its first command starts Ray
def test_the_commands_without_ray_give_a_model_each(tmp_path: Path) -> None:
    for name, content in starter_files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    write_config, plain, accelerate = commands()
    run(write_config, tmp_path)
    model = tmp_path / "runs" / "sentiment" / "model"
    assert run(plain, tmp_path).split() == [str(model)]
    assert (model / "model.safetensors").exists()
    assert "epoch that is kept" in (model / "training.html").read_text(encoding="utf-8")
    shutil.rmtree(model.parent)
    assert run(accelerate, tmp_path).split() == [str(model)]
    assert (model / "model.safetensors").exists()
