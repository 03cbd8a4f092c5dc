"""Documents as JSON lines, the form in which datasets and indexes keep them.

Input: documents, or bytes. Output: bytes, or the same documents. Light: what only reads or writes documents needs no
index. Texts may hold lone surrogates from broken sources; they are kept as they are.
"""

import json
from collections.abc import Iterable

from polyloop.retrieval.documents import Document

LONE_SURROGATES = "surrogatepass"
"""How texts are turned into bytes and back."""


def write_documents(documents: Iterable[Document]) -> bytes:
    """Return documents as JSON lines."""
    return "".join(map(_line, documents)).encode("utf-8", LONE_SURROGATES)


def read_documents(content: bytes) -> tuple[Document, ...]:
    """Return the documents that `write_documents` wrote; ValueError or TypeError for anything else."""
    lines = content.decode("utf-8", LONE_SURROGATES).split("\n")[:-1]
    return tuple(Document(**json.loads(line)) for line in lines)


def _line(document: Document) -> str:
    fields = {"id": document.id, "locale": document.locale, "source": document.source, "text": document.text}
    return json.dumps(fields, ensure_ascii=False) + "\n"
