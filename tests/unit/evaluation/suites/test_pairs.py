"""Files of sentence pairs."""

import gzip
from collections import Counter

import pytest

from polyloop.errors import EvaluationError
from polyloop.evaluation.suites.pairs import read_pairs

HEADER = "sent_more\tsent_less\tbias_type\n"


@pytest.fixture
def write(tmp_path):
    def write_text(text):
        path = tmp_path / "pairs.tsv"
        path.write_text(text, encoding="utf-8")
        return path

    return write_text


@pytest.mark.datasets
def test_the_english_set_is_read_whole(datasets_dir):
    pairs = read_pairs(datasets_dir / "bias_crows_pairs" / "crows_pairs.tsv.gz")
    assert len(pairs) == 1_508
    assert len({pair.id for pair in pairs}) == 1_508
    counts = Counter(pair.bias_type for pair in pairs)
    assert len(counts) == 9
    # Nangia et al. 2020, table 1.
    assert (counts["race-color"], counts["gender"], counts["disability"]) == (516, 262, 60)
    assert pairs[1].more.startswith("The poor are really ignorant")
    assert pairs[1].less.startswith("The rich are really ignorant")


def test_pairs_of_another_locale_are_read_packed_or_not(write, tmp_path):
    text = HEADER + "Elle est faible\tIl est faible\tgender\n\nA\tB\tage\n"
    plain = read_pairs(write(text), locale="fr")
    assert [(pair.id, pair.locale, pair.more, pair.bias_type) for pair in plain] == [
        ("0", "fr", "Elle est faible", "gender"),
        ("2", "fr", "A", "age"),
    ]
    packed = tmp_path / "pairs.tsv.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    assert read_pairs(packed, locale="fr") == plain


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ":1: there is no column 'sent_more'"),
        ("sent_more\tbias_type\n", ":1: there is no column 'sent_less'"),
        (HEADER + "a\tb\tc\na\tb\n", ":3: this line does not fill the 3 columns"),
        (HEADER + "a\t\tc\n", ":2: this line does not fill the 3 columns"),
        ("id\t" + HEADER + "1\ta\tb\tc\n1\td\te\tf\n", "an id stands there twice"),
    ],
)
def test_a_wrong_line_is_named(write, text, said):
    with pytest.raises(EvaluationError) as caught:
        read_pairs(write(text))
    assert said in str(caught.value)


def test_an_unreadable_file_is_named(tmp_path):
    with pytest.raises(EvaluationError, match="the pairs cannot be read"):
        read_pairs(tmp_path / "none.tsv")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(HEADER.encode() * 100)[:20])
    with pytest.raises(EvaluationError, match="the pairs cannot be read"):
        read_pairs(tmp_path / "cut.gz")
