"""The shape of the code: imports run one way, one module reads the environment, no file is long.

The rules are functions of source text, so each is also tried on text that breaks it.
"""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SOURCE_ROOT = REPOSITORY / "platform"
PACKAGE = SOURCE_ROOT / "polyloop"

MAX_LINES = 500

# From the bottom up: a part may import any part of a lower layer.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors", "progress", "__init__"),
    ("spec",),
    ("models", "tasks", "retrieval", "cluster", "pages"),
    ("evaluation", "training", "data", "feedback", "registry"),
    ("client", "serving", "batch_inference", "retraining", "console", "demo", "bench", "cli", "__main__"),
)
LEVEL = {part: level for level, layer in enumerate(LAYERS) for part in layer}
MIDDLE = 3

# Inside the middle layer only these may be imported by the others: the reading side of datasets, and the registry.
MIDDLE_IMPORTS: dict[str, tuple[str, ...]] = {
    "evaluation": ("registry", "data.dataset", "data.manifest"),
    "training": ("data.dataset", "data.manifest"),
    "feedback": ("registry",),
    "data": (),
    "registry": (),
}

MODULES = sorted(PACKAGE.rglob("*.py"))
PYTHON_FILES = sorted(
    path
    for folder in ("platform", "jobs", "deploy", "tests")
    for path in (REPOSITORY / folder).rglob("*.py")
    if not any(part.startswith(".") for part in path.relative_to(REPOSITORY).parts)
)


def module_name(path: Path) -> str:
    """Return the dotted name below polyloop: spec.loader, or spec for its __init__."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def imported_modules(source: str) -> Iterator[str]:
    """Yield the dotted names that a module imports, wherever in it, each with the names taken from it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import; write the whole name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def polyloop_imports(source: str) -> set[str]:
    """Return what a module imports from polyloop, as dotted names below it."""
    names = {name for name in imported_modules(source) if name.split(".")[0] == "polyloop"}
    return {name.partition(".")[2] or "__init__" for name in names} - {"__version__"}


def import_breach(module: str, imported: str) -> str | None:
    """Return why `module` may not import `imported`, or None where it may."""
    part, other = module.split(".")[0], imported.split(".")[0]
    if part == other or (part, other) == ("__init__", "client"):
        return None  # the package offers its client by name, and loads it when asked for
    if LEVEL[other] > LEVEL[part]:
        return f"{module} imports {imported}, which stands above it"
    if LEVEL[part] == LEVEL[other] == MIDDLE:
        allowed = MIDDLE_IMPORTS[part]
        if not any(imported == name or imported.startswith(f"{name}.") for name in allowed):
            return f"{module} imports {imported}; of its own layer it may import {', '.join(allowed) or 'nothing'}"
    return None


def environment_reads(source: str) -> list[str]:
    """Return the places where a module touches the environment through `os`."""
    names = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}
    places = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in names and ast.unparse(node.value) == "os":
            places.append(f"line {node.lineno}: os.{node.attr}")
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            places += [f"line {node.lineno}: os.{alias.name}" for alias in node.names if alias.name in names]
    return places


def test_every_part_of_the_package_has_a_layer() -> None:
    parts = {module_name(path).split(".")[0] for path in MODULES}
    assert parts <= LEVEL.keys(), "give the new part its place in LAYERS"


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_imports_run_one_way(path: Path) -> None:
    module = module_name(path)
    imports = sorted(polyloop_imports(path.read_text(encoding="utf-8")))
    assert [breach for name in imports if (breach := import_breach(module, name))] == []


def test_parts_do_not_import_each_other_in_a_circle() -> None:
    graph: dict[str, set[str]] = {}
    for path in MODULES:
        part = module_name(path).split(".")[0]
        others = {name.split(".")[0] for name in polyloop_imports(path.read_text(encoding="utf-8"))}
        graph.setdefault(part, set()).update(others - {part})
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"these import each other: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_only_the_settings_module_touches_the_environment(path: Path) -> None:
    places = environment_reads(path.read_text(encoding="utf-8"))
    assert bool(places) == (module_name(path) == "spec.settings"), places


def test_no_file_is_over_500_lines() -> None:
    lengths = {str(path.relative_to(REPOSITORY)): len(path.read_text("utf-8").splitlines()) for path in PYTHON_FILES}
    assert {name: length for name, length in lengths.items() if length > MAX_LINES} == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [path for path in MODULES if path.read_text("utf-8").strip() and not docstring(path)]
    assert [module_name(path) for path in silent] == []


def docstring(path: Path) -> str | None:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_platform_is_only_a_source_root() -> None:
    assert not (SOURCE_ROOT / "__init__.py").exists()
    assert [path.name for path in (REPOSITORY / "tests").rglob("platform*")] == []
    for path in PYTHON_FILES:
        names = set(imported_modules(path.read_text(encoding="utf-8")))
        assert not any(name.startswith("platform.polyloop") for name in names), path


def test_nothing_outside_the_package_is_imported_by_it() -> None:
    for path in MODULES:
        roots = {name.split(".")[0] for name in imported_modules(path.read_text(encoding="utf-8"))}
        assert not roots & {"jobs", "deploy", "tests"}, path


@pytest.mark.parametrize(
    ("module", "imported", "is_breach"),
    [
        ("spec.loader", "errors.SpecError", False),
        ("errors", "spec", True),
        ("spec.loader", "tasks.base", True),
        ("tasks.base", "models.build", False),
        ("data.build", "registry.store", True),
        ("training.driver", "data.dataset.Dataset", False),
        ("training.driver", "data.build", True),
        ("training.driver", "data.dataset_cache", True),
        ("feedback.writer", "registry.store.Store", False),
        ("registry.store", "feedback.writer", True),
        ("cli.main", "serving.app", False),
        ("__init__", "client", False),
        ("__init__", "serving.app", True),
        ("client.calls", "spec.settings", False),
        ("tasks.base", "client", True),
        ("evaluation.gate", "serving.app", True),
    ],
)
def test_the_import_rule_tells_breaches(module: str, imported: str, is_breach: bool) -> None:
    assert bool(import_breach(module, imported)) == is_breach


def test_imports_are_found_inside_functions_and_in_both_forms() -> None:
    source = (
        "import polyloop.cli.main\ndef f():\n    from polyloop.data import build\nfrom polyloop import __version__\n"
    )
    assert polyloop_imports(source) == {"cli.main", "data.build"}


@pytest.mark.parametrize(
    "source",
    ["import os\nos.environ['A']", "import os\nos.getenv('A')", "from os import environ", "def f():\n    os.environ"],
)
def test_the_environment_rule_tells_reads(source: str) -> None:
    assert environment_reads(source)


def test_the_environment_rule_leaves_the_rest_of_os_alone() -> None:
    assert environment_reads("import os\nos.cpu_count()\nself.environ\nenviron = 1") == []
