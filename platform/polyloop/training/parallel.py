"""The model on one or several workers: alone, replicated (DDP), or sharded (FSDP2).

Inputs: the bare model and the accelerator. Output: what is called to compute, whole weights and optimiser state on the
CPU for checkpoints, and the way back. With sharding, every worker has to take part in each of these calls. Limits:
sharding keeps no averages of weights.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from accelerate import Accelerator
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor

from polyloop.training.averaging import Weights, copy_of

WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)
CLIP_EPSILON = 1e-6
"""What torch's clipping adds to a norm before it divides by it."""

SPREAD = StateDictOptions(full_state_dict=True, broadcast_from_rank0=True)


class Whole:
    """A model that each worker has all of: one process, or DDP over several."""

    def __init__(self, bare: Any, accelerator: Accelerator, world_size: int) -> None:
        self.bare = bare
        self._ddp = world_size > 1
        self.model: Any = accelerator.prepare_model(bare) if self._ddp else bare

    def compile(self) -> None:
        """Compile what is called; the names of weights stay."""
        self.model = torch.compile(self.model)

    def accumulating(self, is_last: bool) -> AbstractContextManager[Any]:
        """Return the context of one backward pass: gradients are exchanged in the last one of a step."""
        return nullcontext() if is_last or not self._ddp else self.model.no_sync()

    def weights(self) -> Weights:
        """Return the trained weights themselves, and buffers."""
        trained: Weights = self.bare.state_dict()
        frozen = {name for name, parameter in self.bare.named_parameters() if not parameter.requires_grad}
        return {name: weight for name, weight in trained.items() if name not in frozen}

    def load_weights(self, weights: Weights) -> None:
        """Replace the weights."""
        self.bare.load_state_dict(weights, strict=False)

    def optimizer_state(self, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
        """Return the optimiser's state."""
        return optimizer.state_dict()

    def load_optimizer_state(self, optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
        """Replace the optimiser's state."""
        optimizer.load_state_dict(state)

    def clipped_norm(self, max_norm: float) -> torch.Tensor:
        """Clip the gradients to a norm and return the norm that they had."""
        parameters = [parameter for parameter in self.bare.parameters() if parameter.grad is not None]
        norm = torch.nn.utils.get_total_norm([parameter.grad for parameter in parameters])
        # torch's clip_grad_norm_ would go over all gradients once more, to multiply those within the norm by 1.
        if bool(max_norm / (norm + CLIP_EPSILON) < 1):
            torch.nn.utils.clip_grads_with_norm_(parameters, max_norm, norm)
        return norm

    def kept(self) -> Weights:
        """Return a copy of the weights on the CPU."""
        return copy_of(self.weights())


class Sharded(Whole):
    """A model whose weights, gradients and optimiser state are spread over the workers, layer by layer."""

    def __init__(self, bare: Any, accelerator: Accelerator, world_size: int) -> None:
        device = accelerator.device.type
        mesh = torch.distributed.init_device_mesh(device, (world_size,))
        for layer in layers_of(bare):
            fully_shard(layer, mesh=mesh)
        fully_shard(bare, mesh=mesh)
        self.bare = self.model = bare
        self._ddp = False

    def accumulating(self, is_last: bool) -> AbstractContextManager[Any]:
        """Return the context of one backward pass: gradients are exchanged in the last one of a step."""
        self.bare.set_requires_gradient_sync(is_last)
        return nullcontext()

    def weights(self) -> Weights:
        """Return the whole weights on the first worker, nothing on the others."""
        whole: Weights = get_model_state_dict(self.bare, options=WHOLE)
        return whole

    def load_weights(self, weights: Weights) -> None:
        """Spread whole weights, which the first worker has."""
        set_model_state_dict(self.bare, weights, options=SPREAD)

    def optimizer_state(self, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
        """Return the whole state on the first worker."""
        return dict(get_optimizer_state_dict(self.bare, optimizer, options=WHOLE))

    def load_optimizer_state(self, optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
        """Spread a whole state, which the first worker has."""
        set_optimizer_state_dict(self.bare, optimizer, state, options=SPREAD)

    def clipped_norm(self, max_norm: float) -> torch.Tensor:
        """Clip the gradients of all shards and return their common norm."""
        norm = torch.nn.utils.clip_grad_norm_(self.bare.parameters(), max_norm)
        return norm.full_tensor() if isinstance(norm, DTensor) else norm


def layers_of(model: Any) -> list[Any]:
    """Return the blocks that a model repeats: the members of its lists of modules, outermost first."""
    found: list[Any] = []
    seen: set[int] = set()
    for module in model.modules():
        if isinstance(module, torch.nn.ModuleList) and id(module) not in seen:
            found += list(module)
            seen |= {id(inner) for inner in module.modules()}
    return found


def make_parallel(bare: Any, accelerator: Accelerator, *, world_size: int, sharding: str) -> Whole:
    """Return the model as the spec wants it spread; one worker has it whole in any case."""
    kind: Callable[..., Whole] = Sharded if sharding == "full" and world_size > 1 else Whole
    return kind(bare, accelerator, world_size)
