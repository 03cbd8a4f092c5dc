"""A behavioural suite spelled out: each case with its inputs and what is expected of the answers. Pure.

Input: a `Suite`. Output: `Case`s in the order of the file, the same for the same suite on every machine. Each test has
at most its number of examples in a place, spread evenly over its templates; which ones, the suite's seed decides, and
no other test's contents.
"""

import hashlib
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from polyloop.evaluation.suites.perturbations import perturb
from polyloop.evaluation.suites.rules import Cases, templates_of
from polyloop.evaluation.suites.slots import Filling, fill, fillings, slots_of
from polyloop.evaluation.suites.spec import (
    DirectionCases,
    FunctionalityCases,
    Invariance,
    InvarianceCases,
    Suite,
    all_tests,
)
from polyloop.models.predict import PredictInput


@dataclass(frozen=True, kw_only=True)
class Accepts:
    """The output is one of `outputs`, or holds one of the regular expressions `patterns`."""

    outputs: tuple[str, ...]
    patterns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Stays:
    """The output after an edit is like the one before: equal, or at least `min_chrf` points of chrF alike."""

    min_chrf: float | None


@dataclass(frozen=True, kw_only=True)
class Moves:
    """The score of `label` after an edit is above the one before by `at_least`; below, where `sign` is -1."""

    label: str
    sign: int
    at_least: float


Expectation = Accepts | Stays | Moves


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing that a model is tried with; `inputs` are one text, or a text before and after an edit."""

    id: str
    """Digest of all that the case is made of, 16 hex digits."""
    test: str
    place: str
    inputs: tuple[PredictInput, ...]
    expectation: Expectation


_Made = tuple[tuple[str, ...], Expectation]


def expand(suite: Suite) -> tuple[Case, ...]:
    """Return the cases of a suite that `rules.mistakes` finds nothing wrong with."""
    made: dict[str, Case] = {}
    for _, name, test in all_tests(suite):
        limit = test.max_examples or suite.max_examples
        for place, cases in test.places.items():
            lists = suite.lists.get(place.partition(">")[0], {})
            expected = Stays(min_chrf=test.min_chrf) if isinstance(test, Invariance) else None
            seed = f"{suite.seed}/{name}/{place}"
            for texts, expectation in _spread(_by_template(cases, expected, place, lists, limit, seed), limit):
                case = _case(name, place, texts, expectation)
                made.setdefault(case.id, case)
    return tuple(made.values())


def requests(cases: Sequence[Case]) -> list[PredictInput]:
    """Return what has to be asked, each input once however many cases need it, in order."""
    return list(dict.fromkeys(one for case in cases for one in case.inputs))


def _by_template(
    cases: Cases, stays: Stays | None, place: str, lists: Mapping[str, Sequence[str]], limit: int, seed: str
) -> Iterator[Sequence[_Made]]:
    """Yield for each template the texts and expectations of its examples."""
    templates = templates_of(cases)
    share = -(-limit // len(templates))
    for number, (_, texts) in enumerate(templates):
        chance = random.Random(f"{seed}/{number}")
        found = fillings(_slots(cases, texts), lists, cases.rows, limit=share, chance=chance)
        if isinstance(cases, FunctionalityCases):
            yield [((fill(texts[0], one),), _accepts(cases, one)) for one in found]
        elif isinstance(cases, DirectionCases):
            sign = 1 if cases.change == "rise" else -1
            moves = Moves(label=cases.label, sign=sign, at_least=cases.at_least)
            yield [(tuple(fill(text, one) for text in texts), moves) for one in found]
        else:
            assert stays is not None
            yield [(pair, stays) for one in found for pair in _edited(cases, texts, one, place, lists, chance)][:share]


def _slots(cases: Cases, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the slots to fill: those of the input, and of the answers where there are any."""
    if isinstance(cases, FunctionalityCases):
        return slots_of(*texts, *cases.accept, *cases.match)
    return slots_of(*texts)


def _accepts(cases: FunctionalityCases, filling: Filling) -> Accepts:
    return Accepts(
        outputs=tuple(fill(text, filling) for text in cases.accept),
        patterns=tuple(fill(text, filling, escape=re.escape) for text in cases.match),
    )


def _edited(
    cases: InvarianceCases,
    texts: tuple[str, ...],
    filling: Filling,
    place: str,
    lists: Mapping[str, Sequence[str]],
    chance: random.Random,
) -> Iterator[tuple[str, str]]:
    """Yield texts before and after each edit that changes something."""
    before = fill(texts[0], filling)
    if cases.pairs:
        yield before, fill(texts[1], filling)
    elif cases.vary is not None:
        others = [value for value in dict.fromkeys(lists[cases.vary]) if value != filling[cases.vary]]
        yield before, fill(texts[0], {**filling, cases.vary: chance.choice(others)})
    for name in cases.perturb:
        after = perturb(name, before, place.partition(">")[0])
        if after != before:
            yield before, after


def _spread(by_template: Iterator[Sequence[_Made]], limit: int) -> list[_Made]:
    """Return at most `limit` examples, taken from the templates in turn."""
    in_turn = chain.from_iterable(zip_longest(*by_template))
    return [one for one in in_turn if one is not None][:limit]


def _case(test: str, place: str, texts: tuple[str, ...], expectation: Expectation) -> Case:
    locale, _, target_locale = place.partition(">")
    inputs = tuple(PredictInput(text=text, locale=locale, target_locale=target_locale or locale) for text in texts)
    content = repr((test, place, texts, expectation))
    digest = hashlib.sha256(content.encode()).hexdigest()[:16]
    return Case(id=digest, test=test, place=place, inputs=inputs, expectation=expectation)
