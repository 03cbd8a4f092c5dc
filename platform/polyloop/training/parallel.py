"""The model on one or several workers: alone, replicated (DDP), or sharded (FSDP2).

Inputs: the bare model and the accelerator. Output: what is called to compute, and its trained weights, as this worker
holds them and whole. With sharding, every worker has to take part in `gathered`, and calls the model equally often.
Limits: sharding is over all workers, in float32.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from accelerate import Accelerator
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from polyloop.training.averaging import Weights, copy_of

CLIP_EPSILON = 1e-6
"""What torch's clipping adds to a norm before it divides by it."""


class Whole:
    """A model that each worker has all of: one process, or DDP over several."""

    is_sharded = False

    def __init__(self, bare: Any, accelerator: Accelerator, world_size: int) -> None:
        self.bare = bare
        self._device, self._is_first = accelerator.device, accelerator.is_main_process
        self._ddp = world_size > 1
        self.model: Any = bare
        if self._ddp:
            self.model = accelerator.prepare_model(bare)
            # Buffers are the same on all workers from the first step to the last: nothing is to be sent in each.
            self.model.forward_sync_buffers = False

    def compile(self) -> None:
        """Compile what is called; the names of weights stay."""
        # Batches of similar lengths have a shape of their own in nearly every step.
        self.model = torch.compile(self.model, dynamic=True)

    def accumulating(self, is_last: bool) -> AbstractContextManager[Any]:
        """Return the context of one backward pass: gradients are exchanged in the last one of a step."""
        if is_last or not self._ddp:
            return nullcontext()
        context: AbstractContextManager[Any] = getattr(self.model, "_orig_mod", self.model).no_sync()
        return context

    def held(self) -> Weights:
        """Return the trained weights, and buffers, as this worker holds them: themselves, not copies."""
        return {name: local_of(weight) for name, weight in self._trained().items()}

    def moving(self) -> Weights:
        """Return those of the held weights that steps change, which is what an average is made of.

        With sharding, to be called after a backward pass, when each worker is back to its part of them.
        """
        parameters = self.bare.named_parameters()
        return {name: local_of(weight.detach()) for name, weight in parameters if weight.requires_grad}

    def replace(self, held: Weights) -> None:
        """Write weights of the form that `held` returns into the model; names that are not there stay."""
        ours = self.held()
        with torch.no_grad():
            for name, weight in held.items():
                ours[name].copy_(weight)

    def gathered(self, held: Weights) -> Weights:
        """Return whole weights out of what each worker holds of them, on the CPU; whole on the first worker alone."""
        return copy_of(held) if self._is_first else {}

    def spread(self, whole: Weights) -> Weights:
        """Return what this worker holds of weights that every worker has whole, on its device."""
        return {name: weight.to(self._device) for name, weight in whole.items()}

    def gathered_state(self, optimizers: Sequence[torch.optim.Optimizer]) -> dict[str, Any]:
        """Return the whole state of optimisers by names of weights, on the first worker alone.

        Groups and their rates are not part of it: they follow from the config.
        """
        whole: dict[str, Any] = {}
        for optimizer in optimizers:
            names = self._names_in(optimizer)
            for at, values in optimizer.state_dict()["state"].items():
                whole[names[at]] = self._gathered_values(values)
        return whole

    def load_state(self, optimizers: Sequence[torch.optim.Optimizer], whole: dict[str, Any]) -> None:
        """Replace the optimisers' state by one from `gathered_state`, whatever the number of workers was then."""
        for optimizer in optimizers:
            state, names = optimizer.state_dict(), self._names_in(optimizer)
            known = {at: name for at, name in enumerate(names) if name in whole}
            state["state"] = {at: self._spread_values(name, whole[name]) for at, name in known.items()}
            optimizer.load_state_dict(state)

    def clipped_norm(self, max_norm: float) -> torch.Tensor:
        """Clip the gradients to a norm and return the norm that they had."""
        parameters = [parameter for parameter in self.bare.parameters() if parameter.grad is not None]
        norm = torch.nn.utils.get_total_norm([parameter.grad for parameter in parameters])
        norm = norm.full_tensor() if isinstance(norm, DTensor) else norm
        # torch's clip_grad_norm_ would go over all gradients once more, to multiply those within the norm by 1.
        if bool(max_norm / (norm + CLIP_EPSILON) < 1):
            torch.nn.utils.clip_grads_with_norm_(parameters, max_norm, norm)
        return norm

    def kept(self) -> Weights:
        """Return a copy of the whole weights, on the CPU of the first worker."""
        return self.gathered(self.held())

    def _trained(self) -> Weights:
        """Return trained weights and buffers by name, whatever their form; a weight of several names once."""
        weights: Weights = self.bare.state_dict()
        kept = {name for name, _ in self.bare.named_buffers()}
        kept |= {name for name, parameter in self.bare.named_parameters() if parameter.requires_grad}
        return {name: weight.detach() for name, weight in weights.items() if name in kept}

    def _names_in(self, optimizer: torch.optim.Optimizer) -> list[str]:
        """Return the names of the optimiser's weights in its own order."""
        names = {id(parameter): name for name, parameter in self.bare.named_parameters()}
        return [names[id(parameter)] for group in optimizer.param_groups for parameter in group["params"]]

    def _gathered_values(self, values: dict[str, Any]) -> dict[str, Any]:
        return {key: value.detach().cpu() for key, value in values.items()} if self._is_first else {}

    def _spread_values(self, name: str, values: dict[str, Any]) -> dict[str, Any]:
        return values


