"""Suites: tries beside the holdout (behaviour, robustness, bias), with one kind of result that a gate can compare."""
