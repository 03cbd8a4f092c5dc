"""What all tests share: Ray's environment as in production, the public datasets, and spec files to try things with."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import yaml

from polyloop.spec.settings import apply_ray_environment, settings

REPOSITORY = Path(__file__).resolve().parents[1]

# Tests run Ray in the mode that `polyloop up` runs it in; Ray reads this when its processes start.
apply_ray_environment()

# The same examples at every run, so that a change and not luck decides; no deadline, as machines share their cores.
hypothesis.settings.register_profile(
    "polyloop",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=200,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("polyloop")

ALONE = tuple(REPOSITORY / "tests" / folder for folder in ("e2e", "benchmarks"))
"""Folders whose tests start clusters or measurements."""
SIDE_BY_SIDE = tuple(
    REPOSITORY / "tests" / place
    for place in ("e2e/browser", *(f"benchmarks/test_{name}.py" for name in ("feedback", "serve", "train")))
)
"""What needs no cluster there, and says nothing of times."""
NEVER_ALONE = tuple(REPOSITORY / "tests" / folder for folder in ("unit", "behaviour"))
"""Folders that `make test` does not look into for tests that need the machine to themselves."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need the machine to themselves; all others may run side by side."""
    for item in items:
        has_alone_folder = any(map(item.path.is_relative_to, ALONE)) and not any(
            map(item.path.is_relative_to, SIDE_BY_SIDE)
        )
        if has_alone_folder or "ray_cluster" in getattr(item, "fixturenames", ()):
            if any(map(item.path.is_relative_to, NEVER_ALONE)):
                raise pytest.UsageError(f"{item.nodeid} needs a cluster; move it to tests/integration")
            item.add_marker("alone")


def _external_folder(setting: Path | None, beside: str) -> Path | None:
    """Return the folder that the environment names, else the one beside the repository, else None."""
    folder = setting or REPOSITORY.parent / "shared" / beside
    return folder.resolve() if folder.is_dir() else None


def _in_environment(name: str, folder: Path | None, what: str) -> Iterator[Path]:
    if folder is None:
        pytest.skip(f"{what}: set {name} to their folder")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(name, str(folder))
        settings.cache_clear()
        yield folder
    settings.cache_clear()


@pytest.fixture(scope="session")
def datasets_dir() -> Iterator[Path]:
    """Folder of the public datasets, also in the environment as POLYLOOP_DATASETS; skips where they are absent."""
    folder = _external_folder(settings().datasets, "datasets")
    yield from _in_environment("POLYLOOP_DATASETS", folder, "the public datasets are not here")


@pytest.fixture(scope="session")
def kuberay_crds_dir() -> Iterator[Path]:
    """Folder of KubeRay's custom resource definitions, as for the datasets."""
    folder = _external_folder(settings().kuberay_crds, "kuberay-crds")
    yield from _in_environment("POLYLOOP_KUBERAY_CRDS", folder, "KubeRay's definitions are not here")


@pytest.fixture
def spec_data() -> dict[str, Any]:
    """A small valid spec as plain data, to change and hand to `write_spec`: tasks `mood` and `to-german`."""
    return {
        "project": "example",
        "locales": ["en", "de"],
        "corpora": {
            "moods": {
                "paths": ["data/moods.jsonl"],
                "columns": {"input": "text", "target": "label"},
                "locale": {"column": "locale"},
                "licence": "CC0-1.0",
            },
            "sentences": {
                "paths": ["data/sentences.tsv"],
                "columns": {"input": "en", "target": "de"},
                "locale": "en",
                "target_locale": "de",
                "licence": "CC0-1.0",
            },
        },
        "tasks": {
            "mood": {
                "kind": "classify",
                "labels": ["good", "bad"],
                "corpora": ["moods"],
                "model": {"recipe": "nano", "vocab_size": 300},
            },
            "to-german": {
                "kind": "translate",
                "pairs": ["en>de"],
                "corpora": ["sentences"],
                "model": {"recipe": "nano", "vocab_size": 300},
            },
        },
    }


@pytest.fixture
def write_spec(tmp_path: Path) -> Callable[[dict[str, Any] | str | bytes], Path]:
    """Return a function that writes data, text or bytes to polyloop.yaml in the test's folder and gives its path."""

    def write(content: dict[str, Any] | str | bytes) -> Path:
        path = tmp_path / "polyloop.yaml"
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True) if isinstance(content, dict) else content
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write
