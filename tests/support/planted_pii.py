"""Makes personal data that looks real, and things that look like it, for tests that plant them in texts.

Input: a random generator. Output: strings with the part that is personal. The check digits are worked out here, from
the published rules, and share no code with the finders that are tested.
"""

import random
import string
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

LETTERS = string.ascii_uppercase


class Planted(NamedTuple):
    """Words to plant; `secret` is the part of them that is to be found as `kind`, empty if nothing is."""

    words: str
    secret: str
    kind: str


Maker = Callable[[random.Random], str]


def digits(rng: random.Random, count: int, first: str = "0123456789") -> str:
    """Return random digits; the first is one of `first`."""
    return rng.choice(first) + "".join(rng.choice("0123456789") for _ in range(count - 1))


def grouped(text: str, sizes: tuple[int, ...], gap: str) -> str:
    """Return a text cut into groups."""
    parts, position = [], 0
    for size in sizes:
        parts.append(text[position : position + size])
        position += size
    return gap.join(part for part in (*parts, text[position:]) if part)


def shaped(rng: random.Random, shape: str) -> str:
    """Return a text of a shape: # a digit, % a digit but 0 and 1, @ a capital letter, others as they are."""
    makers = {"#": "0123456789", "%": "23456789", "@": LETTERS}
    return "".join(rng.choice(makers[sign]) if sign in makers else sign for sign in shape)


def luhn_digit(body: str) -> str:
    total = 0
    for place, sign in enumerate(reversed(body)):
        value = int(sign) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return str(-total % 10)


CARD_PREFIXES = (("4", 16), ("51", 16), ("55", 16), ("37", 15), ("6011", 16), ("3530", 16), ("622202", 19))


def card(rng: random.Random) -> str:
    prefix, length = rng.choice(CARD_PREFIXES)
    body = prefix + digits(rng, length - len(prefix) - 1)
    number = body + luhn_digit(body)
    sizes = (4, 6, 5) if length == 15 else (4, 4, 4, 4)
    return rng.choice([number, grouped(number, sizes, " "), grouped(number, sizes, "-")])


def iban_check(country: str, bban: str) -> str:
    as_digits = "".join(str(int(sign, 36)) for sign in f"{bban}{country}00")
    return f"{98 - int(as_digits) % 97:02d}"


BBAN_SHAPES = {
    "DE": "#" * 18,
    "ES": "#" * 20,
    "FR": "#" * 10 + "@" + "#" * 12,
    "GB": "@@@@" + "#" * 14,
    "NL": "@@@@" + "#" * 10,
}
"""Countries and the forms of their account numbers."""


def iban(rng: random.Random) -> str:
    country = rng.choice(sorted(BBAN_SHAPES))
    bban = shaped(rng, BBAN_SHAPES[country])
    number = country + iban_check(country, bban) + bban
    return rng.choice([number, grouped(number, (4,) * 8, " ")])


def email(rng: random.Random) -> str:
    names = ["anna", "j.smith", "li_wei", "mueller", "carlos.garcia", "x99", "sophie-martin", "o.brien+news", "José"]
    hosts = ["gmail.com", "example.co.uk", "firma-online.de", "qq.com", "mail.uni-koeln.de", "correo.es", "orange.fr"]
    return f"{rng.choice(names)}{rng.choice(['', digits(rng, 2)])}@{rng.choice(hosts)}"


def ip(rng: random.Random) -> str:
    parts = [f"{rng.randrange(16, 65536):x}" for _ in range(7)]
    four = [rng.choice([81, 93, 141, 172, 192, 203]), rng.randrange(256), rng.randrange(256), rng.randrange(1, 255)]
    long, short = f"2a02:{':'.join(parts)}", f"2001:db8::{parts[0]}:{parts[1]}"
    return rng.choice([long, short, *[".".join(map(str, four))] * 4])


def resident_number(rng: random.Random) -> str:
    """Return a Chinese resident identity number (GB 11643-1999, check digit by ISO 7064 mod 11-2)."""
    region = rng.choice(["110105", "310104", "440106", "510107", "330106", "420106", "320102"])
    body = f"{region}{rng.randrange(1950, 2005)}{rng.randrange(1, 13):02d}{rng.randrange(1, 29):02d}{digits(rng, 3)}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(weight * int(sign) for weight, sign in zip(weights, body, strict=True)) % 11]


def social_security(rng: random.Random) -> str:
    area = rng.choice([number for number in range(100, 773) if number != 666])
    return f"{area}-{rng.randrange(10, 99)}-{rng.randrange(1000, 9999)}"


