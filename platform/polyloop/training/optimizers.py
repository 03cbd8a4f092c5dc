"""What turns gradients into steps: AdamW for all weights, or Muon for the matrices of layers and AdamW for the rest.

Inputs: the bare model, its training spec, and how fast each weight learns. Output: the optimisers, to be used as one.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from polyloop.spec.training import TrainingSpec
from polyloop.training.muon import Muon
from polyloop.training.parallel import layers_of

RateOf = Callable[[str], float]
"""How fast a weight of some name learns beside the spec's learning rate."""


class Optimizers:
    """The optimisers of a run; each group of weights has a `rate`, and its learning rate is the schedule's times it."""

    def __init__(self, members: Sequence[torch.optim.Optimizer]) -> None:
        self.members = tuple(members)

    @property
    def learning_rate(self) -> float:
        """The schedule's learning rate of the last step, or the spec's before the first."""
        group = self.members[0].param_groups[0]
        return float(group["lr"] / group["rate"])

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for member in self.members:
            member.zero_grad(set_to_none=True)

    def step(self, learning_rate: float) -> None:
        """Do one step with the schedule's learning rate."""
        for member in self.members:
            for group in member.param_groups:
                group["lr"] = learning_rate * group["rate"]
            member.step()


def make_optimizers(model: Any, training: TrainingSpec, rate_of: RateOf = lambda _: 1.0) -> Optimizers:
    """Return the optimisers, which decay matrices only, not biases and norms; decay does not go by the rate.

    Muon has the matrices inside a model's repeated layers, with steps of the size that AdamW's have, so that the same
    learning rates serve. Embeddings, heads, biases and norms stay with AdamW.
    """
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    hidden = hidden_matrices(model) if training.optimizer == "muon" else set()
    by_adamw = [(name, parameter) for name, parameter in named if id(parameter) not in hidden]
    by_muon = [(name, parameter) for name, parameter in named if id(parameter) in hidden]
    members: list[torch.optim.Optimizer] = []
    if by_adamw:
        groups, fused = _groups(by_adamw, training, rate_of), training.sharding == "none"
        members.append(torch.optim.AdamW(groups, betas=(0.9, training.beta2), fused=fused))
    if by_muon:
        members.append(Muon(_groups(by_muon, training, rate_of)))
    return Optimizers(members)


def hidden_matrices(model: Any) -> set[int]:
    """Return the identities of the matrices inside the layers that a model repeats; tables of embeddings are none."""
    return {
        id(parameter)
        for layer in layers_of(model)
        for module in layer.modules()
        if not isinstance(module, nn.Embedding)
        for parameter in module.parameters(recurse=False)
        if parameter.ndim == 2
    }


def _groups(named: Sequence[tuple[str, nn.Parameter]], training: TrainingSpec, rate_of: RateOf) -> list[dict[str, Any]]:
    """Return the weights by whether they decay and by their rate."""
    found: dict[tuple[bool, float], list[nn.Parameter]] = defaultdict(list)
    for name, parameter in named:
        found[parameter.ndim >= 2, rate_of(name)].append(parameter)
    return [
        {
            "params": parameters,
            "lr": training.learning_rate * rate,
            "rate": rate,
            "weight_decay": training.weight_decay / rate if is_matrix else 0.0,
        }
        for (is_matrix, rate), parameters in found.items()
    ]
