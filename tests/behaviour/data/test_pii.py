"""Personal data planted in real texts is found, and nothing else is.

Each row is a real text of a public dataset with one thing planted. Rows whose text already has an address with an @ or
seven digits close together are left out by a rule of the test's own, so that whatever else is found is a mistake.
"""

import gzip
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support import planted_pii as make
from tests.support.planted_pii import Maker, Planted, shaped

from polyloop.data.pii.base import Span
from polyloop.data.pii.finders import find_personal

ROWS_EACH = 60
"""Rows for each kind and locale, and for each kind of thing that only looks like it."""

MIN_RECALL = 0.98
MIN_PRECISION = 0.95

_MAY_BE_PERSONAL = re.compile(r"\S@\S+\.\S|(?:\d[\s().\-/]*){7}")


def _shape(*shapes: str) -> Maker:
    return lambda rng: shaped(rng, rng.choice(shapes))


PHONES: dict[str, tuple[list[str], Maker]] = {
    "en": (
        ["call me at {}", "{}", "my number is {}"],
        _shape("(212) 9##-####", "415-9##-####", "713.9##.####", "+1 312 9## ####", "1-617-9##-####", "020 7946 0###"),
    ),
    "de": (
        ["ruf mich an: {}", "{}", "Tel. {}"],
        _shape(
            "030 / 9######", "+49 (0)30 9######", "0151 2#######", "089/9######", "+49 171 9######", "(0221) 99####"
        ),
    ),
    "zh-Hans": (
        ["电话{}", "{}", "手机号是{}"],
        _shape("138########", "159 #### ####", "186-####-####", "010-8#######", "+86 139########", "(021)6#######"),
    ),
    "fr": (
        ["appelez le {}", "{}", "mon numéro : {}"],
        _shape("06 1# ## ## ##", "01.4#.##.##.##", "076#######", "+33 6 2# ## ## ##", "01 4# ## ## ##"),
    ),
    "es": (
        ["llámame al {}", "{}", "mi móvil: {}"],
        _shape("612 ## ## ##", "655######", "+34 91 4## ## ##", "677 ### 9##", "91 4## ## ##"),
    ),
    "pt": (
        ["ligue para {}", "{}", "telefone: {}"],
        _shape("(11) 9999#-####", "(21) 3###-####", "+55 11 9999#-####", "+351 912 ### ###"),
    ),
    "ar": (
        ["اتصل على {}", "رقم الجوال {}"],
        _shape("٠٥٠٩٩٩####", "050########"[:10], "+96650#######", "+20 100 ### ####"),
    ),
}

NATIONAL_IDS: dict[str, list[tuple[list[str], Maker]]] = {
    "en": [
        (["{}", "my SSN is {}"], make.social_security),
        (["SSN: {}", "social security number {}"], lambda rng: make.social_security(rng).replace("-", "")),
        (["NI number {}", "{}"], make.insurance_number),
    ],
    "de": [
        (["Personalausweisnummer {}"], _shape("L##X##T##", "T22######")),
        (["{}", "AHV-Nummer {}"], make.swiss_insurance),
        (["Sozialversicherungsnummer {}"], _shape("65 17088# J 00#", "1208127#@###")),
    ],
    "zh-Hans": [(["身份证号{}", "{}", "身份证号码是：{}"], make.resident_number)],
    "fr": [(["{}", "numéro de sécu : {}"], make.french_insurance)],
    "es": [(["{}", "DNI {}", "mi NIE es {}"], make.spanish_identity)],
    "pt": [(["{}", "CPF: {}"], make.brazilian_identity)],
    "ar": [],
}

TAX_IDS: dict[str, list[tuple[list[str], Maker]]] = {
    "en": [(["ITIN {}", "my taxpayer number is {}"], _shape("912-70-####", "955-88-####"))],
    "de": [
        (["{}", "Steuer-ID: {}"], make.german_tax),
        (["Steuernummer {}", "{}"], _shape("181/815/#####", "21/815/#####")),
    ],
    "fr": [(["numéro fiscal {}", "mon n° fiscal : {}"], make.french_tax)],
    "pt": [(["NIF {}", "contribuinte n.º {}"], make.portuguese_tax)],
}

PASSPORTS: dict[str, tuple[list[str], Maker]] = {
    "en": (["passport number {}", "my passport no. is {}"], _shape("5########", "C########")),
    "de": (["Reisepass Nr. {}", "Passnummer: {}"], _shape("C01X00T47", "CH#K##T##")),
    "zh-Hans": (["护照号{}", "护照号码为{}"], _shape("E########", "EA#######", "G########")),
    "fr": (["passeport n° {}", "mon passeport est le {}"], _shape("##@@#####")),
    "es": (["pasaporte {}", "mi pasaporte es el {}"], _shape("@@@######")),
    "pt": (["passaporte {}", "número do passaporte: {}"], _shape("@@######")),
    "ar": (["جواز السفر رقم {}"], _shape("@########")),
}

