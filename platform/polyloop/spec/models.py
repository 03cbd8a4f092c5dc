"""The spec as frozen, typed objects: what polyloop.yaml may say, with defaults, units and limits.

Input: plain dictionaries (the loader parses the YAML and turns errors into file, line, key, value and fix).
Output: a `Spec`. Unknown keys are refused everywhere. Nothing here reads files or the environment. Corpora, cleaning
and the kinds of values are in their own modules.
"""

from typing import Annotated, Any, Literal

from croniter import croniter
from pydantic import Field, field_validator, model_validator

from polyloop.spec.answering import AnswerSpec, DocumentSource
from polyloop.spec.cleaning import CleaningSpec, DecontaminationSpec, DedupSpec, LanguageSpec
from polyloop.spec.corpora import Corpus
from polyloop.spec.evaluation import EvaluationSpec
from polyloop.spec.fields import Fraction, Frozen, Locale, Name, changed_keys, check_locale
from polyloop.spec.guardrails import GuardSpec, OffensiveGuard
from polyloop.spec.kinds import check_keys_of_kind, check_metric, usual_metrics
from polyloop.spec.network import DecodingSpec, ModelSpec
from polyloop.spec.serving import ServingSpec, TaskServing
from polyloop.spec.sweep import SweepSpec
from polyloop.spec.training import TrainingSpec


class GateSpec(Frozen):
    """When a candidate may replace the champion (decided on the frozen holdout)."""

    metric: str = "default"
    """Name of a metric of the task's kind; `default` is its first: macro_f1 for classify, chrf for translate."""
    require: Literal["better", "non_inferior"] = "non_inferior"
    """What the overall score must be, at `confidence`."""
    margin: Annotated[float, Field(ge=0)] | None = None
    """Largest loss per locale that still counts as no worse, in the metric's unit (mostly points, 0 to 100); by default
    3.0 for classify (2.0 with `test: discordant`) and 1.5 for kinds that write text, which lets 80 to 98 % of equal
    candidates pass at 1,000 rows a locale."""
    min_score: Annotated[float, Field(ge=0, le=100)] = 0.0
    """Overall score that even a first version must reach, in points (0 to 100)."""
    min_rows: Annotated[int, Field(ge=1)] = 50
    """Locales with fewer holdout rows are pooled into one slice."""
    test: Literal["bootstrap", "discordant"] = "bootstrap"
    """How differences get their bounds: by resampling rows, or, for accuracy and its like, by a score test on the rows
    that only one of the two versions gets right, which stops smaller losses (docs/decisions/0013)."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """Confidence of the bootstrap intervals."""
    resamples: Annotated[int, Field(ge=100, le=100_000)] = 1_000
    """Bootstrap resamples."""
    max_latency_ms: Annotated[float, Field(gt=0)] | None = None
    """Budget for the mean time of one answer at batch size 1, on the machine that evaluates."""
    max_size_mb: Annotated[float, Field(gt=0)] | None = None
    """Budget for the size of a version's files, in millions of bytes."""


class OutOfScopeSpec(Frozen):
    """When an input is none of a classify task's business."""

    label: str
    """The label that says so; one of the task's, and corpora may have rows of it."""
    threshold: Fraction | None = None
    """Inputs whose best other label is less probable than this get it; by default what does best on the dev split."""


