"""Suites: tries beside the holdout, such as behaviour, robustness and bias, with one kind of result that a gate can compare."""
