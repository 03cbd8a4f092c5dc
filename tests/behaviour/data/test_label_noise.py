"""Wrong labels planted in real sets are found, and how well."""

import csv
import gzip
import random
from pathlib import Path

import pytest

from polyloop.data.label_noise import LabelNoise, find_label_noise

SHARE = 0.05
SEED = 17


def _planted(path: Path, label: str) -> tuple[LabelNoise, dict[str, str]]:
    """Return what is found in a set of whose rows one in twenty got another label, and the true labels of those."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    labels = [row[label] for row in rows]
    names = sorted(set(labels))
    chooser = random.Random(SEED)
    truth = {}
    for place in chooser.sample(range(len(rows)), int(len(rows) * SHARE)):
        truth[str(place)] = labels[place]
        labels[place] = chooser.choice([name for name in names if name != labels[place]])
    ids = [str(place) for place in range(len(rows))]
    return find_label_noise([row["text"] for row in rows], labels, ids), truth


def _precision(found: LabelNoise, truth: dict[str, str], first: int | None = None) -> float:
    suspects = found.suspects[:first]
    return sum(suspect.id in truth for suspect in suspects) / len(suspects)


@pytest.mark.datasets
@pytest.mark.parametrize(
    ("file", "label", "precision", "precision_of_100", "recall"),
    [
        # A linear model tells four fifths of these sentiments: most suspects are sentences that it cannot read.
        ("cls_sst2/train.tsv.gz", "label", 0.24, 0.6, 0.56),
        ("cls_clinc150/train.tsv.gz", "domain", 0.84, 0.98, 0.86),
    ],
)
def test_planted_noise_is_found(
    datasets_dir: Path, file: str, label: str, precision: float, precision_of_100: float, recall: float
) -> None:
    found, truth = _planted(datasets_dir / file, label)
    hits = [suspect for suspect in found.suspects if suspect.id in truth]
    assert _precision(found, truth) >= precision
    assert _precision(found, truth, 100) >= precision_of_100
    assert len(hits) >= recall * len(truth)
    assert sum(suspect.suggested == truth[suspect.id] for suspect in hits) >= 0.98 * len(hits)
    assert all(rate >= SHARE / 2 for rate in found.rates.values())
