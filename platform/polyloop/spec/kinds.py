"""What each task kind may say in the spec: its metrics, and the keys that belong to some kinds only. Pure tables."""

from collections.abc import Set

METRICS_OF_KIND: dict[str, tuple[str, ...]] = {
    "classify": ("macro_f1", "accuracy", "calibration_error"),
    "translate": ("chrf", "bleu", "chrf_plus_plus"),
    "summarize": ("rouge_l", "rouge_1", "rouge_2", "chrf", "repetition"),
    "generate": ("bits_per_character", "perplexity_per_character", "distinct_1", "distinct_2", "repetition"),
    "chat": ("chrf", "token_f1", "bits_per_character", "distinct_2", "repetition"),
}
"""Metrics that an evaluation of a kind tells; the first is its gate's default."""

SCOPE_METRICS = ("in_scope_accuracy", "out_of_scope_recall")
"""Told besides, for classify tasks that know what is none of their business."""

GATE_METRICS_OF_KIND: dict[str, tuple[str, ...]] = {
    "classify": SCOPE_METRICS,
    "translate": ("bleu_tokenised",),
}
"""Metrics that only a gate that asks for one of them brings into an evaluation."""

KINDS_OF_KEY: dict[str, tuple[str, ...]] = {
    "labels": ("classify",),
    "out_of_scope": ("classify",),
    "pairs": ("translate",),
    "locales": ("classify", "summarize", "generate", "chat"),
    "styles": ("generate",),
    "personas": ("chat",),
    "decoding": ("translate", "summarize", "generate", "chat"),
}
"""Keys of a task that only some kinds know."""

KINDS_OF_TRAINING_KEY: dict[str, tuple[str, ...]] = {
    "label_balance": ("classify",),
    "packing": ("generate", "chat"),
    "preference": ("translate", "summarize", "generate", "chat"),
}
"""Keys of a task's training that only some kinds know."""


def check_keys_of_kind(kind: str, keys: Set[str], training_keys: Set[str]) -> None:
    """ValueError where a task of `kind` says something that means nothing for it; keys are those with a value of their
    own."""
    for known, said, prefix in ((KINDS_OF_KEY, keys, ""), (KINDS_OF_TRAINING_KEY, training_keys, "training.")):
        for key, kinds in known.items():
            if key in said and kind not in kinds:
                raise ValueError(f"`{prefix}{key}` belongs to {' and '.join(kinds)} tasks; remove it or change `kind`")


def check_metric(kind: str, metric: str) -> None:
    """ValueError where a metric means nothing for a kind."""
    fitting = (*METRICS_OF_KIND[kind], *GATE_METRICS_OF_KIND.get(kind, ()))
    if metric not in ("default", *fitting):
        raise ValueError(f"the metric {metric!r} has no meaning for {kind}; write default, {' or '.join(fitting)}")


def metrics_of(kind: str, gate_metric: str, *, knows_scope: bool) -> tuple[str, ...]:
    """Return the metrics that an evaluation tells, the gate's among them."""
    scope = SCOPE_METRICS if knows_scope else ()
    return tuple(dict.fromkeys((*METRICS_OF_KIND[kind], *scope, gate_metric)))
