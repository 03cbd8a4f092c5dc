"""What the spec says of cleaning: how the texts of a corpus are repaired and judged, and what a task leaves out.

Thresholds of the quality rules are those of their papers and live beside the rules, in `polyloop.data.steps`; here a
corpus says which rules it wants. All steps but `repair`, `width`, `entities` and `han`, which change texts, only judge.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from polyloop.spec.fields import Frozen

QualityRule = Literal["gopher", "gopher_repetition", "c4", "fineweb"]
PiiKind = Literal[
    "email", "phone", "iban", "card", "ip", "url_token", "national_id", "tax_id", "passport", "licence_plate"
]


class LanguageSpec(Frozen):
    """What becomes of rows whose text is in another language than the row says."""

    action: Literal["off", "keep", "drop", "relabel"] = "keep"
    """`keep` only counts what was found, `drop` leaves such rows out, `relabel` gives them the locale that was found if
    it is one of the project's (others are dropped); `off` does not look."""
    min_characters: Annotated[int, Field(ge=1)] = 20
    """Shorter texts are believed to be what the row says (a Chinese, Japanese or Korean character counts as three)."""


class QualitySpec(Frozen):
    """Which rules a text must meet; made for web pages and documents, so none is on by default."""

    rules: tuple[QualityRule, ...] = ()
    """Sets of published rules, adapted to scripts without spaces: gopher, gopher_repetition, c4, fineweb."""
    min_characters: Annotated[int, Field(ge=1)] = 1
    """Shorter inputs and targets are dropped."""
    max_characters: Annotated[int, Field(ge=1)] = 1_000_000
    """Longer inputs and targets are dropped."""

    @model_validator(mode="after")
    def _ordered(self) -> "QualitySpec":
        if self.min_characters > self.max_characters:
            raise ValueError(
                f"`min_characters` is {self.min_characters}, more than `max_characters`, which is "
                f"{self.max_characters}; raise the one or lower the other"
            )
        return self


class ParallelSpec(Frozen):
    """What a pair of input and target text must meet; for translate."""

    max_length_ratio: Annotated[float, Field(gt=1)] | None = None
    """A pair whose one side is longer than the other by more than this factor is dropped; lengths are first brought
    to a common measure by script."""
    drop_copies: bool = False
    """True drops pairs whose two sides are the same text."""


class PiiSpec(Frozen):
    """What becomes of personal data in texts."""

    action: Literal["off", "report", "mask", "drop"] = "off"
    """`report` only counts, `mask` writes typed placeholders such as <EMAIL> in their place, `drop` leaves the row
    out."""
    kinds: tuple[PiiKind, ...] = ()
    """Which kinds are looked for; all that fit the row's locale if empty."""
    entities: str | None = None
    """A named-entity finder of your own, as `module:function`: it is given a text and its locale and returns spans of
    (start, end, type)."""


class CleaningSpec(Frozen):
    """How the texts of a corpus are cleaned, in this order; labels are never touched."""

    repair: bool = True
    """True mends mojibake (UTF-8 that was read as something else)."""
    entities: bool = True
    """True turns HTML entities such as `&amp;` into their characters."""
    width: bool = True
    """True makes full-width Latin letters and digits, and half-width kana, ordinary ones, where the script wants it."""
    han: Literal["locale", "keep"] = "locale"
    """`locale` writes Chinese texts in the characters of their locale, simplified (zh-Hans) or traditional
    (zh-Hant)."""
    language: LanguageSpec = LanguageSpec()
    """What becomes of rows in another language."""
    quality: QualitySpec = QualitySpec()
    """Which texts are good enough."""
    parallel: ParallelSpec = ParallelSpec()
    """Which pairs are good enough."""
    pii: PiiSpec = PiiSpec()
    """What becomes of personal data."""
    max_failed_rows: Annotated[int, Field(ge=0)] = 100
    """Rows at which a step may fail with an error; they are put aside with the traceback. One more stops the build."""


class DedupSpec(Frozen):
    """Which rows of a task are too much alike; rows with the same input are always reduced to one."""

    near: bool = True
    """True leaves out train rows that nearly repeat another row of the same target (or label), or any held-out row."""
    threshold: Annotated[float, Field(ge=0.5, le=1.0)] = 0.8
    """Jaccard similarity of the two texts' character n-grams from which on they repeat each other."""
    paragraphs: bool = False
    """True cuts lines of at least 60 letters that an earlier train row, or any held-out row, has too, out of the inputs
    of train rows; for classify tasks on long documents."""


class DecontaminationSpec(Frozen):
    """Keeps out of the train split what any task of the project is judged on."""

    ngram: Annotated[int, Field(ge=0, le=100)] = 13
    """A train row that shares this many words in a row (characters in scripts without spaces) with a holdout row of any
    task is dropped; 0 turns it off."""
