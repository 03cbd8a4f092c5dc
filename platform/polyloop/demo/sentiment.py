"""Opinions in English, German and simplified Chinese for the demo's sentiment task, from phrases written for it.

Input: a random generator and a locale. Output: `Sentence` objects whose target is positive, negative or neutral.
Limits: the label of a contrast is that of its last clause; the phrases are in phrases/sentiment-LOCALE.toml.
"""

import random
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from polyloop.demo.localise import Sentence

LOCALES = ("en", "de", "zh-Hans")
LABELS = ("positive", "negative", "neutral")
PATTERNS = ("plain", "intensified", "contrast", "advice", "negation", "idiom")
LACKING_PATTERNS = frozenset({"negation", "idiom"})
"""Patterns that version 1 never sees."""

# Shares of the patterns in traffic and holdout.
_SHARES = {"plain": 16, "intensified": 12, "contrast": 18, "advice": 10, "negation": 22, "idiom": 22}


def draw_sentence(rng: random.Random, locale: str) -> Sentence:
    """Return one opinion, of any pattern, from the distribution that traffic and holdout share."""
    pattern = rng.choices(PATTERNS, weights=[_SHARES[pattern] for pattern in PATTERNS])[0]
    return draw_of_pattern(rng, locale, pattern)


def draw_of_pattern(rng: random.Random, locale: str, pattern: str) -> Sentence:
    """Return one opinion of `pattern`."""
    words = phrases(locale)
    label = rng.choice([name for name in LABELS if pattern != "intensified" or words[name]["gradable"]])
    return Sentence(
        task="sentiment",
        locale=locale,
        input=_render(rng, words, label, pattern),
        targets={locale: label},
        pattern=pattern,
        lacking=pattern in LACKING_PATTERNS,
    )


@cache
def phrases(locale: str) -> Mapping[str, Any]:
    """Return the phrase lists of `locale`: subjects, carriers, clauses, and the opinions of each label."""
    name = f"phrases/sentiment-{locale}.toml"
    return tomllib.loads(resources.files("polyloop.demo").joinpath(name).read_text(encoding="utf-8"))


def _render(rng: random.Random, words: Mapping[str, Any], label: str, pattern: str) -> str:
    subject = rng.choice(words["subjects"])
    if pattern == "advice":
        return _fill(rng.choice(words[label]["advice"]), subject=subject)
    if pattern == "idiom":
        return _fill(rng.choice(words["clauses"]["idiom"]), subject=subject, idiom=rng.choice(words[label]["idioms"]))
    if pattern == "contrast":
        clause = _contrast(rng, words, label)
    elif pattern == "negation":
        opinion = _fill(
            rng.choice(words[label]["negation"]),
            positive=rng.choice(words["positive"]["gradable"]),
            negative=rng.choice(words["negative"]["gradable"]),
        )
        clause = words["clauses"]["plain"].format(subject=subject, opinion=opinion)
    elif pattern == "intensified":
        clause = words["clauses"]["intensified"].format(
            subject=subject,
            intensifier=rng.choice(words["intensifiers"]),
            opinion=rng.choice(words[label]["gradable"]),
        )
    else:
        clause = words["clauses"]["plain"].format(subject=subject, opinion=_opinion(rng, words, label))
    return _fill(rng.choice(words["carriers"]), clause=clause)


def _contrast(rng: random.Random, words: Mapping[str, Any], label: str) -> str:
    first, second = rng.sample(words["subjects"], 2)
    other = rng.choice([name for name in LABELS if name != label])
    return _fill(
        rng.choice(words["clauses"]["contrast"]),
        first=first,
        second=second,
        before=_opinion(rng, words, other),
        after=_opinion(rng, words, label),
    )


def _opinion(rng: random.Random, words: Mapping[str, Any], label: str) -> str:
    gradable = [words["plain_degree"] + word for word in words[label]["gradable"]]
    return str(rng.choice(gradable + words[label]["phrases"]))


def _fill(template: str, **slots: str) -> str:
    """Fill {name} with the slot as it is and {Name} with its first letter in upper case."""
    capitals = {name.capitalize(): text[:1].upper() + text[1:] for name, text in slots.items()}
    return template.format(**slots, **capitals)
