"""What a published model version says about itself: manifest.json as a typed, frozen object.

`VersionFacts` is what the publisher knows; `Manifest` adds the files with their digests. Unknown keys are refused.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from polyloop.tasks.base import Architecture

MANIFEST_FILE = "manifest.json"
CARD_FILE = "README.md"

EngineName = Literal["pytorch", "ctranslate2"]
ComputeType = Literal["float32", "int8", "int8_float32", "bfloat16", "int8_bfloat16", "float16", "int8_float16"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ManifestPart(BaseModel):
    """Base of the parts: immutable, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ModelFile(ManifestPart):
    """One file of the artefact."""

    sha256: Sha256
    """Digest of the content, hexadecimal."""
    size_bytes: int
    """Size of the content."""


class MetricRow(ManifestPart):
    """One figure measured on the holdout."""

    locale: str
    """Locale of the target, or `overall`."""
    metric: str
    """Name of the metric."""
    value: float
    """Points, 0 to 100."""
    low: float
    """Lower end of the confidence interval."""
    high: float
    """Upper end of the confidence interval."""
    num_rows: int
    """Holdout rows behind the figure."""


class GroupRow(ManifestPart):
    """The gate's metric on the rows of the holdout that share something."""

    dimension: str
    """length, source, label or month."""
    name: str
    """Which length, source, label or month."""
    metric: str
    """Name of the metric."""
    value: float
    """In the metric's unit, mostly points, 0 to 100."""
    low: float
    """Lower end of the confidence interval."""
    high: float
    """Upper end of the confidence interval."""
    num_rows: int
    """Holdout rows behind the figure."""


class SuiteRow(ManifestPart):
    """How the version did in one test of a suite, in one locale or pair."""

    suite: str
    """Name of the suite."""
    test: str
    """Name of the test."""
    place: str
    """Locale, or input>output."""
    num_cases: int
    """Cases that were tried."""
    rate: float
    """Share that passed, in points."""
    low: float
    """Lower end of the confidence interval."""
    high: float
    """Upper end of the confidence interval."""
    goal: Literal["all", "half"] = "all"
    """Where the rate should be: at 100, or at 50."""


class DecisionNote(ManifestPart):
    """How scores become a label, for classify."""

    temperature: float
    """Logits were divided by it, so that scores are honest."""
    out_of_scope_label: str | None = None
    """Label for inputs that are none of the task's business."""
    threshold: float | None = None
    """Inputs whose best other label is less probable than this get that label."""
    has_label_sets: bool = False
    """True where a text may have several labels, or none."""


class LocaleParity(ManifestPart):
    """How two engines compare in one locale."""

    locale: str
    """Locale that was written."""
    num_rows: int
    """Holdout rows that both answered."""
    num_equal: int
    """Answers that are letter for letter the same."""
    score: float
    """The metric of the trial on this engine's answers, in points."""


class EngineTrial(ManifestPart):
    """What was found about one engine, in one numeric type, on rows of the holdout; the first trial is PyTorch's.

    Where answers are labels, one of them, or a set, counts as a token.
    """

    engine: EngineName
    """The engine."""
    compute_type: ComputeType
    """Numbers that it computes with."""
    refusals: tuple[str, ...] = ()
    """Why it does not serve; empty where it may."""
    num_rows: int = 0
    """Holdout rows that were answered; 0 where it did not come to that."""
    num_equal: int = 0
    """Answers that are letter for letter PyTorch's."""
    num_tokens: int = 0
    """Tokens that PyTorch's answers are cut into again."""
    num_agreeing_tokens: int = 0
    """Those of them that come before the first difference."""
    num_output_tokens: int = 0
    """Tokens that this engine wrote."""
    metric: str = ""
    """What `score` is: accuracy for labels, bleu for texts, or chrf where BLEU has no tokeniser for a locale."""
    score: float = 0.0
    """The metric over all rows, in points."""
    locales: tuple[LocaleParity, ...] = ()
    """The same for each locale."""
    nats_per_token: float = 0.0
    """Mean negative log likelihood that it gives the wanted answers."""
    tokens_per_s_alone: float = 0.0
    """Tokens written a second when it answers one input at a time."""
    tokens_per_s_batched: float = 0.0
    """The same in batches."""

    @property
    def may_serve(self) -> bool:
        """Return whether nothing speaks against it."""
        return not self.refusals

    @property
    def name(self) -> str:
        """Return engine and type, as people read them."""
        return f"{self.engine} {self.compute_type}"


class EngineNote(ManifestPart):
    """Which engine answers, and what that was decided by."""

    engine: EngineName
    """The engine that serves unless the spec asks for another."""
    compute_type: ComputeType
    """Numbers that it computes with."""
    reason: str
    """Why this one."""
    deviations: tuple[str, ...] = ()
    """In what CTranslate2 decodes differently from PyTorch by its nature."""
    threads: int = 0
    """Threads of a call when speed was measured; 0 where it was not."""
    trials: tuple[EngineTrial, ...] = ()
    """What was tried."""


class CorpusNote(ManifestPart):
    """A corpus that the model learned from."""

    name: str
    """Name in the spec, or `feedback`."""
    licence: str
    """Licence of the data."""
    source: str = ""
    """Where it comes from, for people."""


class VersionFacts(ManifestPart):
    """Everything about a version but its files."""

    task: str
    """Name of the task."""
    version: str
    """Name of the version, unique within the task."""
    kind: Literal["classify", "translate", "summarize", "generate", "chat", "answer"]
    """Kind of the task."""
    architecture: Architecture
    """Shape of the network; `retrieval` where there is none."""
    labels: tuple[str, ...] = ()
    """The labels in the order of the output units, for classify."""
    pairs: tuple[str, ...] = ()
    """Language pairs, for translate."""
    locales: tuple[str, ...]
    """Every locale that the version deals with."""
    max_input_tokens: int
    """Longest input that it takes, special tokens included."""
    max_target_tokens: int
    """Longest output that it writes."""
    dataset_digest: str
    """Dataset that it was trained on."""
    holdout_digest: str
    """Holdout that it was judged on."""
    spec_digest: str
    """Spec that asked for it."""
    training_digest: str
    """Digest of everything that decides the weights."""
    code_version: str
    """Version of Polyloop that trained it."""
    base_model: str | None = None
    """Pretrained checkpoint that it began from, if any."""
    parent: str | None = None
    """Version that it was trained on from, if any."""
    preferences_digest: Sha256 | None = None
    """Preferences that it learned instead of the dataset's train split, if it did."""
    corpora: tuple[CorpusNote, ...] = ()
    """What it learned from."""
    metrics: tuple[MetricRow, ...] = ()
    """Figures measured on the holdout."""
    groups: tuple[GroupRow, ...] = ()
    """The gate's metric by length, source, label and month."""
    suites: tuple[SuiteRow, ...] = ()
    """What the suites found."""
    decision: DecisionNote | None = None
    """How scores become a label, for classify."""
    engine: EngineNote | None = None
    """Which engine answers; None in versions that were made before there was a choice, which PyTorch answers for."""
    confidence: float = 0.95
    """Confidence of the intervals."""
    created_at: datetime
    """When it was made, in UTC."""


class Manifest(VersionFacts):
    """What manifest.json holds."""

    format: Literal[1] = 1
    """Version of this format."""
    files: dict[str, ModelFile]
    """Every file of the artefact but the manifest itself, by name; a part's as `index/passages.npy`."""

    @property
    def size_bytes(self) -> int:
        """Size of all files together, without the manifest."""
        return sum(file.size_bytes for file in self.files.values())
