"""The Open Inference Protocol, version 2, over REST: what KServe, Triton and MLServer speak."""
