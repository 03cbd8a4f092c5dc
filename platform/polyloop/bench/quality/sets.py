"""The sets of the quality benchmark: which example spec, which task of it, what is measured, and what is aimed at.

A pure table. A bar is what the project holds itself to; an aim is what it would like to reach; a published figure is
told with its source, and with how it differs from what is measured here. Figures of others were read in their
repositories at the named revision, except where the source says that they were not.
"""

from dataclasses import dataclass

from polyloop.errors import SpecError
from polyloop.evaluation.results import OVERALL

MEAN = "mean of locales"
"""In place of a slice: the mean of the metric over all locales, each with the same weight."""


@dataclass(frozen=True, kw_only=True)
class Published:
    """A figure of others."""

    value: float
    what: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Goal:
    """One thing that is measured on a set, in points unless the metric has a unit of its own."""

    metric: str
    slice: str = OVERALL
    """`OVERALL`, a target locale, or `MEAN`."""
    bar: float | None = None
    """Least value that is good enough; None for what is only told."""
    aim: float | None = None
    published: Published | None = None


@dataclass(frozen=True, kw_only=True)
class QualitySet:
    """One set."""

    name: str
    example: str | None
    """File name of the spec under docs/examples; None for retrieval, which trains nothing."""
    task: str
    """Task of the spec, or the folder of the dataset for retrieval."""
    goals: tuple[Goal, ...]
    max_parameters: int | None = None
    """Most weights that the model may have for its figures to compare."""


_MULTI30K = Published(
    value=41.02,
    what="Transformer-Tiny, about 2.6 M parameters, beam 5",
    source="github.com/LividWo/Revisit-MMT, README-baseline.md at dc368d0; Wu et al. 2021, arxiv.org/abs/2105.14462",
)
_THUCNEWS = Published(
    value=92.23,
    what="FastText, 180,000 titles to train on and word vectors (Transformer from scratch 89.91)",
    source="github.com/649453932/Chinese-Text-Classification-Pytorch, README.md at 6cb2681",
)
_SST2 = Published(
    value=83.5,
    what="CNN-rand, trained on phrases too",
    source="github.com/harvardnlp/sent-conv-torch, README.md at d61ded0",
)
_CLINC_IN = Published(
    value=91.2,
    what="CNN on GloVe vectors (SVM 91.0)",
    source="github.com/clinc/oos-eval, paper.pdf at 828f809, table 2 (Full, oos-train)",
)
_CLINC_OUT = Published(
    value=18.9,
    what="CNN on GloVe vectors (SVM 14.5)",
    source="github.com/clinc/oos-eval, paper.pdf at 828f809, table 2 (Full, oos-train)",
)
_UMSAB = Published(
    value=51.0,
    what="FastText, one model a language",
    source="github.com/cardiffnlp/xlm-t, README.md at 874214d, column FT Mono",
)
_COLD = Published(
    value=81.0,
    what="COLDetector, BERT fine-tuned; recalled, about",
    source="github.com/thu-coai/COLDataset; the table was not at hand",
)

SETS = (
    QualitySet(
        name="multi30k",
        example="multi30k-tokenised.yaml",
        task="translate",
        goals=(
            Goal(metric="bleu_tokenised", bar=39.5, aim=41.02, published=_MULTI30K),
            Goal(metric="chrf"),
        ),
        max_parameters=3_000_000,
    ),
    QualitySet(
        name="multi30k-cased",
        example="multi30k.yaml",
        task="translate",
        goals=(Goal(metric="bleu"), Goal(metric="chrf")),
        max_parameters=3_000_000,
    ),
    QualitySet(
        name="topics",
        example="topics.yaml",
        task="topic",
        goals=(Goal(metric="accuracy", bar=90.7, aim=92.3, published=_THUCNEWS), Goal(metric="macro_f1")),
    ),
    QualitySet(
        name="sst2",
        example="sst2.yaml",
        task="film",
        goals=(Goal(metric="accuracy", bar=81.5, aim=83.6, published=_SST2),),
    ),
    QualitySet(
        name="intents",
        example="intents.yaml",
        task="intent",
        goals=(
            Goal(metric="in_scope_accuracy", bar=91.5, aim=93.0, published=_CLINC_IN),
            Goal(metric="out_of_scope_recall", published=_CLINC_OUT),
        ),
    ),
    QualitySet(
        name="sentiment8",
        example="sentiment8.yaml",
        task="sentiment",
        goals=(Goal(metric="macro_f1", slice=MEAN, bar=52.0, aim=56.0, published=_UMSAB),),
    ),
    QualitySet(
        name="cold",
        example="cold.yaml",
        task="offence",
        goals=(Goal(metric="accuracy", bar=80.0, aim=82.0, published=_COLD), Goal(metric="macro_f1")),
    ),
    QualitySet(
        name="xquad",
        example=None,
        task="qa_xquad",
        goals=(
            Goal(metric="recall@1", slice="en", bar=92.0, aim=95.0),
            Goal(metric="recall@1", slice="zh", bar=93.0, aim=95.0),
            Goal(metric="recall@1", slice="de", bar=85.0, aim=95.0),
        ),
    ),
    QualitySet(
        name="dialogue",
        example="dialogue-translation.yaml",
        task="translate",
        goals=(
            Goal(metric="bleu", slice="de"),
            Goal(metric="bleu", slice="zh-Hans"),
            Goal(metric="chrf", slice="de"),
            Goal(metric="chrf", slice="zh-Hans"),
        ),
    ),
    QualitySet(
        name="titles",
        example="titles.yaml",
        task="title",
        goals=(Goal(metric="rouge_l"), Goal(metric="rouge_1"), Goal(metric="rouge_2")),
    ),
    QualitySet(
        name="poems",
        example="poems.yaml",
        task="poem",
        goals=(
            Goal(metric="perplexity_per_character"),
            Goal(metric="bits_per_character"),
            Goal(metric="distinct_2"),
            Goal(metric="repetition"),
        ),
    ),
    QualitySet(
        name="chat",
        example="chat.yaml",
        task="chat",
        goals=(Goal(metric="chrf"), Goal(metric="token_f1"), Goal(metric="bits_per_character")),
    ),
)
"""In the order of the project's goals."""


def set_named(name: str) -> QualitySet:
    """Return a set; SpecError names those there are."""
    for one in SETS:
        if one.name == name:
            return one
    raise SpecError(f"there is no set {name!r}; there are: {', '.join(one.name for one in SETS)}")