class TaskSpec(Frozen):
    """A named job with a kind."""

    kind: Literal["classify", "translate", "summarize", "generate", "chat", "answer"]
    """What the task does; see polyloop.tasks."""
    corpora: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Names of the corpora it learns from and is judged on."""
    labels: tuple[str, ...] = ()
    """The labels, for classify."""
    multi_label: bool = False
    """Whether a text may have several of the labels, or none, for classify; targets are then lists of labels."""
    locales: tuple[Locale, ...] = ()
    """Locales of the input, for all kinds but translate; for classify and answer, empty means all of the project's."""
    pairs: tuple[str, ...] = ()
    """Language pairs such as en>de, for translate."""
    out_of_scope: OutOfScopeSpec | None = None
    """How classify tells that an input is none of its business."""
    styles: tuple[Name, ...] = ()
    """Styles that a request may ask for, such as poem or product, for generate."""
    personas: dict[Locale, str] = Field(default_factory=dict)
    """System text of a locale, for chat, where a request brings none."""
    documents: tuple[DocumentSource, ...] = ()
    """Documents that answers are taken from, for answer."""
    answer: AnswerSpec = AnswerSpec()
    """How answers are found and read, for answer."""
    decoding: DecodingSpec = DecodingSpec()
    """How text is written."""
    dedup: DedupSpec = DedupSpec()
    """Which rows are too much alike."""
    decontamination: DecontaminationSpec = DecontaminationSpec()
    """Which train rows give away what is judged."""
    model: ModelSpec
    """Size or checkpoint; may be left out where nothing is trained (answer with `reader: sentences`)."""
    training: TrainingSpec = TrainingSpec()
    """How it is trained."""
    suites: tuple[str, ...] = ()
    """Behavioural suites that versions are tried with: names of those that come with Polyloop, and paths of files."""
    evaluation: EvaluationSpec = EvaluationSpec()
    """What else versions are tried with."""
    sweep: SweepSpec | None = None
    """Other settings that `polyloop model sweep` tries."""
    gate: GateSpec = GateSpec()
    """When a new version may replace the old one."""
    serving: TaskServing = TaskServing()
    """How it is served."""
    guardrails: tuple[GuardSpec, ...] = ()
    """What is looked for in inputs and in written outputs, and what becomes of it."""

    @model_validator(mode="before")
    @classmethod
    def _needs_no_model(cls, data: Any) -> Any:
        """Give the parts that all tasks share a model to look at where none is trained; only its limits count."""
        if not isinstance(data, dict) or data.get("kind") != "answer" or "model" in data:
            return data
        answer = data.get("answer", {})
        reader = answer.get("reader", "sentences") if isinstance(answer, dict) else getattr(answer, "reader", None)
        return {**data, "model": {"recipe": "nano"}} if reader == "sentences" else data

    @model_validator(mode="after")
    def _fits_kind(self) -> "TaskSpec":
        check_keys_of_kind(
            self.kind,
            task=changed_keys(self),
            model=changed_keys(self.model),
            training=changed_keys(self.training),
            evaluation=changed_keys(self.evaluation),
            serving=changed_keys(self.serving),
        )
        if self.kind == "classify":
            _check_labels(self)
        elif self.kind == "translate":
            if not self.pairs:
                raise ValueError("a translate task needs `pairs`, such as [en>de]")
            for pair in self.pairs:
                split_pair(pair)
            _check_each_once("pairs", self.pairs)
        elif self.kind == "answer":
            _check_answer(self)
        elif not self.locales:
            raise ValueError(f"a {self.kind} task needs `locales`, such as [en]: the model is told which one to write")
        if self.kind != "classify" and self.dedup.paragraphs:
            raise ValueError(f"`dedup.paragraphs` would part the two texts of a {self.kind} task's rows; remove it")
        _check_each_once("corpora", self.corpora)
        _check_each_once("styles", self.styles)
        _check_each_once("suites", self.suites)
        if self.kind == "classify" and self.evaluation.crows_pairs and self.model.pretrained is None:
            raise ValueError("`evaluation.crows_pairs` asks the masked checkpoint of `model.pretrained`; name one")
        check_metric(self.kind, self.gate.metric, has_label_sets=self.multi_label)
        if self.serving.cache_mb and self.decoding.temperature:
            raise ValueError("`serving.cache_mb` would repeat what `decoding.temperature` draws; remove one of them")
        if self.kind not in ("chat", "answer") and any(guard.guard == "injection" for guard in self.guardrails):
            raise ValueError("the guardrail `injection` belongs to chat and answer tasks; remove it or change `kind`")
        return self


