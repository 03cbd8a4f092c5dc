"""Figures of serving for Prometheus: what there is, how it is recorded, and the dashboard made of it."""
