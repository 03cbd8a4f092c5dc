"""Globs over the names of an object store, with the meaning that Python's `glob` gives them on a disk.

Input: a pattern of parts divided by slashes. Output: a regular expression, and the folder that has to be listed.
"""

import re

GLOB_MARKS = "*["
"""Characters that make a name a glob; `?` is none, since it begins the query of a URL."""


def glob_base(pattern: str) -> tuple[str, str]:
    """Return the folder above the first part with a glob, and the rest of the pattern."""
    parts = pattern.split("/")
    first = next(place for place, part in enumerate(parts) if any(mark in part for mark in GLOB_MARKS))
    return "/".join(parts[:first]), "/".join(parts[first:])


def glob_pattern(pattern: str) -> re.Pattern[str]:
    """Return the expression of a glob: `*` stays within a part, `**` is any number of them, but for hidden names."""
    parts = pattern.split("/")
    last = len(parts) - 1
    expressions = []
    for place, part in enumerate(parts):
        if part == "**":
            expressions.append(r"(?:[^/.][^/]*/)*" if place < last else r"(?:[^/.][^/]*/)*[^/.][^/]*")
        else:
            expressions.append(_part_expression(part) + ("/" if place < last else ""))
    return re.compile("".join(expressions), re.DOTALL)


def _part_expression(part: str) -> str:
    hidden = "" if part.startswith(".") else r"(?!\.)" if part[:1] in GLOB_MARKS else ""
    pieces = re.split(r"(\*+|\[!?\]?[^\]]*\])", part)
    return hidden + "".join(_piece_expression(piece) for piece in pieces)


def _piece_expression(piece: str) -> str:
    if piece.startswith("*"):
        return "[^/]*"
    if piece.startswith("[") and piece.endswith("]") and len(piece) > 2:
        negated = piece[1] == "!"
        members = piece[2:-1] if negated else piece[1:-1]
        escaped = members.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]").replace("^", "\\^")
        return f"(?!/)[{'^' if negated else ''}{escaped}]"
    return re.escape(piece)