class FeedbackSpec(Frozen):
    """What becomes of feedback."""

    min_trust: Fraction = 0.75
    """Corrections of users whose estimated reliability is below this are refused."""
    prior_agreements: Annotated[float, Field(gt=0)] = 4.0
    """Beta prior of a user's reliability: agreements assumed before any are seen."""
    prior_disagreements: Annotated[float, Field(gt=0)] = 1.0
    """Beta prior of a user's reliability: disagreements assumed before any are seen."""
    max_share_per_user: Fraction = 0.25
    """Largest part of one round's accepted corrections that may come from one user."""
    weight: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Training weight of a feedback example; corpus rows weigh 1."""
    cleaning: CleaningSpec = CleaningSpec(language=LanguageSpec(action="off"))
    """How corrections are cleaned; keep it like the corpora's, so that the same input is the same example."""
    max_length_ratio: Annotated[float, Field(gt=1)] = 4.0
    """A text correction longer or shorter than the served answer by more than this factor is refused."""


class RetrainingSpec(Frozen):
    """When and how a task is trained again."""

    enabled: bool = True
    """False leaves retraining to people and outside schedulers."""
    min_corrections: Annotated[int, Field(ge=1)] = 200
    """New acceptable corrections that start a run."""
    schedule: str | None = None
    """A cron expression (UTC) that starts a run if there is any new acceptable correction."""
    min_interval_s: Annotated[float, Field(ge=0)] = 3_600.0
    """Shortest time between two runs of a task."""
    poll_s: Annotated[float, Field(gt=0)] = 10.0
    """How often the policy looks."""
    max_concurrent_runs: Annotated[int, Field(ge=1)] = 1
    """Most loop runs of the project at once; one leaves the machine room to serve."""
    start_from: Literal["champion", "scratch"] = "champion"
    """`champion` goes on from its weights and tokenizer; `scratch` begins anew."""
    epochs: Annotated[float, Field(gt=0, le=1_000)] | None = None
    """Passes for a retraining run; the task's own number if absent."""
    learning_rate: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Peak learning rate of a retraining run; the task's own if absent."""

    @field_validator("schedule")
    @classmethod
    def _is_cron(cls, value: str | None) -> str | None:
        if value is not None and (len(value.split()) != 5 or not croniter.is_valid(value)):
            raise ValueError(f"{value!r} is not a cron expression; write five fields, such as 0 3 * * *")
        return value


class Spec(Frozen):
    """All of polyloop.yaml."""

    project: Name
    """Name of the project."""
    store: str = "sqlite:///.polyloop/polyloop.db"
    """SQLAlchemy URL of the store (registry, feedback); a relative SQLite path is relative to the spec file."""
    artefacts: str = ".polyloop/artefacts"
    """Folder for datasets, checkpoints and model versions; relative to the spec file, shared by all nodes."""
    locales: Annotated[tuple[Locale, ...], Field(min_length=1)]
    """Every locale that the project serves."""
    corpora: Annotated[dict[Name, Corpus], Field(min_length=1)]
    """Raw sources, by name."""
    tasks: Annotated[dict[Name, TaskSpec], Field(min_length=1)]
    """Tasks, by name."""
    serving: ServingSpec = ServingSpec()
    """The HTTP door."""
    feedback: FeedbackSpec = FeedbackSpec()
    """What becomes of feedback."""
    retraining: RetrainingSpec = RetrainingSpec()
    """When a task is trained again."""

    @model_validator(mode="after")
    def _names_resolve(self) -> "Spec":
        for task_name, task in self.tasks.items():
            for corpus_name in task.corpora:
                if corpus_name not in self.corpora:
                    known = ", ".join(sorted(self.corpora))
                    raise ValueError(f"task {task_name!r} names the corpus {corpus_name!r}; known corpora: {known}")
            for locale in task_locales(task, self.locales):
                if locale not in self.locales:
                    raise ValueError(
                        f"task {task_name!r} uses the locale {locale!r}; add it to the `locales` of the project"
                    )
            if task.pairs:
                _check_pair_corpora(task_name, task, self.corpora)
            _check_offensive_judge(task_name, task, self.tasks)
            _check_guardrails(task_name, task, self)
            _check_fallback(task_name, task, self)
            if task.kind != "answer":
                _check_plain_corpora(task_name, task, self.corpora)
        _check_shared_tokenizers(self.tasks)
        _check_shared_threads(self.tasks)
        return self


