"""Checks that texts are in the language that their row says, and relabels or drops those that are not.

Input: the texts and locales of a row. Output: a note `language:<tag>` of what the input is in, new locales where that
is asked for, and the reason `wrong_language`. A text that is short, or could be in several languages, is believed to be
in the one that the row says, and noted as `language:und`. What is told apart, and how well: `polyloop.data.language`.
"""

import re
from dataclasses import dataclass
from typing import ClassVar, Literal

from polyloop.data.language import detect, matches
from polyloop.data.steps.base import INPUT, TARGET, Draft, Side, Step
from polyloop.spec.fields import UNDETERMINED

WRONG_LANGUAGE = "wrong_language"

DENSE_CHARACTER_WEIGHT = 3
"""How many characters one of Chinese, Japanese or Korean counts as."""

_DENSE = re.compile(
    "[\u1100-\u11ff\u3041-\u30ff\u3131-\u318e\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff"
    "\uff66-\uff9d\U00020000-\U000323af]"
)


@dataclass(frozen=True)
class CheckLanguage(Step):
    """Looks at the language of each text: counts it only (`keep`), or drops or relabels rows that say another."""

    action: Literal["keep", "drop", "relabel"]
    min_characters: int
    locales: tuple[str, ...]
    """Locales that a row may be given."""

    name: ClassVar[str] = "language"
    reads: ClassVar[frozenset[str]] = frozenset({"input", "target", "locale", "target_locale"})
    writes: ClassVar[frozenset[str]] = frozenset({"locale", "target_locale"})
    reasons: ClassVar[tuple[str, ...]] = (WRONG_LANGUAGE,)

    def apply(self, draft: Draft) -> str | None:
        """Note the input's language; drop or relabel the row if one of its texts is in another than the row says."""
        found = self._found(draft.input)
        draft.note(f"language:{found}")
        if self.action == "keep":
            return None
        target = UNDETERMINED if draft.has_label else self._found(draft.target)
        follows = target == UNDETERMINED and draft.target_locale == draft.locale
        if not (self._settle(draft, INPUT, found) and self._settle(draft, TARGET, target)):
            return WRONG_LANGUAGE
        if follows:
            draft.target_locale = draft.locale
        return None

    def _settle(self, draft: Draft, side: Side, found: str) -> bool:
        """Relabel one side if that is needed and asked for; return False if it cannot stay."""
        declared = getattr(draft, side.locale)
        if found == UNDETERMINED or matches(found, declared):
            return True
        locale = self._locale_of(found) if self.action == "relabel" else None
        if locale is None:
            return False
        setattr(draft, side.locale, locale)
        draft.note("language:relabelled")
        return True

    def _locale_of(self, found: str) -> str | None:
        if found in self.locales:
            return found
        return next((locale for locale in self.locales if matches(found, locale)), None)

    def _found(self, text: str) -> str:
        return detect(text) if self._is_long(text) else UNDETERMINED

    def _is_long(self, text: str) -> bool:
        missing = self.min_characters - len(text)
        if missing <= 0:
            return True
        return len(_DENSE.findall(text)) * (DENSE_CHARACTER_WEIGHT - 1) >= missing
