"""What the spec says of an answer task: the documents that answers are taken from, and how they are found and read."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from polyloop.spec.corpora import FileFormat, LocaleColumn
from polyloop.spec.fields import Fraction, Frozen, Locale


class DocumentColumns(Frozen):
    """Which columns of the source hold what; a value that begins with `=` is an expression over columns."""

    text: str = "text"
    """Column with the text, or an expression such as `= title ~ '\\n' ~ body`."""
    id: str | None = None
    """Column with the name that citations give, unique in the task; the file's name and the row's number if absent."""
    title: str | None = None
    """Column with what people call the document, such as a title or an address; citations give it."""


class DocumentSource(Frozen):
    """Where documents are, and which columns hold what."""

    paths: Annotated[tuple[str, ...], Field(min_length=1)]
    """Globs of paths relative to the spec file, or URLs, as for corpora."""
    format: FileFormat = "auto"
    """File format, as for corpora; `document` makes one document of each text file."""
    encoding: str = "utf-8"
    """Text encoding of files that are not UTF-8."""
    columns: DocumentColumns = DocumentColumns()
    """Which columns hold text, id and title."""
    locale: Locale | LocaleColumn | None = None
    """Locale of the documents: one tag, or a column of the source; it is detected if absent."""
    licence: str
    """Licence of the documents; it goes into model cards."""
    source: str = ""
    """Where they come from, for people."""


class EncoderSpec(Frozen):
    """An encoder whose vectors find passages beside BM25; it is copied into each version."""

    path: str
    """Folder of a Hugging Face encoder with safetensors and a tokenizer."""
    query_prefix: str = ""
    """Put before a question; some encoders are trained with one, such as "query: "."""
    passage_prefix: str = ""
    """Put before a passage."""


class AnswerSpec(Frozen):
    """How an answer is found and read."""

    reader: Literal["sentences", "extractive", "generative"] = "sentences"
    """`sentences` answers with the sentence that covers the question best and trains nothing; `extractive` trains an
    encoder to mark the answer in a passage; `generative` trains an encoder-decoder to write it from passages."""
    num_passages: Annotated[int, Field(ge=1, le=50)] = 5
    """Passages that are read for a question."""
    num_citations: Annotated[int, Field(ge=1, le=50)] = 3
    """Most citations of an answer."""
    passage_letters: Annotated[int, Field(ge=100, le=100_000)] = 2_400
    """Longest passage; a longer document is cut. A Chinese, Japanese or Thai character counts as three letters."""
    overlap_letters: Annotated[int, Field(ge=0)] = 300
    """Largest part that a passage repeats of the one before it."""
    same_locale: bool = False
    """True looks only at documents in the question's own locale."""
    encoder: EncoderSpec | None = None
    """Finds passages by their vectors too; without one, BM25 alone does."""
    threshold: Fraction | None = None
    """Least chance of being right with which an answer is given, 0 to give every one; by default what decides best on
    the dev split, and 0.5 where that has too few rows."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.overlap_letters >= self.passage_letters:
            raise ValueError(
                f"`overlap_letters` is {self.overlap_letters}, not less than `passage_letters`, which is "
                f"{self.passage_letters}; lower the one or raise the other"
            )
        return self
