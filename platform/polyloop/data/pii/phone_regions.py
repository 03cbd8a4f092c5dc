"""Which countries' phone numbers a text of a locale may give without the country, and how they are written there.

Input: a locale. Output: its regions, the most likely first. Pure. Whether a number is one that is given out is
libphonenumber's to say; what is here only says which digits are worth asking about.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from polyloop.data.pii.base import language_of
from polyloop.data.pii.context import words

PHONE_WORDS = words(
    "phone|telephone|tel|call|calls|called|calling|cell|cellphone|mobile|fax|dial|text me|text us|sms|whatsapp|hotline",
    "ring me|reach me|reached at|contact|ph|number is|telefon|telefonnummer|ruf|rufen|anruf|anrufen|handy|mobil",
    "mobilnummer|durchwahl|erreichbar|erreichen|rückruf|nummer|rufnummer|téléphone|tél|portable|appelez|appeler|numéro",
    "joindre|joignable|teléfono|móvil|llama|llámame|llamar|llámanos|celular|número|contacto",
    "telefono|cellulare|chiama|chiamare|numero",
    "telefone|telemóvel|ligue|ligar|liga|contato|zap|telefoon|bel|mobiel|zadzwoń|komórka|ringa|puhelin|puh",
    "телефон|тел|позвоните|звоните|номер|моб|τηλέφωνο|τηλ|ara|cep|điện thoại|telepon|hp|wa|โทร|เบอร์|טלפון|נייד",
    "电话|電話|手机|手機|座机|联系|聯繫|聯絡|热线|熱線|致电|致電|拨打|撥打|传真|傳真|来电|打给|打给我|微信|携帯|連絡先|전화|연락처|휴대폰|핸드폰",
    "फोन|फ़ोन|मोबाइल|नंबर|कॉल|संपर्क|هاتف|الهاتف|جوال|موبايل|اتصل|رقم|تلفون|واتساب|تلفن|فون",
)


@dataclass(frozen=True, kw_only=True)
class Region:
    """How numbers of one country are written."""

    code: str
    """ISO 3166 code, as libphonenumber has it."""
    trunk: str
    """What a number within the country begins with; empty where nothing does."""
    lengths: frozenset[int]
    """How many digits it then has."""
    usual: re.Pattern[str]
    """A way of writing that needs no word near."""
    local_lengths: frozenset[int]
    """How many digits a number within one town has; it counts only beside a word for phone."""


_TRUNK_ZERO = r"\(?0[0-9]{1,4}\)?(?: ?[/\-] ?|[ .]){0,1}[0-9]{2,8}(?:[ .\-/][0-9]{1,8}){0,5}"
"""An area code with its 0, and groups; where the country writes the 0."""

_NANP = r"(?:1[ .\-]?)?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .\-])[2-9][0-9]{2}[ .\-][0-9]{4}"
"""North America: area code of three digits, then three and four, apart."""


def _region(code: str, trunk: str, lengths: range, usual: str, local: tuple[int, ...] = ()) -> Region:
    return Region(
        code=code, trunk=trunk, lengths=frozenset(lengths), usual=re.compile(usual), local_lengths=frozenset(local)
    )


_CHINESE_MOBILE = r"(?:86[ \-]?)?1[3-9][0-9][ \-]?[0-9]{4}[ \-]?[0-9]{4}|1[3-9][0-9]{2}[ \-][0-9]{3}[ \-][0-9]{4}"
_CHINESE_LINE = r"\(?0[1-9][0-9]{1,2}\)?[ \-]{0,3}[2-8][0-9]{2,3}[ \-]?[0-9]{4}|[48]00[ \-]?[0-9]{3}[ \-]?[0-9]{4}"

_REGIONS: dict[str, Region] = {
    region.code: region
    for region in (
        _region("US", "", range(10, 12), _NANP, (7, )),
        _region("CA", "", range(10, 12), _NANP, (7, )),
        _region("GB", "0", range(10, 12), r"\(?0[1-9][0-9]{1,4}\)?(?: ?-? ?[0-9]{3,8}){1,3}"),
        _region("IE", "0", range(9, 11), r"\(?0[1-9][0-9]{0,2}\)?(?:[ \-][0-9]{3,4}){2}"),
        _region("AU", "0", range(10, 11), r"\(?0[2-478]\)?(?:[ \-][0-9]{4}){2}|04[0-9]{2}(?:[ \-][0-9]{3}){2}"),
        _region("NZ", "0", range(9, 12), r"\(?0[2-9][0-9]?\)?(?:[ \-][0-9]{3,4}){2}"),
        _region("ZA", "0", range(10, 11), r"\(?0[1-8][0-9]\)?[ \-][0-9]{3}[ \-][0-9]{4}"),
        _region("IN", "", range(10, 12), r"0?[6-9][0-9]{4}[ \-]?[0-9]{5}|0[1-9][0-9]{1,3}[ \-][0-9]{6,8}"),
        _region("DE", "0", range(7, 14), _TRUNK_ZERO),
        _region("AT", "0", range(7, 14), _TRUNK_ZERO),
        _region("CH", "0", range(10, 11), _TRUNK_ZERO),
        _region("CN", "", range(10, 14), f"{_CHINESE_MOBILE}|{_CHINESE_LINE}", (7, 8)),
        _region("HK", "", range(8, 9), r"852[ \-]?[2-9][0-9]{3}[ \-]?[0-9]{4}"),
        _region("TW", "0", range(9, 11), r"\(?0[1-9][0-9]{0,2}\)?(?:[ \-]?[0-9]{3,4}){2}"),
        _region("FR", "0", range(10, 11), r"0[1-9](?:[ .\-]?[0-9]{2}){4}|0 ?800(?: [0-9]{2,3}){2,3}"),
        _region("BE", "0", range(9, 11), r"0[1-9][0-9]{0,2}[ /.](?:[0-9]{2,3}[ .]?){3}"),
        _region(
            "ES", "", range(9, 10),
            r"[6-9][0-9]{2}(?:[ .\-][0-9]{2}){3}|[67][0-9]{2}[ .\-][0-9]{3}[ .\-][0-9]{3}|[67][0-9]{8}",
        ),
        _region(
            "MX", "", range(10, 11),
            r"\(?[2-9][0-9]{1,2}\)?[ \-][0-9]{3,4}[ \-][0-9]{4}|[2-9][0-9](?: [0-9]{4}){2}",
        ),
        _region("AR", "", range(10, 14), r"\(?0?[1-9][0-9]{1,3}\)?[ \-](?:15[ \-])?[0-9]{3,4}[ \-][0-9]{4}", (8,)),
        _region("CO", "", range(10, 11), r"3[0-9]{2}[ \-][0-9]{3}[ \-][0-9]{4}"),
        _region("CL", "", range(9, 10), r"9 ?[0-9]{4} ?[0-9]{4}|[2-9] [0-9]{4} [0-9]{4}"),
        _region(
            "IT", "", range(8, 12),
            r"3[0-9]{2}[ .\-/]?(?:[0-9]{6,7}|[0-9]{3}[ .\-]?[0-9]{4}|(?:[0-9]{2} ?){3}[0-9]?)|"
            r"0[1-9][0-9]{0,2}[ .\-/](?:[0-9]{6,8}|[0-9]{2,4}[ .\-][0-9]{2,4}(?:[ .\-][0-9]{2,4})?)",
        ),
        _region("BR", "", range(10, 13), r"\(?0?[1-9][0-9]\)? ?9? ?[0-9]{4}[ \-][0-9]{4}", (8, 9)),
        _region(
            "PT", "", range(9, 10),
            r"9[1236][0-9][ \-][0-9]{3}[ \-][0-9]{3}|9[1236][0-9]{7}|9[1236](?: [0-9]{2,3}){3}",
        ),
        _region("NL", "0", range(10, 11), r"\(?0[1-9][0-9]{0,2}\)?[ \-](?:[0-9]{2,8} ?){1,4}|06[1-8][0-9]{7}"),
        _region("PL", "", range(9, 10), r"[1-9][0-9]{2}[ \-][0-9]{3}[ \-][0-9]{3}|[1-9][0-9](?:[ \-][0-9]{2,3}){3}"),
        _region("RU", "8", range(11, 12), r"8[ \-]?\(?[3-9][0-9]{2}\)?[ \-]?[0-9]{3}[ \-]?[0-9]{2}[ \-]?[0-9]{2}"),
        _region("UA", "0", range(10, 11), r"\(?0[3-9][0-9]\)?[ \-]?[0-9]{3}[ \-]?[0-9]{2}[ \-]?[0-9]{2}"),
        _region("TR", "0", range(11, 12), r"0? ?\(?[2-5][0-9]{2}\)? [0-9]{3} [0-9]{2} ?[0-9]{2}|05[0-9]{9}"),
        _region("JP", "0", range(10, 12), r"\(?0[1-9][0-9]{0,3}\)?-?[0-9]{1,4}-[0-9]{4}|0[789]0[0-9]{8}"),
        _region("KR", "0", range(9, 12), r"\(?0[1-9][0-9]?\)?[ \-]?[0-9]{3,4}[ \-][0-9]{4}|010[0-9]{8}"),
        _region(
            "SA", "0", range(10, 11),
            r"05[0-9]{8}|05[0-9] ?[0-9]{3} ?[0-9]{4}|01[1-7][ \-]?[0-9]{3}[ \-]?[0-9]{4}",
        ),
        _region(
            "EG", "0", range(9, 12),
            r"01[0125][0-9]{8}|01[0125][0-9](?:[ \-][0-9]{3,4}){2}|0[2-9][0-9]?[ \-][0-9]{7,8}",
        ),
        _region("AE", "0", range(9, 11), r"05[0-9][ \-]?[0-9]{3}[ \-]?[0-9]{4}|0[2-9][ \-][0-9]{3}[ \-]?[0-9]{4}"),
        _region("IL", "0", range(9, 11), r"05[0-9]-?[0-9]{3}-?[0-9]{4}|0[2-9]-[0-9]{3}-?[0-9]{4}"),
        _region("IR", "0", range(11, 12), r"09[0-9]{9}|09[0-9]{2}[ \-][0-9]{3}[ \-][0-9]{4}"),
        _region("VN", "0", range(10, 12), r"0[235-9][0-9]{1,2}[ .]?[0-9]{3,4}[ .]?[0-9]{3,4}"),
        _region("TH", "0", range(9, 11), r"0[2-9][0-9]?[ \-]?[0-9]{3}[ \-]?[0-9]{4}"),
        _region("ID", "0", range(9, 14), r"\(?0[2-8][0-9]{1,2}\)?[ \-]?[0-9]{3,4}[ \-]?[0-9]{3,5}"),
        _region("SE", "0", range(8, 11), r"0[1-9][0-9]{0,2}[ \-][0-9]{2,3}(?: [0-9]{2,3}){1,3}"),
        _region("GR", "", range(10, 11), r"69[0-9]{8}|(?:69[0-9]|2[0-9]{2,3}) [0-9]{3} ?[0-9]{3,4}"),
        _region("CZ", "", range(9, 10), r"[2-79][0-9]{2} [0-9]{3} [0-9]{3}"),
        _region("DK", "", range(8, 9), r"[2-9][0-9](?: [0-9]{2}){3}"),
        _region("NO", "", range(8, 9), r"[2-9][0-9](?: [0-9]{2}){3}|[49][0-9]{2} [0-9]{2} [0-9]{3}"),
        _region("FI", "0", range(7, 12), r"0[1-9][0-9]{0,2}[ \-][0-9]{3,4}(?: [0-9]{2,4}){0,2}"),
        _region("RO", "0", range(10, 11), r"0[237][0-9]{2}[ .\-]?[0-9]{3}[ .\-]?[0-9]{3}"),
        _region("HU", "06", range(10, 12), r"06[ \-/]?[1-9][0-9]?[ \-/][0-9]{3}[ \-]?[0-9]{3,4}"),
    )
}  # fmt: skip
"""Countries by code: trunk digit, lengths, usual writing. The writing is libphonenumber's national format and the
common variants of ITU-T E.123; where it alone is ambiguous, it has to be grouped."""

_LANGUAGE_REGIONS: dict[str, tuple[str, ...]] = {
    "en": ("US", "GB", "IN", "AU"), "de": ("DE", "AT", "CH"), "zh": ("CN", "TW", "HK"),
    "zh-Hans": ("CN",), "zh-Hant": ("TW", "HK"),
    "fr": ("FR", "BE", "CH"),
    "es": ("ES", "MX", "AR", "CO", "CL"), "it": ("IT",), "pt": ("BR", "PT"), "nl": ("NL", "BE"), "pl": ("PL",),
    "ru": ("RU",), "uk": ("UA",), "tr": ("TR",), "ja": ("JP",), "ko": ("KR",), "ar": ("SA", "EG", "AE"), "he": ("IL",),
    "fa": ("IR",), "hi": ("IN",), "bn": ("IN",), "ta": ("IN",), "te": ("IN",), "mr": ("IN",), "vi": ("VN",),
    "th": ("TH",), "id": ("ID",), "sv": ("SE",), "el": ("GR",), "cs": ("CZ",), "da": ("DK",), "no": ("NO",),
    "nb": ("NO",), "nn": ("NO",), "fi": ("FI",), "ro": ("RO",), "hu": ("HU",),
}  # fmt: skip
"""Where most texts of a language, or of a language and its script, come from."""


@lru_cache(maxsize=512)
def regions_of(locale: str) -> tuple[Region, ...]:
    """Return the regions of a locale: its own if it names one that is known, else those of its language."""
    own = _REGIONS.get(locale.rpartition("-")[2]) if "-" in locale else None
    codes = _LANGUAGE_REGIONS.get(locale) or _LANGUAGE_REGIONS.get(language_of(locale), ())
    return (own,) if own else tuple(_REGIONS[code] for code in codes)
