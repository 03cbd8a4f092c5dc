"""Expressions over the columns of a row: `= title ~ ': ' ~ body` for a column, `votes|int >= 2` for `where`.

Input: the text of an expression in Jinja's language, and rows as dicts. Output: its value, or the reason why a row has
none. Expressions run in Jinja's sandbox, which keeps them from Python's inside; there are no functions, and the
filters are those of `FILTERS`, which give the same value whenever they run. Limits: products and remainders are of
numbers only, powers have an exponent of at most `MAX_EXPONENT`, and what pads a text to any width is left out, so that
the work goes by the length of the row (`join` and `replace` with a column as argument: by the product of two lengths).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, UndefinedError, meta
from jinja2.environment import TemplateExpression
from jinja2.exceptions import SecurityError
from jinja2.sandbox import SandboxedEnvironment

from polyloop.errors import DataError

MARK = "="
MAX_EXPONENT = 64
MAX_NUMBER = 10**100

FILTERS = frozenset(
    {"abs", "capitalize", "count", "d", "default", "first", "float", "int", "items", "join", "last", "length", "list"}
    | {"lower", "map", "max", "min", "reject", "rejectattr", "replace", "reverse", "select", "selectattr", "sort"}
    | {"string", "striptags", "sum", "title", "trim", "unique", "upper", "wordcount"}
)
PADDING_METHODS = frozenset({"center", "expandtabs", "format", "format_map", "ljust", "rjust", "translate", "zfill"})

FAILURES = (
    TemplateError,
    ArithmeticError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    RecursionError,
    MemoryError,
)
"""What an expression may raise on a row that it does not fit."""


class Outcome(NamedTuple):
    """The value of an expression, or the reason why the row is dropped (missing_column, bad_expression) and details."""

    value: object
    reason: str = ""
    details: str = ""


@dataclass(frozen=True)
class Expression:
    """An expression of the spec; DataError at once if it is malformed. It is compiled once a process."""

    text: str
    """The expression, with or without `=` before it."""
    key: str
    """Its place in the spec, such as corpora.reviews.columns.input."""

    def __post_init__(self) -> None:
        try:
            _compiled(self.text)
        except TemplateSyntaxError as error:
            raise DataError(
                f"{self.key}: the expression {self.text!r} is malformed: {error.message}; "
                f"filters that it may use: {', '.join(sorted(FILTERS))}"
            ) from None
        except RecursionError:
            raise DataError(f"{self.key}: the expression {self.text[:100]!r} is nested too deeply") from None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that the expression uses, sorted."""
        return names_in(self.text)

    def require(self, present: tuple[str, ...], path: str) -> None:
        """Raise a DataError if a file does not have one of the columns."""
        lacking = [name for name in self.columns if name not in present]
        if lacking:
            raise DataError(
                f"{self.key}: the expression {self.text!r} uses {', '.join(map(repr, lacking))}, which {path} does not "
                f"have; its columns: {', '.join(map(repr, present))}"
            )

    def outcome(self, values: Mapping[str, object]) -> Outcome:
        """Return the value for a row, or why there is none."""
        try:
            value = _compiled(self.text)(values)
            if isinstance(value, Undefined):
                value._fail_with_undefined_error()
        except UndefinedError as error:
            lacks_column = any(name not in values for name in self.columns)
            return Outcome(None, "missing_column" if lacks_column else "bad_expression", str(error))
        except FAILURES as error:
            return Outcome(None, "bad_expression", f"{type(error).__name__}: {error}")
        return Outcome(value)


def is_expression(value: str) -> bool:
    """Return whether the value of a column in the spec is an expression and not a column's name."""
    return value.startswith(MARK)


@lru_cache(maxsize=1024)
def names_in(text: str) -> tuple[str, ...]:
    """Return the columns that a well-formed expression uses, sorted; `text` may begin with `=`."""
    parsed = _environment().parse(f"{{{{ ({_source(text)}\n) }}}}")
    return tuple(sorted(meta.find_undeclared_variables(parsed)))


def _source(text: str) -> str:
    return text.removeprefix(MARK).strip()


@lru_cache(maxsize=1024)
def _compiled(text: str) -> TemplateExpression:
    return _environment().compile_expression(_source(text), undefined_to_none=False)


@lru_cache
def _environment() -> SandboxedEnvironment:
    environment = _Environment(undefined=StrictUndefined)
    environment.globals.clear()
    environment.filters = {name: environment.filters[name] for name in FILTERS}
    return environment


class _Environment(SandboxedEnvironment):
    """Jinja's sandbox, in which numbers alone are multiplied and nothing is padded."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if not (_is_number(left) and _is_number(right)):
            raise SecurityError(f"{operator!r} is for numbers below {MAX_NUMBER:.0e} only")
        if operator == "**" and abs(right) > MAX_EXPONENT:
            raise SecurityError(f"an exponent may be at most {MAX_EXPONENT}")
        return super().call_binop(context, operator, left, right)

    def wrap_str_format(self, value: Any) -> None:
        """Give no sandboxed stand-in for `format`: it would pad too."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return attr not in PADDING_METHODS and super().is_safe_attribute(obj, attr, value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not (isinstance(value, int) and abs(value) > MAX_NUMBER)
