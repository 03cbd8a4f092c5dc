"""What the spec says of a corpus: where its rows are, which columns hold what, and how they are cleaned."""

from typing import Literal, Self

from pydantic import Field, model_validator

from polyloop.spec.cleaning import CleaningSpec
from polyloop.spec.fields import Frozen, Locale

FileFormat = Literal["auto", "jsonl", "csv", "tsv", "parquet", "arrow", "text", "document", "html", "warc"]


class Columns(Frozen):
    """Which columns of the source hold what; a value that begins with `=` is an expression over columns."""

    input: str
    """Column with the text a user would send, or an expression such as `= title ~ ': ' ~ body`."""
    target: str
    """Column, or expression, with the wanted answer: a label (classify) or a text (translate); for answer, an empty
    text says that the documents hold none."""
    context: str | None = None
    """Column with the passage that holds the answer, for answer: trained readers learn from it."""
    document: str | None = None
    """Column with the id of the document that holds the answer, for answer: by it, retrieval is judged."""
    id: str | None = None
    """Column with an id that rows may share, such as a dialogue's: `split: auto` keeps such rows in one split. (An
    example's own id is a hash of its locales and input.)"""
    licence: str | None = None
    """Column with the licence of the row, where it differs from row to row."""
    source: str | None = None
    """Column that says where the row comes from, where that differs from row to row, such as a URL."""


class LocaleColumn(Frozen):
    """A locale that differs from row to row."""

    column: str
    """Column that holds the language of the input."""
    values: dict[str, Locale] = Field(default_factory=dict)
    """Raw value -> locale, where the column does not hold BCP-47 tags already."""


class SqlSource(Frozen):
    """Rows of a database."""

    url: str
    """SQLAlchemy URL; `${NAME}` and `${NAME:-default}` are read from the environment."""
    query: str
    """The SELECT whose columns are the corpus's."""


class Corpus(Frozen):
    """A named raw source of examples."""

    paths: tuple[str, ...] = ()
    """Globs of paths relative to the spec file, or URLs (s3://, gs://, hdfs://, file://); `${NAME}` and
    `${NAME:-default}` are read from the environment."""
    hub: str | None = None
    """A Hugging Face dataset id or local dataset folder, instead of `paths`."""
    hub_split: str = "train"
    """Which split of the hub dataset to read."""
    sql: SqlSource | None = None
    """A query, instead of `paths`."""
    format: FileFormat = "auto"
    """File format; `auto` goes by the file name (.jsonl, .csv, .tsv, .parquet, .arrow, .txt, .html, .warc; each but
    parquet and arrow also .gz or .zst). `text` makes a row of each line, `document` one of each file, both with the
    column `text`; `html` and `warc` make a row of each page, boilerplate removed, with the columns `text`, `title`,
    `url`, `date` and `language`."""
    encoding: str = "utf-8"
    """Text encoding of files that are not UTF-8, such as gb18030 or latin-1."""
    columns: Columns
    """Which columns hold input, target and id."""
    where: str | None = None
    """An expression over columns; rows for which it is not true are dropped, such as `votes|int >= 2`."""
    locale: Locale | LocaleColumn
    """Locale of the input: one tag, or a column of the source."""
    target_locale: Locale | None = None
    """Locale of the target; needed for translate, the input's locale otherwise."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Raw target value -> label, for classify; values that are not listed stay as they are."""
    explode: bool = False
    """True where input and target hold lists of equal length: each pair of elements becomes an example."""
    split: Literal["auto", "train", "dev", "holdout"] = "auto"
    """`auto` splits by a stable hash of the input; the others put every row in that split."""
    cleaning: CleaningSpec = CleaningSpec()
    """How texts are repaired, filtered and masked."""
    licence: str
    """Licence of the data (an SPDX id where there is one); it goes into manifests and model cards."""
    source: str = ""
    """Where the data comes from, for people."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(map(bool, (self.paths, self.hub, self.sql))) != 1:
            raise ValueError("a corpus needs exactly one of `paths`, `hub` and `sql`")
        return self
