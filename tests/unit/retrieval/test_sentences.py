"""Where sentences end, in several scripts."""

import pytest

from polyloop.retrieval.sentences import sentence_spans


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It rains. We stay in!  Do you?", ["It rains.", "We stay in!", "Do you?"]),
        ("今天下雨。我们在家。你呢？", ["今天下雨。", "我们在家。", "你呢？"]),
        ("他说：“走吧。”我们走了。", ["他说：“走吧。”", "我们走了。"]),
        ("Идёт дождь. Мы дома… А вы?", ["Идёт дождь.", "Мы дома…", "А вы?"]),
        ("هل تمطر؟ نعم. نبقى هنا.", ["هل تمطر؟", "نعم.", "نبقى هنا."]),
        ("यह पहला है। यह दूसरा है।", ["यह पहला है।", "यह दूसरा है।"]),
    ],
)
def test_sentences_end_at_the_marks_of_their_script(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Smith met J. R. Jones.",
        "Das war am 3. Oktober, z. B. in Berlin.",
        "It costs 3.50 euros, i.e. little.",
        "The firm etc. was sold.",
        "В 1990 г. Иванов уехал.",
    ],
)
def test_a_stop_that_abbreviates_ends_no_sentence(text: str) -> None:
    assert sentences(text) == [text]


def test_line_breaks_end_sentences_and_white_space_belongs_to_none() -> None:
    assert sentences("  A heading\n\n Some text \r\n") == ["A heading", "Some text"]


@pytest.mark.parametrize("text", ["", "   \n ", "\u2028"])
def test_a_text_without_words_has_no_sentences(text: str) -> None:
    assert sentences(text) == []


def test_a_long_run_of_stops_is_read_in_linear_time() -> None:
    assert len(sentence_spans("a" + "." * 200_000 + "b" + ".)" * 200_000 + "b")) == 1


def test_many_sentences_are_read_in_linear_time() -> None:
    assert len(sentence_spans("Yes. No! " * 50_000 + "a. " * 50_000)) == 100_001
