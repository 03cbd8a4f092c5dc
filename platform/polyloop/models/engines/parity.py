"""How far the answers of two engines are the same, over all inputs and for each locale.

Inputs: what both predicted for the same inputs, and a tokenizer's encoding of texts. Outputs: counts, and the pairs of
texts that differ. Pure. What the difference means for a metric is told by `polyloop.retraining.engine_trials`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from polyloop.errors import ModelError
from polyloop.models.contract import PredictInput, Prediction

EncodeTexts = Callable[[Sequence[str]], list[list[int]]]
"""Returns the ids of texts, the end token included."""


@dataclass(frozen=True, kw_only=True)
class Parity:
    """Counts of what two engines wrote for the same inputs; the reference's tokens are what is counted."""

    num_outputs: int
    num_equal: int
    """Outputs whose texts are the same."""
    num_tokens: int
    """Tokens of the reference's outputs, the end tokens included."""
    num_agreeing_tokens: int
    """Those before the first that differs; after it, both write from different beginnings."""
    num_reference_output_tokens: int
    num_candidate_output_tokens: int
    """Tokens that each engine wrote, as it says itself; a difference tells of answers that end too early or never."""
    differing: tuple[int, ...]
    """Positions of the outputs that differ."""

    @property
    def equal_part(self) -> float:
        """Return the part of outputs that are equal, 0 to 1; 1 where there are none."""
        return self.num_equal / self.num_outputs if self.num_outputs else 1.0

    @property
    def agreeing_part(self) -> float:
        """Return the part of the reference's tokens that come before the first difference, 0 to 1."""
        return self.num_agreeing_tokens / self.num_tokens if self.num_tokens else 1.0


def compare(reference: Sequence[Prediction], candidate: Sequence[Prediction], encode_texts: EncodeTexts) -> Parity:
    """Return the parity of two engines' predictions for the same inputs; ModelError if they are not as many."""
    if len(reference) != len(candidate):
        raise ModelError(f"there are {len(reference)} predictions to compare with {len(candidate)}; give one an input")
    pairs = list(zip(reference, candidate, strict=True))
    differing = tuple(index for index, (one, other) in enumerate(pairs) if one.output != other.output)
    rows = encode_texts([one.output for one in reference])
    others = encode_texts([other.output for other in candidate])
    return Parity(
        num_outputs=len(pairs),
        num_equal=len(pairs) - len(differing),
        num_tokens=sum(map(len, rows)),
        num_agreeing_tokens=sum(map(common_length, rows, others)),
        num_reference_output_tokens=sum(one.num_output_tokens for one in reference),
        num_candidate_output_tokens=sum(other.num_output_tokens for other in candidate),
        differing=differing,
    )


def compare_by_locale(
    inputs: Sequence[PredictInput],
    reference: Sequence[Prediction],
    candidate: Sequence[Prediction],
    encode_texts: EncodeTexts,
) -> dict[str, Parity]:
    """Return the parity for each locale that was written, sorted; positions are those among the locale's inputs."""
    if not len(inputs) == len(reference) == len(candidate):
        raise ModelError(
            f"there are {len(inputs)} inputs, and {len(reference)} predictions to compare with {len(candidate)}; "
            "give one of each an input"
        )
    positions: dict[str, list[int]] = {}
    for position, item in enumerate(inputs):
        positions.setdefault(item.target_locale, []).append(position)
    return {
        locale: compare([reference[p] for p in of_locale], [candidate[p] for p in of_locale], encode_texts)
        for locale, of_locale in sorted(positions.items())
    }


def common_length(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many ids both rows begin with."""
    for index, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return index
    return min(len(one), len(other))
