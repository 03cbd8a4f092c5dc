"""The step: reporting, masking and dropping, over the texts of a row."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from polyloop.data.pii.entities import load_entity_finder
from polyloop.data.steps.base import Draft
from polyloop.data.steps.pii import MaskPii, mask
from polyloop.errors import DataError


def draft(text: str, target: str = "", locale: str = "en", has_label: bool = False) -> Draft:
    return Draft(input=text, target=target, locale=locale, target_locale="de", has_label=has_label)


def test_masking_writes_typed_placeholders_into_both_texts() -> None:
    row = draft("Mail ann@example.com or bob@example.com", "Ruf 030 / 1234567 an")
    assert MaskPii(action="mask").apply(row) is None
    assert (row.input, row.target) == ("Mail <EMAIL> or <EMAIL>", "Ruf <PHONE> an")
    assert row.notes == {"pii:email": 2, "pii:phone": 1}


def test_masking_what_is_masked_changes_nothing() -> None:
    row = draft("Mail <EMAIL>, card <CARD>, id <NATIONAL_ID>, at 10:30")
    MaskPii(action="mask").apply(row)
    assert row.input == "Mail <EMAIL>, card <CARD>, id <NATIONAL_ID>, at 10:30"
    assert row.notes == {}


def test_reporting_only_counts() -> None:
    row = draft("Mail ann@example.com")
    assert MaskPii(action="report").apply(row) is None
    assert row.input == "Mail ann@example.com"
    assert row.notes == {"pii:email": 1}


def test_dropping_gives_the_reason_and_leaves_other_rows() -> None:
    step = MaskPii(action="drop")
    assert step.apply(draft("Mail ann@example.com")) == "personal_data"
    assert step.apply(draft("Hello", "Adresse: 81.2.69.142")) == "personal_data"
    assert step.apply(draft("Hello in 2020")) is None
    assert step.reasons == ("personal_data",)


def test_a_label_is_never_read() -> None:
    row = draft("Hello", "ann@example.com", has_label=True)
    assert MaskPii(action="mask").apply(row) is None
    assert row.target == "ann@example.com"


def test_only_the_wanted_kinds_are_masked() -> None:
    row = draft("ann@example.com 212-555-0147")
    MaskPii(action="mask", kinds=("phone",)).apply(row)
    assert row.input == "ann@example.com <PHONE>"


def test_mask_keeps_everything_else() -> None:
    assert mask("plain", ()) == "plain"


@pytest.fixture
def finder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    code = (
        "def find(text, locale):\n"
        "    start = text.find('Ann')\n"
        "    return [(start, start + 3, 'person')] if start >= 0 else []\n"
        "def whole(text, locale):\n"
        "    return [(0, len(text), 'address')]\n"
    )
    (tmp_path / "step_people.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    load_entity_finder.cache_clear()
    yield "step_people"
    load_entity_finder.cache_clear()
    sys.modules.pop("step_people", None)


def test_entities_of_the_users_own_finder_are_masked_too(finder: str) -> None:
    row = draft("Ann: ann@example.com", "niemand")
    assert MaskPii(action="mask", entities=f"{finder}:find").apply(row) is None
    assert row.input == "<PERSON>: <EMAIL>"
    assert row.notes == {"pii:email": 1, "pii:person": 1}


def test_an_entity_around_something_found_is_masked_in_pieces(finder: str) -> None:
    row = draft("12 Main St, 212-555-0147, Ohio", has_label=True)
    MaskPii(action="mask", entities=f"{finder}:whole").apply(row)
    assert row.input == "<ADDRESS>, <PHONE>, <ADDRESS>"


def test_a_finder_that_is_not_there_is_named() -> None:
    with pytest.raises(DataError, match=r"no_such_package\.people:find"):
        MaskPii(action="report", entities="no_such_package.people:find").apply(draft("Ann"))
