"""Suite files."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def write_suite(tmp_path: Path) -> Callable[[str], Path]:
    """Return a writer of a suite file."""

    def write(text: str) -> Path:
        path = tmp_path / "suite.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write
