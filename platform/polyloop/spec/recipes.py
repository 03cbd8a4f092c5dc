"""Named model sizes, so that a spec can say `recipe: nano` and get the same network everywhere.

Encoders are BERT-shaped with scaled dot-product attention; encoder-decoders are T5-shaped (relative positions,
pre-norm), the architecture of the translation example that the project grew from; decoders are GPT-NeoX-shaped (rotary
positions, pre-norm).
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Layers and widths; `width` is the hidden size, `feedforward` the inner size of the feed-forward block."""

    width: int
    feedforward: int
    heads: int
    encoder_layers: int
    decoder_layers: int


ENCODER_RECIPES: dict[str, Recipe] = {
    "nano": Recipe(width=96, feedforward=192, heads=4, encoder_layers=2, decoder_layers=0),
    "tiny": Recipe(width=192, feedforward=384, heads=4, encoder_layers=3, decoder_layers=0),
    "small": Recipe(width=384, feedforward=1536, heads=6, encoder_layers=6, decoder_layers=0),
    "base": Recipe(width=768, feedforward=3072, heads=12, encoder_layers=12, decoder_layers=0),
}

ENCODER_DECODER_RECIPES: dict[str, Recipe] = {
    "nano": Recipe(width=128, feedforward=256, heads=4, encoder_layers=3, decoder_layers=2),
    "tiny": Recipe(width=128, feedforward=512, heads=4, encoder_layers=4, decoder_layers=4),
    "small": Recipe(width=512, feedforward=1024, heads=8, encoder_layers=6, decoder_layers=3),
    "base": Recipe(width=768, feedforward=2048, heads=12, encoder_layers=12, decoder_layers=6),
}

DECODER_RECIPES: dict[str, Recipe] = {
    "nano": Recipe(width=128, feedforward=512, heads=4, encoder_layers=0, decoder_layers=3),
    "tiny": Recipe(width=256, feedforward=1024, heads=4, encoder_layers=0, decoder_layers=4),
    "small": Recipe(width=512, feedforward=2048, heads=8, encoder_layers=0, decoder_layers=8),
    "base": Recipe(width=768, feedforward=3072, heads=12, encoder_layers=0, decoder_layers=12),
}
