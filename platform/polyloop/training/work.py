"""How much arithmetic a training does, beside what the device could do.

Inputs: the model, tokens a second, the device. Outputs: floating point operations a second, and the part of the peak.
The count is the usual one: 6 operations for each weight and token (Kaplan et al. 2020, section 2.1: 2 forward, 4
backward), embeddings that are only looked up left out, attention's own products and recomputation not counted.
"""

from typing import Any

import torch

FLOPS_PER_TOKEN_AND_WEIGHT = 6

PEAK_BF16_FLOPS_PER_S = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "L40S": 362e12, "L4": 121e12, "T4": 65e12}
"""Dense bf16 (T4: fp16) peak of NVIDIA's data sheets, SXM variants, by a part of the device's name."""


def working_weights(model: Any) -> float:
    """Return the number of weights that a token passes, on average over both sides of an encoder-decoder.

    Tokens of an encoder-decoder pass either the encoder, or the decoder and the head: half of their sum stands for
    either, as inputs and targets are of about the same length.
    """
    tables = {id(module.weight): module.weight.numel() for module in model.modules() if _is_table(module)}
    head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    total = sum(parameter.numel() for parameter in model.parameters())
    looked_up = sum(size for key, size in tables.items() if head is None or key != id(head.weight))
    working = total - looked_up
    return working / 2 if getattr(model.config, "is_encoder_decoder", False) else float(working)


def _is_table(module: Any) -> bool:
    return isinstance(module, torch.nn.Embedding | torch.nn.EmbeddingBag)


def mfu(flops_per_s: float, device: torch.device, num_devices: int) -> float | None:
    """Return the part of the devices' peak that is used; None for a device whose peak is not known here."""
    if device.type != "cuda":
        return None
    name = torch.cuda.get_device_name(device)
    peak = next((peak for part, peak in PEAK_BF16_FLOPS_PER_S.items() if part in name), None)
    return None if peak is None else flops_per_s / (peak * num_devices)