def _check_shared_threads(tasks: dict[str, TaskSpec]) -> None:
    threads = {name: task.serving.threads for name, task in tasks.items() if task.serving.placement == "router"}
    if len(set(threads.values())) > 1:
        told = ", ".join(f"{name}: {count}" for name, count in threads.items())
        raise ValueError(
            f"tasks with `serving.placement: router` share a process, and so PyTorch's threads; give them the same "
            f"`serving.threads` ({told})"
        )


def _check_labels(task: TaskSpec) -> None:
    if len(set(task.labels)) < 2 or len(set(task.labels)) != len(task.labels):
        raise ValueError("a classify task needs `labels`: at least two, each once")
    if any(label != label.strip() or not label for label in task.labels):
        raise ValueError("`labels` may not be empty, nor begin or end with a space")
    if task.multi_label and (task.out_of_scope is not None or task.training.label_balance or task.training.r_drop):
        raise ValueError("`multi_label` goes without `out_of_scope`, `training.label_balance` and `training.r_drop`")
    if task.out_of_scope is not None and task.out_of_scope.label not in task.labels:
        raise ValueError(f"`out_of_scope.label` is {task.out_of_scope.label!r}; add it to `labels`")


def _check_answer(task: TaskSpec) -> None:
    if not task.documents:
        raise ValueError("an answer task needs `documents`, the files that answers are taken from")
    is_smoothed = "label_smoothing" in changed_keys(task.training) and task.training.label_smoothing > 0
    if task.answer.reader == "extractive" and is_smoothed:
        raise ValueError("`training.label_smoothing` has no meaning for places in a text; remove it")


def _check_plain_corpora(task_name: str, task: TaskSpec, corpora: dict[str, Corpus]) -> None:
    """ValueError where a corpus has columns that only answer tasks read."""
    for corpus_name in task.corpora:
        for key in ("context", "document"):
            if getattr(corpora[corpus_name].columns, key) is not None:
                raise ValueError(
                    f"corpus {corpus_name!r} has `columns.{key}`, which belongs to answer tasks, and task "
                    f"{task_name!r} is of kind {task.kind}; give it a corpus of its own"
                )


def _check_each_once(key: str, values: tuple[str, ...]) -> None:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"`{key}` has {value!r} more than once; keep one")


def _check_offensive_judge(task_name: str, task: TaskSpec, tasks: dict[str, TaskSpec]) -> None:
    wanted = task.evaluation.offensive
    if wanted is not None:
        _check_judge(f"`evaluation.offensive` of task {task_name!r}", wanted.task, wanted.label, tasks)


def _check_guardrails(task_name: str, task: TaskSpec, spec: "Spec") -> None:
    for guard in task.guardrails:
        if isinstance(guard, OffensiveGuard):
            _check_judge(f"a guardrail of task {task_name!r}", guard.task, guard.label, spec.tasks)
        for locale in guard.locales:
            if locale not in spec.locales:
                raise ValueError(
                    f"a guardrail of task {task_name!r} names the locale {locale!r}; add it to the `locales` of the "
                    "project, or remove it"
                )


