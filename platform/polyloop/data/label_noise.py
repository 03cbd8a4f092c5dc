"""Finds rows whose label is probably wrong, for people to look at; no row is dropped for it.

Input: texts, labels and ids of a classify task, and their locales. Output: a `LabelNoise`: suspects with the label that
fits them better, and for each label the share of its rows that seem to belong elsewhere.

Confident learning (Northcutt, Jiang and Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels",
JAIR 70, arXiv:1911.00068): a model that has not seen a row says how probable each label is; a row counts for a label if
that is more probable than it is, on average, for rows that carry it. From these counts, calibrated to the number of
rows of each label (equation 3), follow the rates of noise. A row is a suspect if it counts for another label than its
own, which is the more probable of the two, and is also among the likeliest of as many rows as the rates say ("prune by
noise rate").

The model is naive Bayes on hashed words, pairs of words and characters: seconds for ten thousand rows, any script, and
it hardly learns wrong labels by heart. Its probabilities need no temperature: of those from 0.5 to 32, 1 fits SST-2,
CLINC150, THUCNews titles and UMSAB best.
Limits: what the model cannot tell apart looks like noise: rates are upper bounds, and suspects are guesses where
`hit_rate` is low; of texts, only the start is read. The result depends on the rows and the seed, not on their order.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Probabilities = npt.NDArray[np.float64]
"""Rows x labels."""
Codes = npt.NDArray[np.int64]
"""The number of a label for each row."""

NUM_FOLDS = 5
MIN_LABEL_ROWS = 20
"""Rows that a label needs in a group to be judged; the four fifths that a fold learns from are then 16."""
MIN_LOCALE_ROWS = 500
"""Rows that a locale needs to have a model of its own; smaller ones share one."""
MAX_CHARACTERS = 1_000
"""Characters of a text that are read."""
NUM_FEATURES = 2**16
SMOOTHING = 0.1
"""Of naive Bayes; 0.3 and 1 find less of the noise planted in SST-2 and in the domains of CLINC150."""


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """A row whose label is probably wrong."""

    id: str
    locale: str
    """Empty if no locales were given."""
    given: str
    suggested: str
    confidence: float
    """Probability of the suggested label, 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class LabelNoise:
    """What was found."""

    num_rows: int
    """Rows that were judged: without those of labels with too few rows, and those beyond `max_rows`."""
    hit_rate: float
    """Share of those rows, 0 to 1, whose label is also what the model finds likeliest."""
    suspects: tuple[Suspect, ...]
    """Most confident first."""
    rates: dict[str, float]
    """Label -> share of its rows, 0 to 1, that seem to belong to another label; an upper bound."""

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return asdict(self)


class _Judged(NamedTuple):
    """What was found in the rows that share a model."""

    num_rows: int
    num_hits: int
    suspects: list[Suspect]
    joint: Probabilities
    names: list[str]


class _Row(NamedTuple):
    id: str
    locale: str
    label: str
    text: str


def find_label_noise(
    texts: Sequence[str],
    labels: Sequence[str],
    ids: Sequence[str],
    *,
    locales: Sequence[str] | None = None,
    seed: int = 17,
    max_rows: int = 50_000,
) -> LabelNoise:
    """Return which rows of a train split are probably mislabelled.

    All sequences are of equal length, ids are unique. Of more rows than `max_rows`, a sample that the seed picks.
    """
    tags = locales if locales is not None else [""] * len(ids)
    rows = sorted(_Row(*row) for row in zip(ids, tags, labels, texts, strict=True))
    random = np.random.default_rng(seed)
    if len(rows) > max_rows:
        rows = [rows[place] for place in np.sort(random.permutation(len(rows))[:max_rows])]
    judged = [_judge(group, random) for group in _groups(rows)]
    suspects = [suspect for group in judged for suspect in group.suspects]
    num_rows = sum(group.num_rows for group in judged)
    return LabelNoise(
        num_rows=num_rows,
        hit_rate=round(sum(group.num_hits for group in judged) / max(num_rows, 1), 4),
        suspects=tuple(sorted(suspects, key=lambda suspect: (-suspect.confidence, suspect.id))),
        rates=_rates(judged),
    )


def confident_joint(probabilities: Probabilities, given: Codes) -> tuple[Probabilities, Codes]:
    """Return the calibrated joint of given and fitting labels, and which label each row counts for (-1: none).

    The joint holds rows, not shares: [i, j] are those labelled i that fit j; its row i sums to the number of rows
    labelled i. Each label needs a row. Section 3.1 and equation 3 of the paper.
    """
    num_labels = probabilities.shape[1]
    thresholds = np.array([probabilities[given == label, label].mean() for label in range(num_labels)])
    confident = np.where(probabilities >= thresholds - 1e-12, probabilities, -1.0)
    counted = np.where(confident.max(axis=1) >= 0, confident.argmax(axis=1), -1)
    counts = np.zeros((num_labels, num_labels))
    np.add.at(counts, (given[counted >= 0], counted[counted >= 0]), 1)
    # A label none of whose rows counts for it would have no row to scale; it keeps what it was given.
    np.fill_diagonal(counts, np.maximum(counts.diagonal(), 1))
    sizes = np.bincount(given, minlength=num_labels)
    return counts / counts.sum(axis=1, keepdims=True) * sizes[:, None], counted


