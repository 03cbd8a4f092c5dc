"""Words beside a number that say what it is, in the languages of the locales.

Input: a folded text and the place of a number. Output: whether one of the words stands near it. Pure. A word in Latin
letters must begin at a word's beginning; a short one (up to four letters) must be a word of its own, since `pan` is
also in `company`. Limits: nearness is all that is looked at, not grammar.
"""

import re
from dataclasses import dataclass

CHARACTERS_BEFORE = 40
"""How far before a number a word may stand: some five words, as in "my passport number is still"."""

CHARACTERS_AFTER = 16
"""How far after it a word may begin and end; few languages put the word there."""

_SHORT_WORD = 4
_SPACED = re.compile(r"[0-9A-Z]+(?: [0-9A-Z]+)+")
_DIGIT_AND_SPACE = re.compile(r"[0-9] \Z")
_SPACE_AND_DIGIT = re.compile(" [0-9]")
_LATIN = "A-Za-zÀ-ɏ"
_LATIN_START = re.compile(f"[{_LATIN}]")

_OTHER_NUMBERS = (
    *(
        "isbn",
        "issn",
        "doi",
        "sku",
        "ean",
        "asin",
        "arxiv",
        "imei",
        "order",
        "invoice",
        "ticket",
        "tracking",
        "booking",
    ),
    *("reservation", "flight", "serial number", "serial no", "part number", "item number", "product number", "model"),
    *("receipt", "case no", "case number", "version", "build", "reference", "ref", "bug", "issue", "article no"),
    *("bestellung", "bestellnummer", "bestell-nr", "auftrag", "rechnung", "sendung", "artikelnummer", "artikel-nr"),
    *("seriennummer", "aktenzeichen", "buchung", "vorgang", "aktion", "modell", "lieferung", "commande", "facture"),
    *("colis", "référence", "réf", "numéro de série", "numéro de suivi", "dossier", "pedido", "factura", "referencia"),
    *(
        "número de serie",
        "seguimiento",
        "albarán",
        "reserva",
        "ordine",
        "fattura",
        "prenotazione",
        "spedizione",
        "codice",
    ),
    *("encomenda", "fatura", "rastreamento", "zamówienie", "faktura", "bestelling", "factuur", "заказ", "счёт", "счет"),
    *(
        "артикул",
        "订单",
        "訂單",
        "单号",
        "單號",
        "编号",
        "編號",
        "序列号",
        "序號",
        "流水号",
        "快递",
        "运单",
        "货号",
        "发票号",
    ),
    *("合同号", "型号", "qq", "注文番号", "伝票番号", "주문번호", "송장번호", "ऑर्डर", "طلب رقم", "رقم الطلب"),
)


@dataclass(frozen=True)
class Words:
    """Words and phrases that say what a number is."""

    stems: tuple[str, ...]
    """What they begin with, in small letters; a text without any of these has none of the words."""
    pattern: re.Pattern[str]
    """Finds any of them in a text in small letters."""

    def may_be_in(self, text: str) -> bool:
        """Return False, quickly, for most texts that have none of the words."""
        small = text.lower()
        return any(stem in small for stem in self.stems)

    def is_in(self, text: str, start: int, end: int) -> bool:
        """Return whether a part of a text has one of the words."""
        margin = min(start, 1)  # so that the part's first word is seen to begin there
        return self.pattern.search(text[start - margin : end].lower(), margin) is not None


def words(*alternatives: str) -> Words:
    """Return words, in small letters; a string may hold several, separated by |."""
    every = "|".join(alternatives).split("|")
    latin = "|".join(_latin_word(word) for word in every if _LATIN_START.match(word))
    others = "|".join(re.escape(word) for word in every if not _LATIN_START.match(word))
    parts = [f"(?<![{_LATIN}])(?:{latin})"] if latin else []
    return Words(
        stems=tuple(sorted({re.split("[ -]", word)[0] for word in every})),
        pattern=re.compile("|".join([*parts, *([others] if others else [])])),
    )


def is_near(text: str, start: int, end: int, known: Words) -> bool:
    """Return whether one of some words stands shortly before or after a place."""
    if known.is_in(text, max(0, start - CHARACTERS_BEFORE), start):
        return True
    return known.is_in(text, end, end + CHARACTERS_AFTER)


def is_labelled_otherwise(text: str, start: int) -> bool:
    """Return whether the words right before a number say that it is that of an order, a book, a product ..."""
    before = text[max(0, start - CHARACTERS_BEFORE) : start].lower()
    return _OTHER_LABEL.search(before) is not None


def is_part_of_groups(text: str, start: int, end: int) -> bool:
    """Return whether a number written in groups goes on, on either side, with a space and more digits."""
    if not _SPACED.fullmatch(text, start, end):
        return False
    return _DIGIT_AND_SPACE.search(text, max(0, start - 2), start) is not None or (
        _SPACE_AND_DIGIT.match(text, end) is not None
    )


def _latin_word(word: str) -> str:
    """Return the pattern of a word in Latin letters; a space in it may be a dash or missing."""
    body = re.escape(word).replace(r"\ ", r"[ \-]?").replace(r"\-", "-")
    return body + (f"(?![{_LATIN}])" if len(word) <= _SHORT_WORD else "")


_OTHER_LABEL = re.compile(
    f"(?:{words(*_OTHER_NUMBERS).pattern.pattern})[^\\W\\d]{{0,8}}"
    r"(?:[ .:：#=(°º\-]|n(?:o|r|um|umber|ummer|uméro|úmero|umero)?[.°º]?|为|是|号|码|：|№|°|is|ist|est|es|è|é){0,16}\Z"
)
"""A label, the rest of its word, and at most a few signs or a small word between it and the number."""