class Sharded(Whole):
    """A model whose weights, gradients and optimiser state are spread over the workers, layer by layer."""

    is_sharded = True

    def __init__(self, bare: Any, accelerator: Accelerator, world_size: int) -> None:
        self._device, self._is_first = accelerator.device, accelerator.is_main_process
        mesh = init_device_mesh(self._device.type, (world_size,))
        for module in [*layers_of(bare), bare]:
            fully_shard(module, mesh=mesh)
            if self._device.type == "cpu":
                # gloo has no mean of its own: sums are divided instead.
                module.set_force_sum_reduction_for_comms(True)
        self.bare = self.model = bare
        self._ddp = False

    def accumulating(self, is_last: bool) -> AbstractContextManager[Any]:
        """Return the context of one backward pass: gradients are exchanged in the last one of a step."""
        self.bare.set_requires_gradient_sync(is_last)
        return nullcontext()

    def gathered(self, held: Weights) -> Weights:
        """Return whole weights on the first worker, nothing on the others."""
        forms = self._trained()
        whole: Weights = {}
        for name, weight in held.items():
            gathered = whole_of(weight, forms[name])
            if self._is_first:
                whole[name] = gathered.to("cpu", copy=True)
        return whole

    def spread(self, whole: Weights) -> Weights:
        """Return this worker's part of whole weights, which every worker has."""
        forms = self._trained()
        return {name: self._part_of(weight, forms[name]) for name, weight in whole.items()}

    def _gathered_values(self, values: dict[str, Any]) -> dict[str, Any]:
        whole = {
            key: value.full_tensor() if isinstance(value, DTensor) else value.detach() for key, value in values.items()
        }
        return {key: value.cpu() for key, value in whole.items()} if self._is_first else {}

    def _spread_values(self, name: str, values: dict[str, Any]) -> dict[str, Any]:
        form = dict(self.bare.named_parameters())[name]
        return {
            key: distributed(value.to(self._device), form) if value.shape == form.shape else value
            for key, value in values.items()
        }

    def _part_of(self, weight: torch.Tensor, form: torch.Tensor) -> torch.Tensor:
        weight = weight.to(self._device)
        return local_of(distributed(weight, form)) if isinstance(form, DTensor) else weight


def local_of(weight: torch.Tensor) -> torch.Tensor:
    """Return this worker's part of a weight, which shares its memory."""
    return weight.to_local() if isinstance(weight, DTensor) else weight


def whole_of(part: torch.Tensor, form: torch.Tensor) -> torch.Tensor:
    """Return the whole of a weight of which each worker has a part, laid out as `form` is."""
    if not isinstance(form, DTensor):
        return part
    joined = DTensor.from_local(
        part.to(form.device), form.device_mesh, form.placements, run_check=False, shape=form.shape, stride=form.stride()
    )
    return joined.full_tensor()


def distributed(whole: torch.Tensor, form: Any) -> DTensor:
    """Return a tensor that every worker has whole, laid out as `form` is; nothing is sent."""
    return distribute_tensor(whole, form.device_mesh, form.placements, src_data_rank=None)


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
