"""Finds licence plates of cars.

Input: a folded text and its locale. Output: places. Chinese, Japanese and Korean, French and Russian plates have forms
that nothing else has; those of other countries need a word such as `plate` or `Kennzeichen` near. Capital letters only.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from polyloop.data.pii.base import Finder, language_of
from polyloop.data.pii.context import is_labelled_otherwise, is_near, words

_EDGE = r"(?<![0-9A-Za-z_\-])"
_END = r"(?![0-9A-Za-z_]|-[0-9A-Za-z])"
_PLATE = words(
    "plate|plates|license no|licence no|license number|licence number|registration|reg|reg no|tag number|number plate",
    "kennzeichen|nummernschild|kfz|kfz-kz|polizeiliches|matrícula|placa|placas|patente|immatriculation|plaque|immatriculé",
    "targa|matrícula|kenteken|rejestracyjn|tablice|госномер|номерной знак|plaka|नंबर प्लेट|गाड़ी नंबर|車牌|车牌",
)


@dataclass(frozen=True, kw_only=True)
class _Plate:
    pattern: re.Pattern[str]
    needs_word: bool


def _plate(pattern: str, needs_word: bool = True) -> _Plate:
    return _Plate(pattern=re.compile(pattern), needs_word=needs_word)


_CHINESE = _plate(
    r"(?:[京津沪滬渝冀豫云雲辽遼黑湘皖鲁魯新苏蘇浙赣贛鄂桂甘晋晉蒙陕陝吉闽閩贵貴粤粵青藏川宁寧琼瓊])"
    r"(?:[A-HJ-NP-Z][ ·•・.\-]?)"
    r"(?=[A-Z]{0,3}[0-9])"
    r"(?:[DF][A-HJ-NP-Z0-9][0-9]{4}|[0-9]{5}[DF]|[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂掛学學警港澳])(?![0-9A-Za-z])",
    needs_word=False,
)
_BY_LANGUAGE: dict[str, tuple[_Plate, ...]] = {
    "zh": (_CHINESE,),
    "en": (
        _plate(rf"{_EDGE}[A-Z]{{2}}[0-9]{{2}} ?[A-Z]{{3}}{_END}"),
        _plate(rf"{_EDGE}(?:[0-9]?[A-Z]{{2,3}}[ \-]?[0-9]{{3,4}}|[0-9]{{3,4}}[ \-]?[A-Z]{{2,3}}){_END}"),
        _plate(rf"{_EDGE}[A-Z]{{2}}[ \-]?[0-9]{{1,2}}[ \-]?[A-Z]{{1,2}}[ \-]?[0-9]{{4}}{_END}"),
    ),
    "hi": (_plate(rf"{_EDGE}[A-Z]{{2}}[ \-]?[0-9]{{1,2}}[ \-]?[A-Z]{{1,2}}[ \-]?[0-9]{{4}}{_END}"),),
    "de": (_plate(rf"{_EDGE}[A-ZÄÖÜ]{{1,3}}[ \-][A-Z]{{1,2}}[ \-]?[1-9][0-9]{{0,3}}[EH]?{_END}"),),
    "fr": (_plate(rf"{_EDGE}[A-HJ-NP-TV-Z]{{2}}-[0-9]{{3}}-[A-HJ-NP-TV-Z]{{2}}{_END}", needs_word=False),),
    "es": (
        _plate(rf"{_EDGE}[0-9]{{4}}[ \-]?[BCDFGHJKLMNPRSTVWXYZ]{{3}}{_END}"),
        _plate(rf"{_EDGE}[A-Z]{{3}}[ \-]?[0-9]{{2,4}}[ \-]?[A-Z0-9]?{_END}"),
    ),
    "it": (_plate(rf"{_EDGE}[A-HJ-NPR-TV-Z]{{2}} ?[0-9]{{3}} ?[A-HJ-NPR-TV-Z]{{2}}{_END}"),),
    "pt": (
        _plate(rf"{_EDGE}[A-Z]{{3}}[ \-]?[0-9][A-Z0-9][0-9]{{2}}{_END}"),
        _plate(rf"{_EDGE}(?:[A-Z]{{2}}|[0-9]{{2}})-(?:[A-Z]{{2}}|[0-9]{{2}})-(?:[A-Z]{{2}}|[0-9]{{2}}){_END}"),
    ),
    "nl": (_plate(rf"{_EDGE}[A-Z0-9]{{1,3}}-[A-Z0-9]{{2,3}}-[A-Z0-9]{{1,2}}{_END}"),),
    "pl": (_plate(rf"{_EDGE}[A-Z]{{2,3}} ?[A-Z0-9]{{4,5}}{_END}"),),
    "tr": (_plate(rf"{_EDGE}[0-9]{{2}} ?[A-Z]{{1,3}} ?[0-9]{{2,4}}{_END}"),),
    "ru": (_plate(r"(?<!\w)[АВЕКМНОРСТУХ] ?[0-9]{3} ?[АВЕКМНОРСТУХ]{2} ?[0-9]{2,3}(?!\w)", needs_word=False),),
    "ja": (_plate(r"[一-龥]{1,4} ?[0-9]{3} ?[あ-ん] ?[0-9・]{1,2}-[0-9]{2}(?![0-9])", needs_word=False),),
    "ko": (_plate(r"(?<![0-9])[0-9]{2,3}[가-힣] ?[0-9]{4}(?![0-9])", needs_word=True),),
}
_DIGIT = re.compile("[0-9]{2}|[0-9][A-Z]|[A-Z][0-9]")


def _places(text: str, locale: str) -> Iterator[tuple[int, int]]:
    may_be_said = _PLATE.may_be_in(text)
    for plate in _BY_LANGUAGE[language_of(locale)]:
        for found in plate.pattern.finditer(text) if may_be_said or not plate.needs_word else ():
            if _is_said(plate, text, *found.span()) and any(map(str.isdigit, found[0])):
                yield found.span()


def _is_said(plate: _Plate, text: str, start: int, end: int) -> bool:
    if plate.needs_word:
        return is_near(text, start, end, _PLATE) and not is_labelled_otherwise(text, start)
    return True


def _guard(text: str) -> bool:
    return _DIGIT.search(text) is not None


LICENCE_PLATE = Finder(kind="licence_plate", guard=_guard, places=_places, languages=frozenset(_BY_LANGUAGE))
