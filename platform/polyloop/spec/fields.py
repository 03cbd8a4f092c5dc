"""Kinds of values that several parts of the spec hold: locales, names, fractions, and the base of all parts."""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

LOCALE_PATTERN = re.compile(r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$")
NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"
UNDETERMINED = "und"


def check_locale(value: str) -> str:
    """Return `value` if it is a BCP-47 tag of language[-Script][-REGION], in canonical case."""
    if not LOCALE_PATTERN.fullmatch(value):
        raise ValueError(
            f"{value!r} is not a locale; write a BCP-47 tag in canonical case, such as en, de-AT or zh-Hans"
        )
    return value


Locale = Annotated[str, AfterValidator(check_locale)]
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class Frozen(BaseModel):
    """Base of every part of the spec: immutable, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


def changed_keys(part: Frozen) -> set[str]:
    """Return the keys of a part whose value is not the default."""
    fields = type(part).model_fields
    return {
        name for name, field in fields.items() if getattr(part, name) != field.get_default(call_default_factory=True)
    }
