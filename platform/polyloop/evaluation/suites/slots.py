"""Slots in templates: which a text has, what fills them, and a bounded sample of the fillings. Pure.

Input: templates with slots such as `{name}`, lists of values, rows that tie slots together. Output: dictionaries of
slot and value. A brace that encloses no name, as in the regular expression `[0-9]{2}`, is no slot.
"""

import math
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

Filling = dict[str, str]

_SLOT = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def slots_of(*texts: str) -> tuple[str, ...]:
    """Return the names of the slots of the texts, each once, in order."""
    return tuple(dict.fromkeys(name for text in texts for name in _SLOT.findall(text)))


def fill(template: str, filling: Mapping[str, str], *, escape: Callable[[str], str] = str) -> str:
    """Return the template with its slots filled; `escape` is applied to each value first."""
    return _SLOT.sub(lambda match: escape(filling[match[1]]), template)


def fillings(
    slots: Sequence[str],
    lists: Mapping[str, Sequence[str]],
    rows: Sequence[Mapping[str, str]],
    *,
    limit: int,
    chance: random.Random,
) -> list[Filling]:
    """Return at most `limit` different fillings of `slots`, all of them where there are no more.

    A slot is taken from the rows if they have it, all such slots from one row, and otherwise from its list; KeyError if
    it is in neither. Each filling of all is drawn with the same probability, in a random order.
    """
    axes = list(_axes(slots, lists, rows))
    total = math.prod(len(axis) for axis in axes)
    if total <= limit:
        numbers = list(range(total))
        chance.shuffle(numbers)
    else:
        # Drawn one by one, since the total may be beyond what a range can hold.
        numbers = list(_different(total, limit, chance))
    return [_decoded(number, axes) for number in numbers]


def _axes(
    slots: Sequence[str], lists: Mapping[str, Sequence[str]], rows: Sequence[Mapping[str, str]]
) -> Iterator[list[Filling]]:
    tied = [slot for slot in slots if rows and slot in rows[0]]
    if tied:
        yield list({tuple(row[slot] for slot in tied): {slot: row[slot] for slot in tied} for row in rows}.values())
    for slot in slots:
        if slot not in tied:
            yield [{slot: value} for value in dict.fromkeys(lists[slot])]


def _different(total: int, limit: int, chance: random.Random) -> Iterator[int]:
    seen: set[int] = set()
    while len(seen) < limit:
        number = chance.randrange(total)
        if number not in seen:
            seen.add(number)
            yield number


def _decoded(number: int, axes: Sequence[Sequence[Filling]]) -> Filling:
    """Return the filling with a number, one digit an axis."""
    filling: Filling = {}
    for axis in axes:
        number, digit = divmod(number, len(axis))
        filling |= axis[digit]
    return filling
