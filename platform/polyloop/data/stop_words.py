"""The commonest function words of languages, to tell prose from lists of names: hardly a paragraph is without two.

Input: a text, its words and its language. Output: how many different ones are in it. Pure.
Limits: written for this purpose, short on purpose, and only for languages on whose sentences they were tried; a
language that is not here is not judged.
"""

from collections.abc import Iterable

_PUNCTUATION = "\"'()[]{}.,;:!?¡¿…«»„“”‚‘’‹›—–-*/\u060c\u061b\u061f\u0964"

WORDS: dict[str, frozenset[str]] = {
    language: frozenset(listed.split())
    for language, listed in {
        "en": "the be to of and that have with",
        "de": "der die das und in von zu mit den dem des ist im ein eine nicht für auf sich auch als es",
        "fr": "le la les de des du et en un une est que qui dans pour à au par sur ne pas il",
        "es": "el la los las de del y en un una que es por con para no se su al lo",
        "it": "il la le lo i di del della e in un una che è per con non si al da sono",
        "pt": "o a os as de do da e em um uma que é por com para não se no na ao",
        "nl": "de het een en van in is dat op te met voor niet zijn aan er die ook als",
        "ru": "и в во не на что с со по к как из у за от о для это но его а",
        "uk": "і й та в у не на що з із до як за від про для це але його а",
        "ar": "في من على إلى أن عن مع هذا هذه التي الذي ما لا كان كما أو ان الى و",
        "hi": "के का की में है को से और ने पर हैं यह भी कि एक नहीं इस तो ही था",
        "vi": "và của là có trong được cho không một các với những này đã người để khi đến từ ở",
    }.items()
}
"""Language -> words in lower case. English has the eight of the Gopher rules (Rae et al. 2021, arXiv:2112.11446); the
others have more, since their articles and prepositions come in more forms."""

PIECES: dict[str, tuple[str, ...]] = {
    "zh": tuple("的是在了和有不这這也就都为為与與对對及"),
    "ja": tuple("のはがをにでと"),
    "ko": ("은 ", "는 ", "이 ", "가 ", "을 ", "를 ", "에 ", "의 ", "로 ", "고 "),
    "th": ("ที่", "และ", "ของ", "ใน", "เป็น", "การ", "ได้", "มี", "ไม่", "จะ", "ให้"),
}
"""Language -> what to look for anywhere in a text: characters and words of languages without spaces, and the particles
and endings that Korean hangs on its words, each with the space that follows."""


def has_stop_words(text: str, words: Iterable[str], language: str, least: int) -> bool | None:
    """Tell whether at least `least` different function words of a language are in a text; None if it has no list."""
    if language in PIECES:
        return sum(piece in text for piece in PIECES[language]) >= least
    if language not in WORDS:
        return None
    lowered = [word.lower() for word in words]
    if len(WORDS[language].intersection(lowered)) >= least:
        return True  # nearly always: no need to take punctuation off each word
    return len(WORDS[language].intersection(word.strip(_PUNCTUATION) for word in lowered)) >= least
