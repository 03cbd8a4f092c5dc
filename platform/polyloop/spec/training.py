"""How a model is trained: length, batches, optimiser, regularisation, and where the work is done."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from polyloop.spec.fields import Fraction, Frozen

WSD_DECAY_FRACTION = 0.2
"""Hägele et al. 2024 (https://arxiv.org/abs/2405.18392, section 3) find little more in longer ones."""


class DistillationSpec(Frozen):
    """Learning from a larger model's probabilities as well as from the targets (Hinton et al. 2015)."""

    teacher: str
    """Folder of a published version or a checkpoint of the same architecture, labels and tokenizer."""
    weight: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Part of the loss that compares with the teacher; the rest compares with the targets."""
    temperature: Annotated[float, Field(gt=0, le=100)] = 2.0
    """Both sides' logits are divided by it."""


class PreferenceSpec(Frozen):
    """Learning from what users prefer (`polyloop model prefer`), from the champion on; for kinds that write text."""

    method: Literal["dpo", "kto"] = "dpo"
    """dpo learns from pairs, a correction against the served output; kto from single outputs, also rated ones."""
    beta: Annotated[float, Field(gt=0, le=100)] = 0.1
    """Pull to the champion, which is the reference; for `length_normalised` and ipo other sizes are usual."""
    form: Literal["sigmoid", "ipo"] = "sigmoid"
    """Loss of dpo; ipo is the squared one of Azar et al. 2024."""
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    """Part of the pairs that dpo takes to be the wrong way round."""
    length_normalised: bool = False
    """dpo compares means a token instead of sums."""
    desirable_weight: Annotated[float, Field(gt=0, le=1_000)] | None = None
    """Factor on the loss of good outputs, for kto; without one, the scarcer kind is raised to balance both."""
    undesirable_weight: Annotated[float, Field(gt=0, le=1_000)] | None = None
    """Factor on the loss of bad outputs, for kto; set both or none."""
    min_rows: Annotated[int, Field(ge=1)] = 16
    """Fewer pairs or judged outputs than this are not learned from."""
    epochs: Annotated[float, Field(gt=0, le=1_000)] = 1
    """Passes over the preferences."""
    learning_rate: Annotated[float, Field(gt=0, lt=1)] = 5e-6
    """Peak learning rate; large models want less, small ones bear much more."""

    @model_validator(mode="after")
    def _fits_method(self) -> "PreferenceSpec":
        only_dpo = {"form": "sigmoid", "label_smoothing": 0.0, "length_normalised": False}
        changed = [name for name, default in only_dpo.items() if getattr(self, name) != default]
        if self.method == "kto" and changed:
            raise ValueError(f"`{changed[0]}` belongs to `method: dpo`; remove it or change `method`")
        if self.method == "dpo" and (self.desirable_weight, self.undesirable_weight) != (None, None):
            raise ValueError("`desirable_weight` and `undesirable_weight` belong to `method: kto`; remove them")
        if (self.desirable_weight is None) != (self.undesirable_weight is None):
            raise ValueError("set both of `desirable_weight` and `undesirable_weight`, or none of them")
        if self.form == "ipo" and self.label_smoothing:
            raise ValueError("`label_smoothing` has no meaning with `form: ipo`, which bounds the margin by itself")
        return self


class TrainingSpec(Frozen):
    """How a model is trained."""

    epochs: Annotated[float, Field(gt=0, le=1_000)] = 5
    """Passes over the train split."""
    batch_tokens: Annotated[int, Field(ge=16)] = 4_096
    """Padded input plus target tokens in one optimiser step, over all workers."""
    micro_batch_tokens: Annotated[int, Field(ge=16)] | None = None
    """Most padded tokens that a worker computes at once; more is accumulated, with the same result but for dropout."""
    packing: bool = False
    """Rows of a decoder are put end to end and kept apart by positions, instead of padded; pays on GPUs."""
    locale_temperature: Annotated[float, Field(ge=1, le=100)] = 1.0
    """Locales are drawn by size to the power of 1 / this: 1 takes rows as they come, 5 helps small locales a lot."""
    learning_rate: Annotated[float, Field(gt=0, lt=1)] = 1e-3
    """Peak learning rate of AdamW; weights of encoder-decoder recipes learn in proportion to their first size."""
    optimizer: Literal["adamw", "muon"] = "adamw"
    """muon orthogonalises the steps of the layers' matrices, which learns much from few rows; AdamW does the rest."""
    schedule: Literal["cosine", "inverse-sqrt", "wsd", "linear", "constant"] = "cosine"
    """How the learning rate goes on after the warm-up; wsd holds it until the last `decay_fraction`."""
    warmup_fraction: Fraction = 0.1
    """Part of all steps over which the learning rate rises."""
    decay_fraction: Fraction | None = None
    """Part of all steps over which it falls to 0 at the end; 0.2 if not given for wsd, 0 for inverse-sqrt."""
    beta2: Annotated[float, Field(gt=0, lt=1)] = 0.999
    """Decay of AdamW's mean of squared gradients."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    """AdamW weight decay, on matrices only."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Probability mass spread over the other classes or tokens; none where the classes are places in a text."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Dropout of models built from a recipe."""
    label_balance: Fraction = 0.0
    """How far rare labels are weighted up, for classify: 0 not at all, 1 until all labels weigh the same."""
    r_drop: Annotated[float, Field(ge=0, le=100)] = 0.0
    """Weight of the divergence between two passes with different dropout (Liang et al. 2021); costs a second pass."""
    distill: DistillationSpec | None = None
    """Learn from a larger model's probabilities too."""
    preference: PreferenceSpec = PreferenceSpec()
    """How preferences are learned; this is a training of its own, and changes nothing of the others."""
    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    """Gradients are clipped to this norm."""
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The model is an exponential moving average of the weights with this decay a step; 0 for none."""
    average_epochs: Annotated[int, Field(ge=1, le=50)] = 1
    """The model is the mean of the weights at the end of this many last epochs."""
    select: Literal["loss", "accuracy", "last"] = "loss"
    """Which epoch's weights are kept: lowest dev loss, highest dev accuracy of labels or tokens, or the last."""
    patience: Annotated[int, Field(ge=1)] | None = None
    """Training ends after this many epochs without a better one."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Number format of the forward and backward pass."""
    compile: bool = False
    """Compile the model with torch.compile; pays for long runs on GPUs."""
    activation_checkpointing: bool = False
    """Compute activations again in the backward pass instead of keeping them: less memory, a third more work."""
    sharding: Literal["none", "full"] = "none"
    """full shards weights, gradients and optimiser state over the workers (FSDP2)."""
    num_workers: Annotated[int, Field(ge=1)] = 1
    """Data-parallel training processes; the most of them where `min_workers` is set."""
    min_workers: Annotated[int, Field(ge=1)] | None = None
    """A run goes on with as few where nodes are missing, and takes more in when they come, in the same steps."""
    cpus_per_worker: Annotated[float, Field(gt=0)] = 1.0
    """CPUs that Ray reserves for a worker; threads follow `threads_per_worker`."""
    threads_per_worker: Annotated[int, Field(ge=0)] = 0
    """Threads of a worker for matrix work; 0 shares the machine's cores among its workers."""
    use_gpu: bool = False
    """True reserves one GPU a worker."""
    checkpoint_every_s: Annotated[float, Field(gt=0)] = 60.0
    """Seconds between checkpoints; one is also taken at the end of an epoch, unless the last is under 5 s old."""
    max_failures: Annotated[int, Field(ge=0)] = 3
    """How often a run whose worker died goes on from its last checkpoint."""
    seed: Annotated[int, Field(ge=0, le=4_294_967_295)] = 17
    """Seed of initial weights, order and dropout."""

    @property
    def cooldown(self) -> float:
        """Part of all steps over which the learning rate falls to 0 at the end, beside what the schedule says."""
        if self.decay_fraction is not None:
            return self.decay_fraction
        return WSD_DECAY_FRACTION if self.schedule == "wsd" else 0.0

    @model_validator(mode="after")
    def _fits_together(self) -> "TrainingSpec":
        if self.optimizer == "muon" and self.sharding == "full":
            raise ValueError("`optimizer: muon` needs whole matrices; use it with `sharding: none`")
        if self.min_workers is not None and self.min_workers > self.num_workers:
            raise ValueError("`min_workers` is above `num_workers`; raise `num_workers`, the most workers of a run")
        if self.ema_decay and self.average_epochs > 1:
            raise ValueError("`ema_decay` and `average_epochs` both average weights; keep one of them")
        if self.schedule == "inverse-sqrt" and not self.warmup_fraction:
            raise ValueError(
                "`schedule: inverse-sqrt` falls from the end of the warm-up; set `warmup_fraction` above 0"
            )
        if self.decay_fraction is not None and self.schedule not in ("wsd", "inverse-sqrt"):
            raise ValueError(f"`schedule: {self.schedule}` has no `decay_fraction`; leave it out, or take wsd")
        if self.warmup_fraction + self.cooldown > 1:
            raise ValueError("`warmup_fraction` and `decay_fraction` add up to more than 1; lower one of them")
        return self
