"""Documents as JSON lines and back."""

import pytest

from polyloop.retrieval.document_lines import read_documents, write_documents
from polyloop.retrieval.documents import Document

DOCUMENTS = (
    Document(id="a", text="two\nlines\u2028and \ud800", locale="en", source="guide"),
    Document(id="b", text="雪"),
)


def test_documents_are_what_was_written() -> None:
    content = write_documents(DOCUMENTS)
    assert read_documents(content) == DOCUMENTS
    assert content.count(b"\n") == len(DOCUMENTS)
    assert read_documents(b"") == ()


@pytest.mark.parametrize("content", [b"{\n", b"[]\n", b'{"text": "no id"}\n', b"\xff\n"])
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises((ValueError, TypeError)):
        read_documents(content)
