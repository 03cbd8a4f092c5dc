"""YAML text into plain data and the line of each part.

Input: the bytes of a YAML file. Output: a `Source`: plain data, and a line number for each key path.
Scalars follow the core schema of YAML 1.2: only true and false are booleans, so `no` (Norwegian), `on` and `yes` stay
text, as do dates and 12:30. Keys are always text. Refused, each with its line: repeated keys, tags, cyclic or
exploding aliases, deep nesting, more than one document, invalid UTF-8, texts that no file name or database can hold
(with NUL or half a character, which escapes can write), huge numbers, and files over 1 MiB.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from polyloop.errors import SpecError

MAX_SIZE_BYTES = 1_048_576
MAX_DEPTH = 40
MAX_NODES = 100_000
MAX_INTEGER_BITS = 1_024
"""Larger numbers mean nothing here, and Python refuses to write those of more than 4,300 digits out for people."""

KeyPath = tuple[str | int, ...]

_NULL = "tag:yaml.org,2002:null"
_BOOL = "tag:yaml.org,2002:bool"
_INT = "tag:yaml.org,2002:int"
_FLOAT = "tag:yaml.org,2002:float"
_UNUSABLE = re.compile("[\\x00\ud800-\udfff]")
_CONTAINER_TAGS = {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:str"}

# YAML 1.2.2, section 10.3.2 (core schema: tag resolution).
_CORE_SCHEMA = (
    (_NULL, re.compile(r"(?:null|Null|NULL|~|)\Z"), ["n", "N", "~", ""]),
    (_BOOL, re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF")),
    (_INT, re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z"), list("-+0123456789")),
    (
        _FLOAT,
        re.compile(
            r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
        ),
        list("-+.0123456789"),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A parsed file: `data` is the top mapping, `lines` maps each key path to its line (from 1)."""

    data: dict[str, Any]
    lines: dict[KeyPath, int]


