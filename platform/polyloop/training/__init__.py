"""Training: one Accelerate train function, run by Ray Train, by `accelerate launch` or in a plain process."""
