"""Expressions over columns: their values, the columns they use, and what they may not do."""

import pickle

import pytest

from polyloop.data.read.expressions import Expression, is_expression
from polyloop.errors import DataError

ROW = {"title": "Hello", "body": "world", "votes": "3", "tags": ["a", "b"], "meta": {"kind": "news"}}


def value(text: str) -> object:
    outcome = Expression(text, "corpora.x.where").outcome(ROW)
    assert not outcome.reason, outcome
    return outcome.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("= title ~ ': ' ~ body", "Hello: world"),
        ("votes|int >= 2", True),
        ("votes|int * 2 + 1", 7),
        ("2 ** 10 % 1000", 24),
        ("title|lower if 'b' in tags else body", "hello"),
        ("meta.kind", "news"),
        ("tags|join(', ')", "a, b"),
        ("body.split('r')[0]", "wo"),
        ("title == 'Hello' and not body.startswith('x')", True),
    ],
)
def test_an_expression_has_a_value(text: str, expected: object) -> None:
    assert value(text) == expected


def test_an_expression_begins_with_an_equals_sign_and_a_column_does_not() -> None:
    assert is_expression("= title")
    assert not is_expression("title")


def test_the_columns_of_an_expression_are_known() -> None:
    assert Expression("= title ~ meta.kind ~ (votes|int if tags else 0) ~ {'a': 1}['a']", "k").columns == (
        "meta",
        "tags",
        "title",
        "votes",
    )


def test_an_expression_can_be_sent_to_another_process() -> None:
    expression = pickle.loads(pickle.dumps(Expression("= title", "k")))
    assert expression.outcome(ROW).value == "Hello"


@pytest.mark.parametrize("text", ["= title ~", "= ", "= a b", "= (title", "= title }} {{ body", "= title|nonsense"])
def test_a_malformed_expression_is_an_error_that_names_it_and_its_place(text: str) -> None:
    with pytest.raises(DataError) as caught:
        Expression(text, "corpora.x.columns.input")
    assert f"corpora.x.columns.input: the expression {text!r} is malformed: " in str(caught.value)


def test_an_expression_that_is_nested_too_deeply_is_an_error() -> None:
    with pytest.raises(DataError, match="nested too deeply"):
        Expression("(" * 50_000 + "1" + ")" * 50_000, "k")


def test_a_column_that_a_file_lacks_is_an_error_that_names_the_others() -> None:
    expression = Expression("= title ~ subtitle", "corpora.x.columns.input")
    expression.require(("title", "subtitle"), "a.csv")
    with pytest.raises(DataError, match=r"uses 'subtitle', which a\.csv does not have; its columns: 'title', 'body'"):
        expression.require(("title", "body"), "a.csv")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("subtitle", "missing_column"),
        ("title ~ subtitle", "missing_column"),
        ("subtitle and title", "missing_column"),
        ("meta.absent", "bad_expression"),
        ("title + 1", "bad_expression"),
        ("1 / 0", "bad_expression"),
        ("tags[7]", "bad_expression"),
        ("title.nothing()", "bad_expression"),
    ],
)
def test_a_row_that_an_expression_does_not_fit_has_a_reason(text: str, reason: str) -> None:
    assert Expression(text, "k").outcome(ROW).reason == reason


@pytest.mark.parametrize(
    "text",
    [
        "title * 1000000000",
        "tags * 1000000000",
        "10 ** 1000000000",
        "10 ** 64 ** 64 ** 64",
        "'%1000000000d' % 1",
        "title.center(1000000000)",
        "title['ljust'](1000000000)",
        "'{:1000000000}'.format(1)",
        "title.__class__.__mro__",
        "range(1000000)",
    ],
)
def test_an_expression_cannot_do_boundless_work_or_leave_its_sandbox(text: str) -> None:
    assert Expression(text, "k").outcome(ROW).reason in {"bad_expression", "missing_column"}
