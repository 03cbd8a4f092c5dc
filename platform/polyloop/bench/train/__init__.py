"""Benchmark `train`: the train function beside a bare PyTorch loop and transformers' Trainer on the same examples."""
