"""Whether an engine answers as well as PyTorch, and which engine a version is published with. Pure.

Inputs: trials on the same rows of the holdout, PyTorch's first. Output: why an engine may not serve, and the note that
a manifest keeps. Both directions count as a difference: an engine that scores better than the model it was made from
does not compute that model.
"""

from collections.abc import Sequence

from polyloop.models.engines.choice import EngineWish
from polyloop.models.manifest import EngineNote, EngineTrial

MAX_SCORE_DIFFERENCE = 0.2
"""Most that BLEU (chrF in its place, accuracy for labels) may differ, in points: what two engines for the same figures
are allowed."""
MAX_NATS_DIFFERENCE = 0.02
"""Most that the mean log-likelihood of a wanted token, or label, may differ, in nats: two per cent of perplexity. It
sees what scores cannot, where answers have little in common with the wanted ones, as in free writing."""


def refusals(reference: EngineTrial, candidate: EngineTrial) -> tuple[str, ...]:
    """Return why a candidate may not serve in the place of the reference; nothing where it may."""
    found = []
    # Not the other way round: nan is no parity either.
    if not abs(candidate.score - reference.score) <= MAX_SCORE_DIFFERENCE:
        found.append(
            f"{candidate.metric} is {candidate.score:.2f}, PyTorch's {reference.score:.2f}; they may differ by "
            f"{MAX_SCORE_DIFFERENCE}"
        )
    if not abs(candidate.nats_per_token - reference.nats_per_token) <= MAX_NATS_DIFFERENCE:
        found.append(
            f"a wanted token costs {candidate.nats_per_token:.3f} nats, with PyTorch {reference.nats_per_token:.3f}; "
            f"they may differ by {MAX_NATS_DIFFERENCE}"
        )
    return tuple(found)


def decide(
    trials: Sequence[EngineTrial], wish: EngineWish, *, deviations: Sequence[str] = (), threads: int = 0
) -> EngineNote:
    """Return the note that names the fastest engine that may serve; `ctranslate2` is preferred where it is asked for.

    Answers alone and in batches count alike: what is compared is the product of both rates.
    """
    reference = trials[0]
    converted = [trial for trial in trials[1:] if trial.may_serve]
    among = converted if converted and wish.engine == "ctranslate2" else [reference, *converted]
    best = max(among, key=lambda trial: trial.tokens_per_s_alone * trial.tokens_per_s_batched)
    return EngineNote(
        engine=best.engine,
        compute_type=best.compute_type,
        reason=_reason(trials, best),
        deviations=tuple(deviations),
        threads=threads,
        trials=tuple(trials),
    )


def _reason(trials: Sequence[EngineTrial], best: EngineTrial) -> str:
    reference = trials[0]
    if best is not reference:
        return (
            f"{best.metric} is {best.score:.2f}, PyTorch's {reference.score:.2f}; "
            f"it is {_ratios(best, reference)} times as fast"
        )
    others = [
        f"{trial.name}: {'; '.join(trial.refusals) or f'it is {_ratios(trial, reference)} times as fast'}"
        for trial in trials[1:]
    ]
    return " | ".join(others) or "no other engine was tried"


def _ratios(trial: EngineTrial, reference: EngineTrial) -> str:
    alone = trial.tokens_per_s_alone / reference.tokens_per_s_alone
    batched = trial.tokens_per_s_batched / reference.tokens_per_s_batched
    return f"{alone:.2f} (alone) and {batched:.2f} (in batches)"
