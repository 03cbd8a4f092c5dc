"""How a version writes, as its generation_config.json says it, in the terms of CTranslate2.

Input: a generation configuration of transformers. Output: a frozen `Decoding`. A setting that CTranslate2 has no
equal for is a ModelError rather than another text. Where both mean almost the same, `deviations` says what differs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from transformers import GenerationConfig

from polyloop.errors import ArtefactError, ModelError, first_line

DEFAULT_TOP_K = 50
"""What transformers samples from where a configuration does not say it."""

HANDLED = frozenset(
    {
        "num_beams",
        "length_penalty",
        "early_stopping",
        "do_sample",
        "temperature",
        "top_p",
        "top_k",
        "repetition_penalty",
        "no_repeat_ngram_size",
        "bad_words_ids",
        "suppress_tokens",
        "renormalize_logits",
        "forced_bos_token_id",
        "eos_token_id",
    }
)
WITHOUT_EFFECT = frozenset(
    {
        # Lengths are the kind's, and how outputs begin was converted with the model.
        "max_length",
        "max_new_tokens",
        "decoder_start_token_id",
        "bos_token_id",
        "pad_token_id",
        "transformers_version",
        "use_cache",
        "return_dict_in_generate",
        "_from_model_config",
    }
)
NEUTRAL_ONES = frozenset({"num_return_sequences", "num_beam_groups", "typical_p", "encoder_repetition_penalty"})
"""Other settings that change nothing at 1; all others change nothing at 0, False or empty."""


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """How texts are written; the fields of the same name mean what they mean in a generation configuration."""

    num_beams: int = 1
    length_penalty: float = 1.0
    repetition_penalty: float = 1.0
    no_repeat_ngram_size: int = 0
    temperature: float | None = None
    """None writes the likeliest token; a number draws."""
    top_p: float = 1.0
    top_k: int = 0
    """Tokens to draw from; 0 for all."""
    end_ids: tuple[int, ...]
    suppressed: tuple[tuple[int, ...], ...] = ()
    """Sequences of ids that are never written."""
    renormalize_logits: bool = False
    forced_first_id: int | None = None
    """What each output of an encoder-decoder begins with, after the start token."""

    @property
    def looks_back(self) -> bool:
        """Return True if what may come depends on which tokens are there, a decoder's prompt included."""
        return self.repetition_penalty != 1.0 or self.no_repeat_ngram_size > 0

    @property
    def deviations(self) -> tuple[str, ...]:
        """Return in what the answers may differ from transformers' although the weights are the same."""
        found = []
        if self.looks_back:
            found.append("the first token that a decoder reads, or an encoder-decoder's start token, may be repeated")
        forbids = self.no_repeat_ngram_size > 0 or bool(self.suppressed)
        if self.num_beams > 1 and (self.repetition_penalty != 1.0 or (forbids and not self.renormalize_logits)):
            found.append("beams are scored among the tokens that are left, transformers scores them among all")
        if self.num_beams > 1 and self.looks_back:
            found.append("a decoder's beams may repeat what is in the prompt")
        return tuple(found)

    def likeliest(self) -> "Decoding":
        """Return the same without chance: the likeliest token is written where tokens are drawn otherwise."""
        return replace(self, temperature=None)

    def options(self) -> dict[str, Any]:
        """Return the arguments that translate_batch and generate_batch have in common."""
        options: dict[str, Any] = {
            "beam_size": self.num_beams,
            "repetition_penalty": self.repetition_penalty,
            "no_repeat_ngram_size": self.no_repeat_ngram_size,
            "suppress_sequences": [[str(token_id) for token_id in ids] for ids in self.suppressed] or None,
            "end_token": list(self.end_ids),
            # With it, beams are normalised by the length that transformers takes.
            "return_end_token": True,
        }
        if self.num_beams > 1:
            options["length_penalty"] = self.length_penalty
        if self.temperature is not None:
            options |= {"sampling_topk": self.top_k, "sampling_topp": self.top_p}
            options["sampling_temperature"] = self.temperature
        return options


def read_decoding(folder: Path) -> Decoding:
    """Return how the model in a folder writes; ArtefactError if it does not say it, ModelError as `decoding_of`."""
    try:
        config: GenerationConfig = GenerationConfig.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise ArtefactError(f"{folder}: generation_config.json cannot be read: {first_line(error)}") from error
    return decoding_of(config)


def decoding_of(config: GenerationConfig) -> Decoding:
    """Return a configuration in the terms of CTranslate2; ModelError names settings that it has no equal for."""
    said: dict[str, Any] = {key: value for key, value in config.to_diff_dict().items() if value is not None}
    others = said.keys() - HANDLED - WITHOUT_EFFECT
    if unknown := sorted(key for key in others if said[key] and (key not in NEUTRAL_ONES or said[key] != 1)):
        raise ModelError(f"CTranslate2 cannot decode with {', '.join(unknown)}; serve the version with PyTorch")
    beams, draws = int(said.get("num_beams", 1)), bool(said.get("do_sample", False))
    if beams > 1 and draws:
        raise ModelError("CTranslate2 cannot draw tokens at random within beam search; set do_sample or num_beams")
    if beams > 1 and said.get("early_stopping") is not True:
        raise ModelError("CTranslate2's beam search stops as with early_stopping, which this version does not set")
    return Decoding(
        num_beams=beams,
        length_penalty=float(said.get("length_penalty", 1.0)),
        repetition_penalty=float(said.get("repetition_penalty", 1.0)),
        no_repeat_ngram_size=int(said.get("no_repeat_ngram_size", 0)),
        temperature=float(said.get("temperature", 1.0)) if draws else None,
        top_p=float(said.get("top_p", 1.0)),
        top_k=int(said.get("top_k", DEFAULT_TOP_K)),
        end_ids=_end_ids(said.get("eos_token_id")),
        suppressed=_suppressed(said.get("bad_words_ids", ()), said.get("suppress_tokens", ())),
        renormalize_logits=bool(said.get("renormalize_logits", False)),
        forced_first_id=said.get("forced_bos_token_id"),
    )


def _end_ids(found: int | Sequence[int] | None) -> tuple[int, ...]:
    if found is None or found == []:
        raise ModelError("the generation configuration has no eos_token_id; without one no output would end")
    return (found,) if isinstance(found, int) else tuple(found)


def _suppressed(sequences: Sequence[Sequence[int]], tokens: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    return (*(tuple(ids) for ids in sequences), *((token_id,) for token_id in tokens))