def insurance_number(rng: random.Random) -> str:
    number = rng.choice(["AB", "CE", "JK", "PW", "SR"]) + digits(rng, 6) + rng.choice("ABCD")
    return rng.choice([number, grouped(number, (2, 2, 2, 2, 1), " ")])


def spanish_identity(rng: random.Random) -> str:
    if rng.random() < 0.5:
        body = digits(rng, 8, "123456789")
        letter = "TRWAGMYFPDXBNJZSQVHLCKE"[int(body) % 23]
        return rng.choice([body + letter, f"{body}-{letter}", f"{int(body):,}".replace(",", ".") + f"-{letter}"])
    first, body = rng.choice("XYZ"), digits(rng, 7)
    letter = "TRWAGMYFPDXBNJZSQVHLCKE"[int(f"{'XYZ'.index(first)}{body}") % 23]
    return rng.choice([first + body + letter, f"{first}-{body}-{letter}"])


def french_insurance(rng: random.Random) -> str:
    born = f"{rng.randrange(100):02d}{rng.randrange(1, 13):02d}"
    body = rng.choice("12") + born + rng.choice(["13", "33", "59", "69", "75"]) + digits(rng, 6)
    number = body + f"{97 - int(body) % 97:02d}"
    return rng.choice([number, grouped(number, (1, 2, 2, 2, 3, 3, 2), " ")])


def french_tax(rng: random.Random) -> str:
    body = rng.choice("0123") + digits(rng, 9)
    number = body + f"{int(body) % 511:03d}"
    return rng.choice([number, grouped(number, (2, 2, 3, 3, 3), " ")])


def german_tax(rng: random.Random) -> str:
    """Return a German tax number (IdNr): one digit twice, one missing, check digit by ISO 7064 mod 11,10."""
    kept = rng.sample("0123456789", 9)
    body = [*kept, rng.choice(kept)]
    while body[0] == "0" or any(left == right for left, right in pairwise(body)):
        rng.shuffle(body)
    product = 10
    for sign in body:
        total = (int(sign) + product) % 10 or 10
        product = total * 2 % 11
    number = "".join(body) + str((11 - product) % 10)
    return rng.choice([number, grouped(number, (2, 3, 3, 3), " ")])


def swiss_insurance(rng: random.Random) -> str:
    body = "756" + digits(rng, 9)
    check = -sum(int(sign) * (3 if place % 2 else 1) for place, sign in enumerate(body)) % 10
    return grouped(f"{body}{check}", (3, 4, 4, 2), ".")


def brazilian_identity(rng: random.Random) -> str:
    body = digits(rng, 9)
    for _ in range(2):
        rest = -sum(weight * int(sign) for weight, sign in zip(range(len(body) + 1, 1, -1), body, strict=True)) % 11
        body += str(rest % 10)
    return f"{body[:3]}.{body[3:6]}.{body[6:9]}-{body[9:]}"


def portuguese_tax(rng: random.Random) -> str:
    body = digits(rng, 8, "12")
    check = -sum(weight * int(sign) for weight, sign in zip(range(9, 1, -1), body, strict=True)) % 11 % 10
    return rng.choice([f"{body}{check}", grouped(f"{body}{check}", (3, 3, 3), " ")])


def url(rng: random.Random) -> tuple[str, str]:
    """Return a URL and the secret in it."""
    secret = "".join(rng.choice(string.ascii_letters + string.digits) for _ in range(rng.randrange(20, 40))) + "7a1B2"
    return rng.choice(
        [
            (f"https://api.shop.com/v1/me?access_token={secret}&page=2", secret),
            (f"https://example.org/reset?user=4&token={secret}", secret),
            (f"http://files.example.net/a.pdf?Expires=17&Signature={secret}", secret),
            (f"https://maps.example.com/js?key={secret}&v=3", secret),
            (f"https://bob:{secret[:9]}@git.example.com/repo.git", f"bob:{secret[:9]}"),
            (f"www.example.fr/session;jsessionid={secret}", secret),
        ]
    )


def isbn(rng: random.Random) -> str:
    body = "978" + rng.choice(["0", "1", "3", "7"]) + digits(rng, 8)
    check = -sum(int(sign) * (3 if place % 2 else 1) for place, sign in enumerate(body)) % 10
    return f"{body[:3]}-{body[3]}-{body[4:8]}-{body[8:12]}-{check}"


def spoilt(make: Maker) -> Maker:
    """Return a maker of the same with its last digit but one changed, which every check must notice."""

    def spoil(rng: random.Random) -> str:
        text = make(rng)
        places = [place for place, sign in enumerate(text) if sign.isdigit()]
        place = places[-2]
        return text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :]

    return spoil