def _check_fallback(task_name: str, task: TaskSpec, spec: "Spec") -> None:
    """ValueError where what shall stand in for a task could not answer what the task is asked."""
    name = task.serving.fallback_task
    if name is None:
        return
    key = f"`serving.fallback_task` of task {task_name!r}"
    other = spec.tasks.get(name)
    if other is None or name == task_name:
        raise ValueError(f"{key} names {name!r}; name another task of the spec")
    if other.kind != task.kind or set(other.labels) != set(task.labels) or not set(task.styles) <= set(other.styles):
        raise ValueError(f"{key} names {name!r}, which needs the same `kind` and `labels`, and all of its `styles`")
    if other.serving.fallback_task is not None:
        raise ValueError(f"{key} names {name!r}, which has a fallback itself; a request falls back once")
    served = set(other.pairs) if task.pairs else set(task_locales(other, spec.locales))
    if missing := [one for one in task.pairs or task_locales(task, spec.locales) if one not in served]:
        raise ValueError(f"{key} names {name!r}, which does not serve {', '.join(missing)}")


def _check_judge(key: str, judge: str, label: str, tasks: dict[str, TaskSpec]) -> None:
    """ValueError where what shall judge texts is no classify task with that label; `key` says who asks."""
    labels = tasks[judge].labels if judge in tasks else ()
    if not labels:
        known = ", ".join(sorted(name for name, one in tasks.items() if one.labels)) or "none"
        raise ValueError(f"{key} names {judge!r}, which is no classify task; classify tasks: {known}")
    if label not in labels:
        raise ValueError(f"{key} asks for the label {label!r}; task {judge!r} has {', '.join(labels)}")


def _check_shared_tokenizers(tasks: dict[str, TaskSpec]) -> None:
    """ValueError where tasks that share a tokenizer want different ones."""
    first: dict[str, str] = {}
    for name, task in tasks.items():
        model = task.model
        if model.shared_tokenizer is None:
            continue
        other = first.setdefault(model.shared_tokenizer, name)
        if (model.tokenizer, model.vocab_size) != (tasks[other].model.tokenizer, tasks[other].model.vocab_size):
            raise ValueError(
                f"tasks {other!r} and {name!r} share the tokenizer {model.shared_tokenizer!r}, so their "
                "`model.tokenizer` and `model.vocab_size` must be the same"
            )


def _check_pair_corpora(task_name: str, task: TaskSpec, corpora: dict[str, Corpus]) -> None:
    for corpus_name in task.corpora:
        corpus = corpora[corpus_name]
        if corpus.target_locale is None:
            raise ValueError(f"corpus {corpus_name!r} of the translate task {task_name!r} needs `target_locale`")
        if isinstance(corpus.locale, str) and f"{corpus.locale}>{corpus.target_locale}" not in task.pairs:
            raise ValueError(
                f"corpus {corpus_name!r} is {corpus.locale}>{corpus.target_locale}, "
                f"which is not among the `pairs` of task {task_name!r}: {', '.join(task.pairs)}"
            )


def split_pair(pair: str) -> tuple[str, str]:
    """Return source and target locale of a pair such as `en>de`; ValueError if it is not one."""
    source, arrow, target = pair.partition(">")
    if not arrow:
        raise ValueError(f"{pair!r} is not a language pair; write source>target, such as en>de")
    return check_locale(source), check_locale(target)


def task_locales(task: TaskSpec, project_locales: tuple[str, ...]) -> tuple[str, ...]:
    """Return every locale, input or target, that a task deals with, in the order of the spec."""
    if task.pairs:
        return tuple(dict.fromkeys(locale for pair in task.pairs for locale in split_pair(pair)))
    return task.locales or project_locales


def metrics_of(task: TaskSpec, gate_metric: str) -> tuple[str, ...]:
    """Return the metrics that an evaluation of a task tells, the gate's among them."""
    usual = usual_metrics(task.kind, knows_scope=task.out_of_scope is not None, has_label_sets=task.multi_label)
    return tuple(dict.fromkeys((*usual, gate_metric)))
