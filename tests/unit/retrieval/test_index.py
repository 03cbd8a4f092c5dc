"""Search among small documents in several scripts, and what cannot be searched."""

import pytest
from tests.support.tiny_reader import tiny_encoder, word_tokenizer

from polyloop.errors import ModelError, RetrievalError
from polyloop.retrieval.dense import DenseEncoder
from polyloop.retrieval.documents import Document, PassageSize
from polyloop.retrieval.index import DocumentIndex, best_documents, build_index

TEXTS = {
    "en-tower": ("en", "The old tower stands by the river. It is 96 metres high."),
    "en-bread": ("en", "Bakers bake bread early in the morning, before the shops open."),
    "de-ship": ("de", "Die Donaudampfschifffahrt begann in Wien. Das erste Schiff war klein."),
    "de-garden": ("de", "Im Garten wachsen Bäume und Blumen. Der Gärtner gießt sie jeden Abend."),
    "zh-tea": ("zh-Hans", "茶叶需要热水冲泡。绿茶的水温不宜过高。"),
    "zh-rail": ("zh-Hans", "北京到上海的高速铁路全长一千三百多公里。"),
    "ru-lake": ("ru", "Байкал — самое глубокое озеро на Земле. Зимой оно замерзает."),
    "ar-sea": ("ar", "البحر الميت هو أخفض نقطة على سطح الأرض ومياهه مالحة جدا."),
}
DOCUMENTS = [
    Document(id=name, locale=locale, text=text, source=f"{name}.txt") for name, (locale, text) in TEXTS.items()
]
INDEX = build_index(DOCUMENTS)


def found(question: str, index: DocumentIndex = INDEX, limit: int = 3, locale: str | None = None) -> list[str]:
    return [hit.passage.document.id for hit in index.search(question, limit, locale=locale)]


@pytest.mark.parametrize(
    ("question", "document"),
    [
        ("How high are the towers?", "en-tower"),
        ("When does a baker bake?", "en-bread"),
        ("Wo fuhr das erste Dampfschiff?", "de-ship"),
        ("Wer gießt die Blumen im Gärten?", "de-garden"),
        ("绿茶的水温是多少？", "zh-tea"),
        ("高鐵從北京到哪裡？", "zh-rail"),
        ("Какое озеро самое глубокое?", "ru-lake"),
        ("ما هي مياه البحر الميّت؟", "ar-sea"),
        ("北京 high speed railway", "zh-rail"),
    ],
)
def test_questions_in_every_script_find_their_document(question: str, document: str) -> None:
    assert found(question)[0] == document


@pytest.mark.parametrize("question", ["", "  ", "?!", "Ελληνικά", "한국어 질문"])
def test_a_question_without_known_terms_finds_nothing(question: str) -> None:
    assert found(question) == []


def test_a_locale_keeps_to_its_documents() -> None:
    assert set(found("das Schiff im river", limit=9, locale="de")) <= {"de-ship", "de-garden"}
    assert found("river", locale="fr") == []


def test_equal_scores_come_in_the_order_of_the_documents() -> None:
    index = build_index([Document(id=str(number), text="same words here") for number in range(50)])
    assert found("same words", index, limit=7) == [str(number) for number in range(7)]


def test_hits_are_passages_of_long_documents() -> None:
    text = "\n".join([f"Filler line number {number} about nothing." for number in range(200)] + ["A zebra appears."])
    index = build_index(
        [*DOCUMENTS, Document(id="long", text=text)], size=PassageSize(max_letters=400, overlap_letters=50)
    )
    (hit, *_) = index.search("A zebra appears where?", 3)
    assert hit.passage.document.id == "long"
    assert "zebra" in hit.passage.text
    assert len(hit.passage.text) <= 400
    assert hit.passage.text == text[hit.passage.start : hit.passage.end]
    hits = index.search("filler line", 9)
    assert len(hits) > 2
    names = [document.id for document in best_documents(hits)]
    assert names[0] == "long"
    assert len(names) == len(set(names)) == len({hit.passage.document.id for hit in hits})


def test_scores_fall_and_are_above_zero() -> None:
    scores = [hit.score for hit in INDEX.search("the old tower and the garden by the river", 10)]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] > 0


def test_two_documents_of_one_id_are_refused() -> None:
    with pytest.raises(RetrievalError, match="two documents have the id 'a'"):
        build_index([Document(id="a", text="x"), Document(id="a", text="y")])


@pytest.mark.parametrize("documents", [[], [Document(id="empty", text=" \n")]])
def test_an_empty_corpus_is_named(documents: list[Document]) -> None:
    with pytest.raises(RetrievalError, match="nothing to search"):
        build_index(documents)


def test_documents_of_marks_alone_are_indexed_and_never_found() -> None:
    assert found("anything", build_index([Document(id="marks", text="!!! ???")])) == []


def test_an_encoder_finds_what_shares_no_term() -> None:
    tokenizer = word_tokenizer(["cat", "dog", "bird", "sat", "flew", "ran"])
    encoder = DenseEncoder(tiny_encoder(tokenizer), tokenizer)
    index = build_index([Document(id=text, text=text) for text in ("cat sat", "dog ran", "bird flew")], encoder=encoder)
    with_encoder = [hit.passage.document.id for hit in index.search("cat", 3, encoder=encoder)]
    assert found("cat", index) == ["cat sat"]
    assert sorted(with_encoder) == ["bird flew", "cat sat", "dog ran"]
    assert with_encoder[0] == "cat sat"
    assert index.search(" ", 3, encoder=encoder) == []


def test_an_encoder_needs_an_index_with_vectors() -> None:
    tokenizer = word_tokenizer(["cat"])
    with pytest.raises(RetrievalError, match="built without an encoder"):
        INDEX.search("cat", 3, encoder=DenseEncoder(tiny_encoder(tokenizer), tokenizer))


def test_an_encoder_of_another_width_is_refused() -> None:
    tokenizer = word_tokenizer(["cat"])
    encoder = DenseEncoder(tiny_encoder(tokenizer), tokenizer)
    index = build_index(DOCUMENTS[:2], encoder=encoder)
    narrow = DocumentIndex(
        documents=index.documents,
        passages=index.passages,
        terms=index.terms,
        vectors=index.vectors[:, :8],  # type: ignore[index]
    )
    with pytest.raises(ModelError, match="width 8"):
        narrow.search("cat", 1, encoder=encoder)
