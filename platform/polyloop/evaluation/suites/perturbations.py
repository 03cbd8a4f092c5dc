"""The perturbations by name, which of them fit a locale, and their seeded use. Pure.

Input: a name, a text, its locale and a seed. Output: the perturbed text, the same on every machine and in any order of
calls, since chance depends on the seed, the name and the text alone. Scripts without spaces get no typing errors of
keyboards: what their input methods get wrong are homophones, which need a dictionary; there, characters are dropped and
doubled instead.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from polyloop.errors import EvaluationError
from polyloop.evaluation.suites import edits
from polyloop.evaluation.suites.scripts import CASED, CHINESE, UNKNOWN, UNSPACED, WIDE, script_of


@dataclass(frozen=True, kw_only=True)
class Perturbation:
    """An edit and the locales that it fits."""

    edit: edits.Edit
    fits: Callable[[str], bool]


def _in_scripts(*scripts: str) -> Callable[[str], bool]:
    return lambda locale: script_of(locale) in scripts


def _is_spaced(locale: str) -> bool:
    return script_of(locale) not in {*UNSPACED, UNKNOWN}


def _everywhere(locale: str) -> bool:
    return True


def _is_german(locale: str) -> bool:
    return locale.partition("-")[0] in {"de", "gsw", "lb", "nds"}


PERTURBATIONS: dict[str, Perturbation] = {
    "typo": Perturbation(edit=edits.typo, fits=_in_scripts("Latn")),
    "transposition": Perturbation(edit=edits.transposition, fits=_is_spaced),
    "dropped_letter": Perturbation(edit=edits.dropped_letter, fits=_is_spaced),
    "dropped_character": Perturbation(edit=edits.dropped_character, fits=_in_scripts(*UNSPACED)),
    "doubled_character": Perturbation(edit=edits.doubled_character, fits=_in_scripts(*UNSPACED)),
    "upper_case": Perturbation(edit=edits.upper_case, fits=_in_scripts(*CASED)),
    "lower_case": Perturbation(edit=edits.lower_case, fits=_in_scripts(*CASED)),
    "dropped_accents": Perturbation(edit=edits.dropped_accents, fits=_in_scripts("Latn", "Grek")),
    "spelled_umlauts": Perturbation(edit=edits.spelled_umlauts, fits=_is_german),
    "full_width": Perturbation(edit=edits.full_width, fits=_in_scripts(*WIDE)),
    "half_width": Perturbation(edit=edits.half_width, fits=_in_scripts(*WIDE)),
    "other_han_script": Perturbation(edit=edits.other_han_script, fits=_in_scripts(*CHINESE)),
    "dropped_punctuation": Perturbation(edit=edits.dropped_punctuation, fits=_everywhere),
    "spaces": Perturbation(edit=edits.spaces, fits=_everywhere),
}


def perturbations_of(locale: str) -> tuple[str, ...]:
    """Return the names of the perturbations that fit a locale."""
    return tuple(name for name, one in PERTURBATIONS.items() if one.fits(locale))


def perturb(name: str, text: str, locale: str, *, seed: int = 17) -> str:
    """Return the text perturbed, or as it is where there is nothing to perturb in it.

    Raises EvaluationError for a name that is unknown or does not fit the locale.
    """
    if name not in perturbations_of(locale):
        raise EvaluationError(
            f"the perturbation {name!r} does not exist for {locale!r}; use one of {', '.join(perturbations_of(locale))}"
        )
    chance = random.Random(f"{seed}/{name}/{text}")
    edited = PERTURBATIONS[name].edit(text, locale, chance)
    return edited if edited.strip() else text
