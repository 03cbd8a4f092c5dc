"""One look at a run, to change for a test."""

from polyloop.training.progress import Progress

LOOK = Progress(
    fraction=0.1,
    epoch=0,
    step=1,
    steps_in_epoch=10,
    num_steps=1,
    loss=1.0,
    dev_loss=None,
    dev_accuracy=None,
    learning_rate=0.1,
    gradient_norm=1.0,
    tokens_per_s=100.0,
    flops_per_s=1.0,
    mfu=None,
    memory_bytes=1,
    micro_batch_tokens=10,
    elapsed_s=1.0,
    resumed=False,
    pid=1,
)
