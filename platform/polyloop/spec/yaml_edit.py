"""Changes values in the text of a YAML file and leaves everything else as it is: comments, order, quotes, blank lines.

Inputs: a file's text, and values by key path. Output: the text with those values. Values are scalars; a key, and the
mappings above it, are added where they are missing. The result is read again and compared with what it should mean:
where the layout does not allow an edit (an alias shared by several places), the file is written anew, without comments.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from polyloop.errors import SpecError
from polyloop.spec.yaml_source import KeyPath, nodes_of, parse

INDENT = 2


@dataclass(frozen=True, kw_only=True)
class Edited:
    """The new text."""

    text: str
    keeps_comments: bool
    """False where the whole file had to be written anew."""


def edit(text: str, changes: Mapping[tuple[str, ...], Any], path: Path) -> Edited:
    """Return the text with the values at the key paths changed; `path` is named in errors."""
    wanted = copy.deepcopy(parse(text.encode(), path).data)
    for keys, value in changes.items():
        _set(wanted, keys, value)
    edited = text
    try:
        for keys, value in changes.items():
            edited = _with_value(edited, keys, value, path)
        if parse(edited.encode(), path).data == wanted:
            return Edited(text=edited, keeps_comments=True)
    except (SpecError, _NotEditableError):
        pass
    plain = yaml.safe_dump(wanted, sort_keys=False, allow_unicode=True, width=120)
    if parse(plain.encode(), path).data != wanted:
        raise SpecError(f"{path}: the values cannot be written into the file; write them by hand: {dict(changes)}")
    return Edited(text=plain, keeps_comments=False)


class _NotEditableError(Exception):
    """The layout has no place where the value could be written without touching others."""


def _set(data: Any, keys: Sequence[str], value: Any) -> None:
    *above, last = keys
    for key in above:
        data = data.setdefault(key, {})
    data[last] = value


def _with_value(text: str, keys: KeyPath, value: Any, path: Path) -> str:
    root = nodes_of(text, path)
    node: yaml.Node = root
    for depth, key in enumerate(keys):
        if not isinstance(node, yaml.MappingNode):
            raise _NotEditableError
        found = next((inner for name, inner in node.value if name.value == key), None)
        if found is None:
            return _with_entry(text, node, keys[depth:], value)
        if found.start_mark.index < node.start_mark.index:  # an alias: its text stands elsewhere
            raise _NotEditableError
        node = found
    if not isinstance(node, yaml.ScalarNode):
        raise _NotEditableError
    start, end = node.start_mark.index, node.end_mark.index
    return text[:start] + (" " if start == end else "") + scalar_text(value) + text[end:]


def _with_entry(text: str, mapping: yaml.MappingNode, keys: KeyPath, value: Any) -> str:
    """Return the text with a new entry at the end of a mapping that has entries."""
    if not mapping.value:
        raise _NotEditableError
    if mapping.flow_style:
        end = _end(mapping.value[-1][1])
        return f"{text[:end]}, {_flow_entry(keys, value)}{text[end:]}"
    column = mapping.value[0][0].start_mark.column
    end = text.find("\n", _end(mapping.value[-1][1]))
    lines = [" " * (column + INDENT * depth) + f"{key}:" for depth, key in enumerate(keys)]
    lines[-1] += f" {scalar_text(value)}"
    block = "\n" + "\n".join(lines)
    return text + block + "\n" if end < 0 else text[:end] + block + text[end:]


def _end(node: yaml.Node) -> int:
    """Return where the text of a node ends; a block's own mark is behind comments that follow it."""
    if isinstance(node, yaml.ScalarNode):
        if node.style in {"|", ">"}:
            raise _NotEditableError
        return int(node.end_mark.index)
    if getattr(node, "flow_style", False) or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(node, yaml.MappingNode) else last)


def _flow_entry(keys: KeyPath, value: Any) -> str:
    key, *below = keys
    return f"{key}: {{{_flow_entry(tuple(below), value)}}}" if below else f"{key}: {scalar_text(value)}"


def scalar_text(value: Any) -> str:
    """Return a scalar as YAML that can stand anywhere, inside brackets too."""
    text = yaml.safe_dump([value], default_flow_style=True, allow_unicode=True, width=10_000).strip()
    return text[1:-1].strip()