PLATES: dict[str, tuple[list[str], Maker]] = {
    "en": (["licence plate {}", "registration {}"], _shape("AB## CDE", "KX## LMN", "7ABC###", "ABC-####")),
    "de": (["Kennzeichen {}", "das Nummernschild {}"], _shape("M-AB 9##", "B-CD 9###", "HH-X 9###E")),
    "zh-Hans": (["车牌{}", "{}"], _shape("京A·F####", "粤B#####", "沪AD#####", "川A#K#P#")),
    "fr": (["plaque {}", "{}"], _shape("AB-###-CD", "FG-###-ZX")),
    "es": (["matrícula {}", "la matrícula es {}"], _shape("#### BCD", "####-LMN", "####FGH")),
    "pt": (["placa {}", "a matrícula {}"], _shape("ABC-####", "BRA#C##", "AA-##-BB")),
}

LOOKALIKES: dict[str, list[str]] = {
    "en": ["order number {order}", "it cost ${price}", "version {version}", "flight at {time}", "invoice #{order}"],
    "de": [
        "Bestellnummer {order}",
        "es kostet {price} Euro",
        "Version {version}",
        "um {time} Uhr",
        "Rechnung Nr. {order}",
    ],
    "zh-Hans": ["订单号{order}", "价格{price}元", "版本{version}", "时间{time}", "快递单号：{order}"],
    "fr": ["commande n° {order}", "{price} euros", "version {version}", "à {time}", "facture {order}"],
    "es": ["pedido {order}", "{price} euros", "versión {version}", "a las {time}", "factura n.º {order}"],
    "pt": ["pedido {order}", "R$ {price}", "versão {version}", "às {time}", "fatura {order}"],
    "ar": ["رقم الطلب {order}", "السعر {price}", "{time}", "{date}"],
}
"""Besides these, every locale has the things that `_everywhere` makes."""


def _everywhere(rng: random.Random, locale: str) -> str:
    """Return something that looks personal in any language, and is not."""
    broken: list[Maker] = [make.card, make.iban, *(maker for _, maker in _checked_ids(locale))]
    makers: list[Maker] = [
        lambda rng: f"ISBN {make.isbn(rng)}",
        make.isbn,
        _shape(
            "####-0#-1# 1#:##:##",
            "1#.0#.199#",
            "1%%#-201#",
            "3.1415%###",
            "%.###.###,##",
            "%,###,###.##",
            "##:##-##:##",
        ),
        _shape("%# ### 000", "%%##-%%##", "0.%########", "@#-###", "2-1, 3-0, 4-4", "201#1#0#", "v%.#.#.#"),
        *(make.spoilt(maker) for maker in broken),
    ]
    return rng.choice(makers)(rng)


def _checked_ids(locale: str) -> list[tuple[list[str], Maker]]:
    """Return the numbers of a locale that have a check digit, so that a spoilt one is not personal."""
    without = {make.social_security, make.insurance_number}
    found = [entry for entry in NATIONAL_IDS[locale] + TAX_IDS.get(locale, []) if "{}" in entry[0]]
    return [entry for entry in found if entry[1] not in without and "_shape" not in entry[1].__qualname__]


def _lookalike(rng: random.Random, locale: str) -> Planted:
    template = rng.choice([*LOOKALIKES[locale], *["{any}"] * 5])
    words = template.format(
        order=shaped(rng, rng.choice(["#########", "4###############", "0#########", "13#########", "%###-####-###"])),
        price=shaped(rng, rng.choice(["%###.##", "%,###,###", "%##", "%#.##"])),
        version=shaped(rng, rng.choice(["%.#.#.#", "1#.0.%%##.%##", "10.0.%.1#"])),
        time=shaped(rng, rng.choice(["1#:3#", "1#.3#", "1#:3#:0#"])),
        date=shaped(rng, rng.choice(["1#/0#/201#", "201#-0#-1#"])),
        any=_everywhere(rng, locale) if "{any}" in template else "",
    )
    return Planted(words, "", "")


