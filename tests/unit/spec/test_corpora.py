"""What the spec may say of a corpus: one place where its rows are, and columns or expressions over them."""

from typing import Any

import pytest
from pydantic import ValidationError

from polyloop.spec.corpora import Corpus

QUERY = {"url": "sqlite:///rows.db", "query": "SELECT * FROM rows"}


def corpus(**changes: Any) -> Corpus:
    columns = {"input": "text", "target": "label"}
    return Corpus.model_validate({"columns": columns, "locale": "en", "licence": "CC0-1.0", **changes})


@pytest.mark.parametrize("place", [{"paths": ["a.jsonl"]}, {"hub": "owner/rows"}, {"sql": QUERY}])
def test_rows_come_from_files_or_the_hub_or_a_query(place: dict[str, Any]) -> None:
    assert corpus(**place).split == "auto"


@pytest.mark.parametrize(
    "places",
    [
        {},
        {"paths": []},
        {"paths": ["a.jsonl"], "hub": "owner/rows"},
        {"paths": ["a.jsonl"], "sql": QUERY},
        {"hub": "owner/rows", "sql": QUERY},
    ],
)
def test_rows_come_from_one_place_only(places: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="exactly one of `paths`, `hub` and `sql`"):
        corpus(**places)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "xml"},
        {"sql": {"url": "sqlite:///rows.db"}, "paths": []},
        {"columns": {"input": "text"}},
        {"columns": {"input": "text", "target": "label", "rights": "r"}},
        {"locale": "English"},
        {"locale": {"column": "lang", "values": {"german": "German"}}},
        {"split": "test"},
        {"licence": None},
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        corpus(**{"paths": ["a.jsonl"], **changes})


def test_a_query_has_its_url_and_text() -> None:
    sql = corpus(sql=QUERY).sql
    assert sql is not None
    assert (sql.url, sql.query) == ("sqlite:///rows.db", "SELECT * FROM rows")