def _groups(rows: Sequence[_Row]) -> list[list[_Row]]:
    """Return the rows that share a model, of each those with a label that has rows enough."""
    sizes = Counter(row.locale for row in rows)
    groups: dict[str, list[_Row]] = {}
    for row in rows:
        groups.setdefault(row.locale if sizes[row.locale] >= MIN_LOCALE_ROWS else "", []).append(row)
    kept = []
    for _, group in sorted(groups.items()):
        counts = Counter(row.label for row in group)
        enough = [row for row in group if counts[row.label] >= MIN_LABEL_ROWS]
        if len({row.label for row in enough}) > 1:
            kept.append(enough)
    return kept


def _rates(judged: Sequence[_Judged]) -> dict[str, float]:
    """Return label -> share of its rows, over all groups, that fit another label."""
    rows: Counter[str] = Counter()
    fitting: dict[str, float] = {}
    for group in judged:
        for code, name in enumerate(group.names):
            rows[name] += round(group.joint[code].sum())
            fitting[name] = fitting.get(name, 0.0) + float(group.joint[code, code])
    return {name: round(1 - fitting[name] / rows[name], 4) for name in sorted(rows)}


def _judge(rows: Sequence[_Row], random: np.random.Generator) -> _Judged:
    names = sorted({row.label for row in rows})
    code_of = {name: code for code, name in enumerate(names)}
    given = np.array([code_of[row.label] for row in rows], dtype=np.int64)
    probabilities = _out_of_fold([row.text[:MAX_CHARACTERS] for row in rows], given, random)
    joint, counted = confident_joint(probabilities, given)
    places = np.arange(len(rows))
    wrong = _pruned(probabilities, given, joint) & (counted >= 0)
    wrong &= probabilities[places, counted] > probabilities[places, given]
    suspects = [
        Suspect(
            id=rows[place].id,
            locale=rows[place].locale,
            given=rows[place].label,
            suggested=names[counted[place]],
            confidence=round(float(probabilities[place, counted[place]]), 4),
        )
        for place in map(int, np.flatnonzero(wrong))
    ]
    return _Judged(len(rows), int((probabilities.argmax(axis=1) == given).sum()), suspects, joint, names)


def _pruned(probabilities: Probabilities, given: Codes, joint: Probabilities) -> npt.NDArray[np.bool_]:
    """Mark, for each pair of labels, as many rows as the joint says, those first that fit the other label best."""
    marked = np.zeros(len(given), dtype=np.bool_)
    for own in range(len(joint)):
        places = np.flatnonzero(given == own)
        for other in np.flatnonzero(np.rint(joint[own])):
            if other != own:
                margins = probabilities[places, other] - probabilities[places, own]
                marked[places[np.argsort(-margins, kind="stable")[: round(joint[own, other])]]] = True
    return marked


def _out_of_fold(texts: Sequence[str], given: Codes, random: np.random.Generator) -> Probabilities:
    """Return the probability of each label for each row, from a model that has not seen the row."""
    from sklearn.naive_bayes import MultinomialNB

    features = _features(texts)
    folds = _folds(given, random)
    probabilities = np.zeros((len(given), int(given.max()) + 1))
    for fold in range(NUM_FOLDS):
        model = MultinomialNB(alpha=SMOOTHING).fit(features[folds != fold], given[folds != fold])
        probabilities[folds == fold] = model.predict_proba(features[folds == fold])
    return probabilities


def _features(texts: Sequence[str]) -> Any:
    """Return a sparse matrix, rows x 2 * NUM_FEATURES, of weighted n-grams: of words (1-2) and characters (1-4)."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    common = {"n_features": NUM_FEATURES, "alternate_sign": False, "norm": None, "dtype": np.float32}
    words = HashingVectorizer(analyzer="word", ngram_range=(1, 2), token_pattern=r"\S+", **common)
    characters = HashingVectorizer(analyzer="char_wb", ngram_range=(1, 4), **common)
    counts = hstack([words.transform(texts), characters.transform(texts)]).tocsr()
    return TfidfTransformer(sublinear_tf=True).fit_transform(counts)


def _folds(given: Codes, random: np.random.Generator) -> Codes:
    """Return a fold for each row, so that each label is spread evenly over the folds."""
    folds = np.empty(len(given), dtype=np.int64)
    for label in range(int(given.max()) + 1):
        places = np.flatnonzero(given == label)
        folds[random.permutation(places)] = np.arange(len(places)) % NUM_FOLDS
    return folds