def _planted(rng: random.Random, kind: str, locale: str) -> Planted | None:
    """Return something personal of a kind, with words of the locale around it; None if the locale has no such kind."""
    if kind == "url_token":
        words, secret = make.url(rng)
        return Planted(words, secret, kind)
    anywhere: dict[str, Maker] = {"email": make.email, "iban": make.iban, "card": make.card, "ip": make.ip}
    by_locale = {"phone": PHONES, "passport": PASSPORTS, "licence_plate": PLATES}
    if kind in anywhere:
        entries = [(["{}"], anywhere[kind])]
    elif kind in by_locale:
        entries = [by_locale[kind][locale]] if locale in by_locale[kind] else []
    else:
        entries = {"national_id": NATIONAL_IDS, "tax_id": TAX_IDS}[kind].get(locale, [])
    if not entries:
        return None
    templates, maker = rng.choice(entries)
    secret = maker(rng)
    return Planted(rng.choice(templates).format(secret), secret, kind)


KINDS = ("email", "phone", "iban", "card", "ip", "url_token", "national_id", "tax_id", "passport", "licence_plate")


def _tsv(path: Path, column: str, wanted: Callable[[dict[str, str]], bool] = lambda row: True) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        header = next(lines).rstrip("\n").split("\t")
        for line in lines:
            row = dict(zip(header, line.rstrip("\n").split("\t"), strict=False))
            if wanted(row):
                yield row[column]


def _dialogues(folder: Path, language: str) -> Iterator[str]:
    with gzip.open(folder / "dlg_xdailydialog" / "test.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield from json.loads(line)[language][:3]


def _real_texts(folder: Path, locale: str) -> Iterator[str]:
    language = {"zh-Hans": "zh"}.get(locale, locale)
    name = {"en": "english", "de": "german", "fr": "french", "es": "spanish", "pt": "portuguese", "ar": "arabic"}.get(
        locale
    )
    if name:
        yield from _tsv(folder / "cls_umsab_sentiment" / "train.tsv.gz", "text", lambda row: row["lang"] == name)
    if language in ("en", "de"):
        yield from _tsv(folder / "mt_multi30k" / "test_2016_flickr.tsv.gz", language)
    if language in ("en", "de", "zh"):
        yield from _dialogues(folder, language)
    if language == "zh":
        yield from _tsv(folder / "cls_thucnews_titles" / "dev.tsv.gz", "text")
    yield from _tsv(folder / "dq_lingua_langid" / "sentences.tsv.gz", "text", lambda row: row["lang"] == language)


def _plant(rng: random.Random, text: str, planted: Planted, locale: str) -> tuple[str, set[Span]]:
    """Return a text with something planted at its beginning, end, or between two words, and what is to be found."""
    gap = "" if locale.startswith("zh") and not planted.words[0].isascii() and rng.random() < 0.5 else " "
    spaces = [place for place, sign in enumerate(text) if sign == " "]
    place = rng.choice([0, len(text), *(rng.choices(spaces, k=2) if spaces else [])])
    before, after = text[:place].rstrip(), text[place:].lstrip()
    head = f"{before}{gap}" if before else ""
    row = f"{head}{planted.words}{rng.choice([' ', ', ', '. ']) if gap else '，'}{after}"
    start = len(head) + planted.words.find(planted.secret)
    return row, {Span(start, start + len(planted.secret), planted.kind)} if planted.secret else set()


def _rows(folder: Path, locale: str) -> Iterator[tuple[str, set[Span]]]:
    rng = random.Random(f"planted in {locale}")
    texts = [text for text in _real_texts(folder, locale) if text.strip() and not _MAY_BE_PERSONAL.search(text)]
    rng.shuffle(texts)
    source = iter(texts)
    for kind in KINDS:
        for _ in range(ROWS_EACH):
            planted = _planted(rng, kind, locale)
            if planted is not None:
                yield _plant(rng, next(source), planted, locale)
    for _ in range(10 * ROWS_EACH):
        yield _plant(rng, next(source), _lookalike(rng, locale), locale)
    yield from ((text, set()) for text in source)


@pytest.mark.datasets
@pytest.mark.parametrize("locale", ["en", "de", "zh-Hans", "fr", "es", "pt", "ar"])
def test_planted_personal_data_is_found_and_nothing_else(datasets_dir: Path, locale: str) -> None:
    missed: list[str] = []
    wrong: list[str] = []
    right: Counter[str] = Counter()
    for text, truth in _rows(datasets_dir, locale):
        found = set(find_personal(text, locale))
        right.update(span.kind for span in found & truth)
        missed += [f"{span.kind}: {text}" for span in truth - found]
        wrong += [f"{span.kind} {text[span.start : span.end]!r}: {text}" for span in found - truth]
    recall = right.total() / (right.total() + len(missed))
    precision = right.total() / (right.total() + len(wrong))
    print(f"{locale}: {right.total() + len(missed)} planted, recall {recall:.4f}, precision {precision:.4f}")
    assert recall >= MIN_RECALL, "\n".join(missed)
    assert precision >= MIN_PRECISION, "\n".join(wrong)