class _CoreLoader(yaml.SafeLoader):
    """PyYAML's safe loader with the core schema of YAML 1.2 instead of 1.1, and a limit on nesting."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 (PyYAML fills it by class, through the calls below)

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem=f"nested more than {MAX_DEPTH} deep", problem_mark=mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


for _tag, _pattern, _first in _CORE_SCHEMA:
    _CoreLoader.add_implicit_resolver(_tag, _pattern, _first)


def parse(content: bytes, path: Path, *, first_line: str = "project: my-project") -> Source:
    """Return the data and lines of a YAML mapping; SpecError names `path`, line and what to change.

    `first_line` is an example of how such a file begins.
    """
    if len(content) > MAX_SIZE_BYTES:
        raise SpecError(f"{path}: the file has {len(content):,} bytes; a spec may have {MAX_SIZE_BYTES:,} at most")
    node = _compose(_decode(content, path), path)
    if node is None:
        raise SpecError(f"{path}: the file is empty; write a starter spec with `polyloop init`")
    if not isinstance(node, yaml.MappingNode):
        raise SpecError(
            f"{path}:{_line(node)}: the file holds a {_kind(node)}, not a mapping; begin with a line such as "
            f"`{first_line}`"
        )
    walk = _Walk(path=path)
    data = walk.value(node, ())
    walk.lines[()] = 1
    return Source(data=data, lines=walk.lines)


def nodes_of(text: str, path: Path) -> yaml.MappingNode:
    """Return the nodes of a YAML mapping, whose marks say where in the text each one stands."""
    node = _compose(text, path)
    if not isinstance(node, yaml.MappingNode):
        raise SpecError(f"{path}: the file holds no mapping")
    return node


def _decode(content: bytes, path: Path) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        value = content[error.start]
        raise SpecError(f"{path}:{line}: byte 0x{value:02x} is not valid UTF-8; save the file as UTF-8") from None


def _compose(text: str, path: Path) -> yaml.Node | None:
    try:
        loader = _CoreLoader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise SpecError(
            f"{path}:{line}: the character {chr(error.character)!r} is not allowed in YAML; remove it"
        ) from None
    try:
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        raise SpecError(_explain_syntax(error, path)) from None
    except (ValueError, OverflowError):  # PyYAML takes numbers of escapes and directives of any size
        raise SpecError(
            f"{path}:{loader.line + 1}: not valid YAML: an escape (\\U...) or a directive (%...) has a number that is "
            "too large; write the character itself"
        ) from None


def _explain_syntax(error: yaml.MarkedYAMLError, path: Path) -> str:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    problem = " ".join(part for part in (error.context, error.problem) if part)
    if "\\t" in problem:
        return f"{path}:{line}: a tab stands where YAML allows spaces only; indent with spaces"
    return f"{path}:{line}: not valid YAML: {problem}; check indentation, colons and quotes around this line"


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _kind(node: yaml.Node) -> str:
    return "list" if isinstance(node, yaml.SequenceNode) else "single value"


@dataclass(kw_only=True)
class _Walk:
    """One walk over the nodes of a file, which collects lines and guards against aliases that explode."""

    path: Path
    lines: dict[KeyPath, int] = field(default_factory=dict)
    open_nodes: set[int] = field(default_factory=set)
    num_nodes: int = 0

    def value(self, node: yaml.Node, at: KeyPath) -> Any:
        self._guard(node)
        self.lines.setdefault(at, _line(node))
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        self.open_nodes.add(id(node))
        result = self._mapping(node, at) if isinstance(node, yaml.MappingNode) else self._sequence(node, at)
        self.open_nodes.discard(id(node))
        return result

    def _guard(self, node: yaml.Node) -> None:
        self.num_nodes += 1
        if id(node) in self.open_nodes:
            raise SpecError(f"{self.path}:{_line(node)}: an alias refers to itself; write the value out")
        if self.num_nodes > MAX_NODES:
            raise SpecError(f"{self.path}: the file has more than {MAX_NODES:,} values once its aliases are expanded")
        if isinstance(node, yaml.ScalarNode):
            self._guard_text(node)
        if node.tag not in _CONTAINER_TAGS and not (isinstance(node, yaml.ScalarNode) and node.tag in _SCALARS):
            raise SpecError(f"{self.path}:{_line(node)}: the tag {node.tag!r} is not allowed; write a plain value")

    def _guard_text(self, node: yaml.ScalarNode) -> None:
        unusable = _UNUSABLE.search(node.value)
        if unusable is not None:
            what = "a NUL" if unusable[0] == "\0" else "half of a character"
            raise SpecError(
                f"{self.path}:{_line(node)}: the text {node.value[:40]!r} holds {what}, {unusable[0]!r}; leave it out"
            )

    def _mapping(self, node: yaml.MappingNode, at: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise SpecError(f"{self.path}:{_line(key_node)}: a key is a {_kind(key_node)}; keys are plain text")
            self._guard_text(key_node)
            key = str(key_node.value)
            if key in result:
                first = self.lines[(*at, key)]
                raise SpecError(
                    f"{self.path}:{_line(key_node)}: the key {'.'.join(map(str, (*at, key)))!r} is there twice "
                    f"(first on line {first}); keep one"
                )
            self.lines[(*at, key)] = _line(key_node)
            result[key] = self.value(value_node, (*at, key))
        return result

    def _sequence(self, node: yaml.Node, at: KeyPath) -> list[Any]:
        return [self.value(item, (*at, index)) for index, item in enumerate(node.value)]

    def _scalar(self, node: yaml.ScalarNode) -> str | int | float | bool | None:
        convert = _SCALARS.get(node.tag)
        if convert is None:
            return str(node.value)
        try:
            return convert(node.value)
        except ValueError:
            raise SpecError(
                f"{self.path}:{_line(node)}: {node.value[:40]!r} does not fit {node.tag.rpartition(':')[2]}; "
                "write it in quotes if it is text"
            ) from None


def _integer(text: str) -> int:
    number = int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
    if number.bit_length() > MAX_INTEGER_BITS:
        raise ValueError(text)
    return number


def _float(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


def _boolean(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError(text)
    return text.lower() == "true"


def _null(text: str) -> None:
    if text.lower() not in {"", "~", "null"}:
        raise ValueError(text)


_SCALARS: dict[str, Callable[[str], int | float | bool | None]] = {
    _NULL: _null,
    _BOOL: _boolean,
    _INT: _integer,
    _FLOAT: _float,
}
