"""Evaluation: metrics that know scripts, intervals, results per target locale, and the gate that decides on them."""
