"""What each task kind may say in the spec: its metrics, and the keys that belong to some kinds only. Pure tables."""

from collections.abc import Set

METRICS_OF_KIND: dict[str, tuple[str, ...]] = {
    "classify": ("macro_f1", "accuracy", "calibration_error"),
    "translate": ("chrf", "bleu", "chrf_plus_plus"),
    "summarize": ("rouge_l", "rouge_1", "rouge_2", "chrf", "repetition"),
    "generate": ("bits_per_character", "perplexity_per_character", "distinct_1", "distinct_2", "repetition"),
    "chat": ("chrf", "token_f1", "bits_per_character", "distinct_2", "repetition"),
    "answer": ("token_f1", "exact_match", "recall@1", "recall@5", "mrr", "answered", "no_answer_accuracy"),
}
"""Metrics that an evaluation of a kind tells; the first is its gate's default."""

LABEL_SET_METRICS = ("macro_f1", "micro_f1", "accuracy")
"""Told instead, for classify tasks whose texts may have several labels."""

SCOPE_METRICS = ("in_scope_accuracy", "out_of_scope_recall")
"""Told besides, for classify tasks that know what is none of their business."""

GATE_METRICS_OF_KIND: dict[str, tuple[str, ...]] = {
    "classify": (*SCOPE_METRICS, "micro_f1"),
    "translate": ("bleu_tokenised",),
}
"""Metrics that only a gate that asks for one of them brings into an evaluation."""

KINDS_OF_KEY: dict[str, tuple[str, ...]] = {
    "labels": ("classify",),
    "multi_label": ("classify",),
    "out_of_scope": ("classify",),
    "pairs": ("translate",),
    "locales": ("classify", "summarize", "generate", "chat", "answer"),
    "styles": ("generate",),
    "personas": ("chat",),
    "decoding": ("translate", "summarize", "generate", "chat", "answer"),
    "documents": ("answer",),
    "answer": ("answer",),
}
"""Keys of a task that only some kinds know."""

KINDS_OF_TRAINING_KEY: dict[str, tuple[str, ...]] = {
    "label_balance": ("classify",),
    "packing": ("generate", "chat"),
    "preference": ("translate", "summarize", "generate", "chat"),
}
"""Keys of a task's training that only some kinds know."""

KINDS_OF_MODEL_KEY: dict[str, tuple[str, ...]] = {"ngrams": ("classify",)}
"""Keys of a task's model that only some kinds know."""

KINDS_OF_EVALUATION_KEY: dict[str, tuple[str, ...]] = {
    "robustness": ("classify", "translate", "summarize"),
    "counterfactual": ("classify",),
    "crows_pairs": ("classify", "generate", "chat"),
    "offensive": ("translate", "summarize", "generate", "chat"),
}
"""Keys of a task's evaluation that only some kinds know; inputs of generate and chat are no plain texts to perturb."""


KINDS_OF_SERVING_KEY: dict[str, tuple[str, ...]] = {
    "engine": ("classify", "translate", "summarize", "generate", "chat"),
    "compute_type": ("classify", "translate", "summarize", "generate", "chat"),
    "max_streams": ("translate", "summarize", "generate", "chat"),
}
"""Keys of a task's serving that only some kinds know: those that CTranslate2 answers for, and that write."""


def check_keys_of_kind(
    kind: str, *, task: Set[str], model: Set[str], training: Set[str], evaluation: Set[str], serving: Set[str]
) -> None:
    """ValueError where a task of `kind` says something that means nothing for it; keys are those with a value of their
    own, of the task and of its parts."""
    for known, said, prefix in (
        (KINDS_OF_KEY, task, ""),
        (KINDS_OF_MODEL_KEY, model, "model."),
        (KINDS_OF_TRAINING_KEY, training, "training."),
        (KINDS_OF_EVALUATION_KEY, evaluation, "evaluation."),
        (KINDS_OF_SERVING_KEY, serving, "serving."),
    ):
        for key, kinds in known.items():
            if key in said and kind not in kinds:
                raise ValueError(f"`{prefix}{key}` belongs to {' and '.join(kinds)} tasks; remove it or change `kind`")


def check_metric(kind: str, metric: str, *, has_label_sets: bool) -> None:
    """ValueError where a metric means nothing for a kind, or for texts with several labels."""
    fitting = (*METRICS_OF_KIND[kind], *GATE_METRICS_OF_KIND.get(kind, ()))
    what = kind
    if has_label_sets:
        fitting, what = LABEL_SET_METRICS, f"{kind} with `multi_label`"
    if metric not in ("default", *fitting):
        raise ValueError(f"the metric {metric!r} has no meaning for {what}; write default, {' or '.join(fitting)}")


def usual_metrics(kind: str, *, knows_scope: bool, has_label_sets: bool) -> tuple[str, ...]:
    """Return the metrics that an evaluation tells, whatever its gate asks for."""
    usual = LABEL_SET_METRICS if has_label_sets else METRICS_OF_KIND[kind]
    return (*usual, *(SCOPE_METRICS if knows_scope else ()))
