"""A part of a benchmark runs in a process of its own and tells its result, or why it has none."""

from pathlib import Path

import pytest

from polyloop.bench.processes import run_module
from polyloop.errors import ClusterError


def test_what_a_module_prints_last_is_returned(tmp_path: Path):
    (tmp_path / "told.json").write_text('{"rows": 3,\n "name": "part"}')

    assert run_module("json.tool", "--compact", tmp_path / "told.json") == {"rows": 3, "name": "part"}


def test_a_launcher_stands_in_front_and_threads_are_set_before_the_process_starts(tmp_path: Path):
    (tmp_path / "launcher.py").write_text(
        "import json, os, sys\nprint(json.dumps({'threads': os.environ['OMP_NUM_THREADS'], 'arguments': sys.argv[1:]}))"
    )

    told = run_module("some.module", "input", launcher=(str(tmp_path / "launcher.py"), "--twice"), threads=2)

    assert told == {"threads": "2", "arguments": ["--twice", "-m", "some.module", "input"]}


def test_a_process_that_fails_is_named_with_its_last_words(tmp_path: Path):
    with pytest.raises(ClusterError, match=r"json\.tool failed:.*absent\.json"):
        run_module("json.tool", tmp_path / "absent.json")
