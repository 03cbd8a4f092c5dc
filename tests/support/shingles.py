"""The documented shingles of a text as a plain Python set, made without the code that is tested."""

import re
import unicodedata

_SIGNS = "\u2e80-\u312f\u31a0-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uf900-\ufaff\U00020000-\U000323af"
_SYLLABLES = "\uac00-\ud7a3"
_DENSE = re.compile(f"[{_SIGNS}{_SYLLABLES}]")


def plain_shingles(text: str) -> set[str]:
    """Return the shingles as strings; empty for a text without letters."""
    folded = [_folded(character) for character in text]
    dense = "".join(character if _is_dense(character) else "\n" for character in folded)
    return _of_dense(folded) | _of_others(dense, folded)


def plain_jaccard(one: str, other: str) -> float:
    """Return the Jaccard similarity of two texts with letters."""
    first, second = plain_shingles(one), plain_shingles(other)
    return len(first & second) / len(first | second)


def _folded(character: str) -> str:
    if unicodedata.category(character)[0] not in "LNM" and unicodedata.category(character) != "So":
        return " "
    for form in (unicodedata.normalize("NFKC", character).casefold(), character.lower(), character):
        if len(form) == 1:
            return form
    raise AssertionError(character)


def _is_dense(character: str) -> bool:
    return bool(_DENSE.match(character)) or unicodedata.category(character) == "So"


def _of_dense(folded: list[str]) -> set[str]:
    """Return the pairs in runs of dense characters, which only characters of another kind end."""
    runs = [[]]  # type: list[list[str]]
    for character in folded:
        if _is_dense(character):
            runs[-1].append(character)
        elif character != " ":
            runs.append([])
    return {gram for run in runs if run for gram in _grams("".join(run), 2)}


def _of_others(dense: str, folded: list[str]) -> set[str]:
    """Return the sequences of five in runs of other characters; `dense` has a line break for each of those."""
    others = "".join("\n" if kept != "\n" else character for kept, character in zip(dense, folded, strict=True))
    runs = [" ".join(run.split(" ")).strip() for run in re.sub(" +", " ", others).split("\n")]
    return {gram for run in runs if run for gram in _grams(run, 5)}


def _grams(run: str, size: int) -> set[str]:
    return {run[start : start + size] for start in range(max(1, len(run) - size + 1))}
